"""the code of a pause beside its sentence, instead of inside it"""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

_OLD = 'auth: '  # then the code, a colon and the sentence


def upgrade() -> None:
    op.add_column('pause', sa.Column('code', sa.Text(), server_default='', nullable=False))
    pause = sa.table('pause', sa.column('account', sa.String()), sa.column('reason', sa.Text()), sa.column('code', sa.Text()))
    connection = op.get_bind()
    for account, reason in connection.execute(sa.select(pause.c.account, pause.c.reason)).all():
        if reason.startswith(_OLD):
            said = reason[len(_OLD):]
            code = said.partition(': ')[0] if ': ' in said else ''
            connection.execute(sa.update(pause).where(pause.c.account == account).values(reason=said, code=code))


def downgrade() -> None:
    op.drop_column('pause', 'code')
