"""repeats are known when they are routed, and idle lanes found in the order of what waits"""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

# the first revision left the name to the database: PostgreSQL gives this one, SQLite none at all
_NAME = 'inbox_account_key_key'
_NAMES = {'uq': '%(table_name)s_%(column_0_N_name)s_key'}
_ONCE = sa.text("state <> 'ready'")
_FREE = sa.text("held = ''")


def upgrade() -> None:
    with op.batch_alter_table('inbox', naming_convention=_NAMES) as batch_op:
        batch_op.drop_constraint(_NAME, type_='unique')
        batch_op.create_index('inbox_once', ['account', 'key'], unique=True, sqlite_where=_ONCE, postgresql_where=_ONCE)
    op.create_index('waiting_free', 'waiting', ['account', 'id'], sqlite_where=_FREE, postgresql_where=_FREE)


def downgrade() -> None:
    op.drop_index('waiting_free', 'waiting')
    op.execute(
        "DELETE FROM inbox WHERE state = 'ready' AND EXISTS (SELECT 1 FROM inbox AS one WHERE one.account = inbox.account"
        " AND one.key = inbox.key AND (one.state <> 'ready' OR one.id < inbox.id))"
    )
    with op.batch_alter_table('inbox', naming_convention=_NAMES) as batch_op:
        batch_op.drop_index('inbox_once')
        batch_op.create_unique_constraint(_NAME, ['account', 'key'])
