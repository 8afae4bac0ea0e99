"""who holds a conversation in which term, each hand-over, each turn of a bot"""

import sqlalchemy as sa
from alembic import op

from mappings.types import BigId, UtcDateTime


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('link', sa.Column('holder', sa.String(), server_default='', nullable=False))
    op.add_column('link', sa.Column('term', sa.Integer(), server_default='1', nullable=False))
    op.add_column('link', sa.Column('memory', sa.Text(), server_default='', nullable=False))
    op.add_column('outbox', sa.Column('term', sa.Integer(), nullable=True))
    op.execute('UPDATE link SET holder = desk')
    op.create_table(
        'handover',
        sa.Column('id', BigId, autoincrement=True, nullable=False),
        sa.Column('link_id', BigId, nullable=False),
        sa.Column('left_id', BigId, nullable=False),
        sa.Column('from_account', sa.String(), nullable=False),
        sa.Column('to_account', sa.String(), nullable=False),
        sa.Column('why', sa.String(), nullable=False),
        sa.Column('who', sa.Text(), server_default='', nullable=False),
        sa.Column('term', sa.Integer(), nullable=False),
        sa.Column('at', UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['link_id'], ['link.id']),
        sa.ForeignKeyConstraint(['left_id'], ['link.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_table(
        'bot_turn',
        sa.Column('id', BigId, autoincrement=True, nullable=False),
        sa.Column('outbox_id', BigId, nullable=False),
        sa.Column('link_id', BigId, nullable=False),
        sa.Column('account', sa.String(), nullable=False),
        sa.Column('term', sa.Integer(), nullable=False),
        sa.Column('mode', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('verdict', sa.String(), nullable=False),
        sa.Column('why', sa.Text(), server_default='', nullable=False),
        sa.Column('tokens', sa.Integer(), nullable=False),
        sa.Column('at', UtcDateTime(timezone=True), nullable=False),
        sa.Column('ended_at', UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['outbox_id'], ['outbox.id']),
        sa.ForeignKeyConstraint(['link_id'], ['link.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    for table, columns in (('handover', ('link_id', 'left_id', 'at')), ('bot_turn', ('outbox_id', 'link_id', 'at'))):
        for column in columns:
            op.create_index(f'ix_{table}_{column}', table, [column])


def downgrade() -> None:
    op.drop_table('bot_turn')
    op.drop_table('handover')
    op.drop_column('outbox', 'term')
    for column in ('memory', 'term', 'holder'):
        op.drop_column('link', column)
