"""what became of callbacks, so that another process can say why they are refused"""

import sqlalchemy as sa
from alembic import op

from mappings.types import UtcDateTime


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'callback',
        sa.Column('account', sa.String(), nullable=False),
        sa.Column('outcome', sa.String(), nullable=False),
        sa.Column('count', sa.Integer(), nullable=False),
        sa.Column('remedy', sa.Text(), server_default='{}', nullable=False),
        sa.Column('since', UtcDateTime(timezone=True), nullable=False),
        sa.Column('at', UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('account', 'outcome'),
    )


def downgrade() -> None:
    op.drop_table('callback')
