"""what is kept of conversations whose facts go; rising phrases; no table that nobody fills"""

import sqlalchemy as sa
from alembic import op

from mappings.types import BigId, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('figure_folded',
    sa.Column('root_id', BigId, autoincrement=False, nullable=False),
    sa.Column('spans', sa.Text(), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('root_id')
    )
    op.create_table('phrase',
    sa.Column('phrase', sa.Text(), nullable=False),
    sa.Column('made_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False),
    sa.Column('before', sa.Integer(), nullable=False),
    sa.Column('days', sa.Text(), server_default='[]', nullable=False),
    sa.PrimaryKeyConstraint('phrase')
    )
    op.drop_table('mention')


def downgrade() -> None:
    op.create_table('mention',
    sa.Column('id', BigId, autoincrement=True, nullable=False),
    sa.Column('day', UtcDateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('link_id', BigId, nullable=False),
    sa.ForeignKeyConstraint(['link_id'], ['link.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('kind', 'name', 'link_id', 'day')
    )
    op.create_index(op.f('ix_mention_link_id'), 'mention', ['link_id'])
    op.create_index('mention_day', 'mention', ['day', 'kind'])
    op.drop_table('phrase')
    op.drop_table('figure_folded')
