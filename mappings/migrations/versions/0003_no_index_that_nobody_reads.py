"""three indexes of the hot path that no query reads"""

from alembic import op


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

_UNREAD = {
    'ix_pair_outbox_id': ('pair', 'outbox_id'),
    'ix_waiting_inbox_id': ('waiting', 'inbox_id'),
    'ix_waiting_due_at': ('waiting', 'due_at'),
}


def upgrade() -> None:
    for name, (table, _) in _UNREAD.items():
        op.drop_index(name, table)


def downgrade() -> None:
    for name, (table, column) in _UNREAD.items():
        op.create_index(name, table, [column])
