"""answers that somebody holds back"""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('link', sa.Column('held_by', sa.Text(), server_default='', nullable=False))


def downgrade() -> None:
    op.drop_column('link', 'held_by')
