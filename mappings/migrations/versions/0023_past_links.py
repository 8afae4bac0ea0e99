"""what a conversation was before, by its name"""

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

_WHERE = "state = 'ended'"


def upgrade() -> None:
    op.create_index(
        'link_past', 'link', ['channel', 'conversation'], sqlite_where=sa.text(_WHERE), postgresql_where=sa.text(_WHERE)
    )


def downgrade() -> None:
    op.drop_index('link_past', 'link')
