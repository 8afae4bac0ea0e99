"""sums by route, group of the desk and language"""

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None

_NEW = ('route', 'desk_group', 'language')
_BEFORE = ('grain', 'bucket', 'kind', 'channel', 'desk', 'entry', 'agent', 'code')
_AFTER = ('grain', 'bucket', 'kind', 'channel', 'desk', 'entry', *_NEW, 'agent', 'code')
_VIEW = 'CREATE VIEW v_measures AS SELECT {} FROM measure'


def upgrade() -> None:
    op.execute('DROP VIEW v_measures')
    with op.batch_alter_table('measure') as batch:
        for name in _NEW:
            batch.add_column(sa.Column(name, sa.Text(), server_default='', nullable=False))
        batch.drop_constraint('measure_once', type_='unique')
        batch.create_unique_constraint('measure_once', list(_AFTER))
    op.execute(_VIEW.format(', '.join((*_AFTER, 'n', 'total'))))


def downgrade() -> None:
    op.execute('DROP VIEW v_measures')
    op.execute("DELETE FROM measure WHERE route <> '' OR desk_group <> '' OR language <> ''")
    with op.batch_alter_table('measure') as batch:
        batch.drop_constraint('measure_once', type_='unique')
        for name in _NEW:
            batch.drop_column(name)
        batch.create_unique_constraint('measure_once', list(_BEFORE))
    op.execute(_VIEW.format(', '.join((*_BEFORE, 'n', 'total'))))
