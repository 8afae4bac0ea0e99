"""the tables of message ids and of merged people under the field's names"""

import sqlalchemy as sa
from alembic import op

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None

_NAMES = (('pair', 'message_ref'), ('joining', 'person_merge'))
_INDEXES = (
    ('pair', 'ix_pair_link_id', 'ix_message_ref_link_id', 'link_id', None),
    ('pair', 'pair_short', 'message_ref_short', 'short', 'short IS NOT NULL'),
    ('joining', 'ix_joining_kept_id', 'ix_person_merge_kept_id', 'kept_id', None),
    ('joining', 'ix_joining_joined_id', 'ix_person_merge_joined_id', 'joined_id', None),
)
_CONSTRAINTS = {  # only PostgreSQL gives them names
    'pair': ('_pkey', '_account_message_id_key', '_link_id_fkey'),
    'joining': ('_pkey', '_kept_id_fkey', '_joined_id_fkey'),
}


def upgrade() -> None:
    for old, new in _NAMES:
        op.rename_table(old, new)
        _rename_inside(new, _CONSTRAINTS[old], old, new)
    for old, before, after, column, where in _INDEXES:
        _rename_index(dict(_NAMES)[old], before, after, column, where)
    op.execute("UPDATE figure_cursor SET log = 'message_ref' WHERE log = 'pair'")


def downgrade() -> None:
    for old, new in _NAMES:
        op.rename_table(new, old)
        _rename_inside(old, _CONSTRAINTS[old], new, old)
    for old, before, after, column, where in _INDEXES:
        _rename_index(old, after, before, column, where)
    op.execute("UPDATE figure_cursor SET log = 'pair' WHERE log = 'message_ref'")


def _rename_inside(table, constraints, before, after) -> None:
    if op.get_bind().dialect.name == 'postgresql':
        for end in constraints:
            op.execute(f'ALTER TABLE {table} RENAME CONSTRAINT {before}{end} TO {after}{end}')
        op.execute(f'ALTER SEQUENCE {before}_id_seq RENAME TO {after}_id_seq')


def _rename_index(table, before, after, column, where) -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute(f'ALTER INDEX {before} RENAME TO {after}')
        return
    op.drop_index(before, table)
    op.create_index(after, table, [column], sqlite_where=sa.text(where) if where else None)
