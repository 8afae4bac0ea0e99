"""why a message waits, whether a step is automatic, and short ids: columns instead of beginnings of texts"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

_INDEXES = (('waiting_files', 'waiting', 'due_at', "cause = 'files'"), ('pair_short', 'pair', 'short', 'short IS NOT NULL'))


def upgrade() -> None:
    op.add_column('waiting', sa.Column('cause', sa.String(), server_default='', nullable=False))
    op.add_column('outbox', sa.Column('automatic', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('pair', sa.Column('short', sa.String(), nullable=True))
    op.execute("UPDATE waiting SET cause = 'automatic' WHERE message_id LIKE 'greeting:%'")
    op.execute("UPDATE waiting SET cause = 'files' WHERE message_id LIKE '%+files'")
    going = "state IN ('ready', 'parked')"
    op.execute(sa.text(f"""UPDATE outbox SET automatic = true WHERE {going} AND messages LIKE '[{{"id": "greeting\\:%'"""))
    at = 'instr' if op.get_bind().dialect.name == 'sqlite' else 'strpos'
    op.execute(sa.text(f"UPDATE pair SET short = substr(message_id, {at}(message_id, '\\:') + 1) WHERE {at}(message_id, '\\:') > 0"))
    for name, table, column, where in _INDEXES:
        op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table)
    for table, column in (('pair', 'short'), ('outbox', 'automatic'), ('waiting', 'cause')):
        op.drop_column(table, column)
