"""columns and an index by the names that the code uses"""

from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

_ENDED = "state IN ('failed', 'unconfirmed', 'dead')"


def _rename(old: str, new: str) -> None:
    for table in ('link', 'outbox'):
        op.execute(f'ALTER TABLE {table} RENAME COLUMN {old} TO {new}')


def _rename_index(old: str, new: str) -> None:
    if op.get_bind().dialect.name != 'sqlite':
        op.execute(f'ALTER INDEX {old} RENAME TO {new}')
        return
    op.execute(f'DROP INDEX {old}')  # SQLite cannot rename one; it is small
    op.execute(f'CREATE INDEX {new} ON outbox (state, id) WHERE {_ENDED}')


def upgrade() -> None:
    _rename('ledger', 'allowance')
    _rename_index('outbox_sad', 'outbox_failed')


def downgrade() -> None:
    _rename_index('outbox_failed', 'outbox_sad')
    _rename('allowance', 'ledger')
