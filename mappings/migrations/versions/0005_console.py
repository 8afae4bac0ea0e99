"""who may sign in to the console, refused callbacks, replays under way"""

import sqlalchemy as sa
from alembic import op

from mappings.types import BigId, UtcDateTime


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'console_user',
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('shown', sa.String(), nullable=False),
        sa.Column('role', sa.String(), nullable=False),
        sa.Column('hash', sa.Text(), nullable=False),
        sa.Column('language', sa.String(), nullable=False),
        sa.Column('theme', sa.String(), nullable=False),
        sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('name'),
    )
    op.create_table(
        'console_session',
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('since', UtcDateTime(timezone=True), nullable=False),
        sa.Column('seen', UtcDateTime(timezone=True), nullable=False),
        sa.Column('network', sa.String(), nullable=False),
        sa.Column('browser', sa.String(), nullable=False),
        sa.Column('mark', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('key'),
    )
    op.create_index('ix_console_session_name', 'console_session', ['name'])
    op.create_table(
        'refused_callback',
        sa.Column('id', BigId, autoincrement=True, nullable=False),
        sa.Column('account', sa.String(), nullable=False),
        sa.Column('cause', sa.String(), nullable=False),
        sa.Column('client', sa.String(), nullable=False),
        sa.Column('at', UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_refused_callback_at', 'refused_callback', ['at'])
    op.create_table(
        'replay_job',
        sa.Column('id', BigId, autoincrement=True, nullable=False),
        sa.Column('who', sa.String(), nullable=False),
        sa.Column('cause', sa.Text(), server_default='', nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('after', BigId, nullable=False),
        sa.Column('until', BigId, nullable=False),
        sa.Column('total', sa.Integer(), nullable=False),
        sa.Column('done', sa.Integer(), nullable=False),
        sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
        sa.Column('ended_at', UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint('id'),
    )


def downgrade() -> None:
    op.drop_table('replay_job')
    op.drop_index('ix_refused_callback_at', table_name='refused_callback')
    op.drop_table('refused_callback')
    op.drop_index('ix_console_session_name', table_name='console_session')
    op.drop_table('console_session')
    op.drop_table('console_user')
