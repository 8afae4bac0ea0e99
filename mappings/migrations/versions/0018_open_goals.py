"""answers that people owe, by their deadline"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

_OPEN = sa.text('ended_at IS NULL')


def upgrade() -> None:
    op.create_index('goal_open', 'goal', ['due_at'], sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_index('goal_open', 'goal')
