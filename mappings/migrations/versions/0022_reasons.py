"""why a step failed, for people"""

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('outbox', sa.Column('reason', sa.Text(), server_default='', nullable=False))


def downgrade() -> None:
    op.drop_column('outbox', 'reason')
