"""facts, what is counted of them, questions to customers; views for those who read with SQL"""

import sqlalchemy as sa
from alembic import op

from mappings.types import BigId, StateName, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_VIEWS = {
    "v_turns": """
        SELECT turn.root_id AS conversation, turn.number, link.channel, link.desk, link.entry, link.ticket,
               turn.started_at, turn.asked_at, turn.answered_at, turn.outcome, turn.first, turn.agent,
               turn.took AS took_ms, turn.business AS business_ms, turn.bridge_part AS bridge_ms
        FROM turn JOIN link ON link.id = turn.link_id""",
    "v_episodes": """
        SELECT episode.root_id AS conversation, link.channel, link.desk, link.entry, link.ticket, episode.opened_at,
               episode.answered_at, episode.first_solved_at, episode.last_solved_at, episode.state, episode.messages,
               episode.answers, episode.bot, episode.automatic, episode.reopens, episode.handovers, episode.lost,
               episode.rating
        FROM episode JOIN link ON link.id = episode.link_id""",
    "v_measures": """
        SELECT grain, bucket, kind, channel, desk, entry, agent, code, n, total FROM measure""",
}


def upgrade() -> None:
    op.create_table('figure_cursor',
    sa.Column('log', sa.String(), nullable=False),
    sa.Column('done', BigId, server_default='0', nullable=False),
    sa.Column('horizon', BigId, server_default='0', nullable=False),
    sa.Column('horizon_at', UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('log')
    )
    op.create_table('figure_due',
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('number', BigId, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('what', 'number')
    )
    op.create_table('measure',
    sa.Column('id', BigId, autoincrement=True, nullable=False),
    sa.Column('grain', sa.String(), nullable=False),
    sa.Column('bucket', UtcDateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('desk', sa.String(), nullable=False),
    sa.Column('entry', sa.Text(), server_default='', nullable=False),
    sa.Column('agent', sa.Text(), server_default='', nullable=False),
    sa.Column('code', sa.Text(), server_default='', nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('total', BigId, server_default='0', nullable=False),
    sa.Column('hist', sa.Text(), server_default='{}', nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('grain', 'bucket', 'kind', 'channel', 'desk', 'entry', 'agent', 'code', name='measure_once')
    )
    op.create_table('episode',
    sa.Column('root_id', BigId, autoincrement=False, nullable=False),
    sa.Column('link_id', BigId, nullable=False),
    sa.Column('opened_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('answered_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('first_solved_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('last_solved_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('state', StateName, nullable=False),
    sa.Column('messages', sa.Integer(), nullable=False),
    sa.Column('answers', sa.Integer(), nullable=False),
    sa.Column('bot', sa.Integer(), nullable=False),
    sa.Column('automatic', sa.Integer(), nullable=False),
    sa.Column('reopens', sa.Integer(), nullable=False),
    sa.Column('handovers', sa.Integer(), nullable=False),
    sa.Column('lost', sa.Integer(), nullable=False),
    sa.Column('rating', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['link_id'], ['link.id']),
    sa.PrimaryKeyConstraint('root_id')
    )
    op.create_index(op.f('ix_episode_first_solved_at'), 'episode', ['first_solved_at'])
    op.create_index(op.f('ix_episode_link_id'), 'episode', ['link_id'])
    op.create_index(op.f('ix_episode_opened_at'), 'episode', ['opened_at'])
    op.create_table('episode_shift',
    sa.Column('id', BigId, autoincrement=True, nullable=False),
    sa.Column('root_id', BigId, nullable=False),
    sa.Column('link_id', BigId, nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('by', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['link_id'], ['link.id']),
    sa.ForeignKeyConstraint(['root_id'], ['link.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('root_id', 'number')
    )
    op.create_index(op.f('ix_episode_shift_at'), 'episode_shift', ['at'])
    op.create_index(op.f('ix_episode_shift_link_id'), 'episode_shift', ['link_id'])
    op.create_table('fact',
    sa.Column('id', BigId, autoincrement=True, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('ref', sa.String(), nullable=False),
    sa.Column('link_id', BigId, nullable=False),
    sa.Column('at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('from_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('agent', sa.Text(), server_default='', nullable=False),
    sa.Column('code', sa.Text(), server_default='', nullable=False),
    sa.Column('value', BigId, server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['link_id'], ['link.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('kind', 'ref')
    )
    op.create_index('fact_at', 'fact', ['at'])
    op.create_index('fact_link', 'fact', ['link_id'])
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
    op.create_table('survey',
    sa.Column('id', BigId, autoincrement=True, nullable=False),
    sa.Column('link_id', BigId, nullable=False),
    sa.Column('state', StateName, nullable=False),
    sa.Column('due_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('asked_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('why', sa.Text(), server_default='', nullable=False),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('rated_at', UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['link_id'], ['link.id']),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_survey_link_id'), 'survey', ['link_id'])
    op.create_index('survey_due', 'survey', ['due_at'], sqlite_where=sa.text("state = 'due'"), postgresql_where=sa.text("state = 'due'"))
    op.create_table('turn',
    sa.Column('id', BigId, autoincrement=True, nullable=False),
    sa.Column('root_id', BigId, nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('link_id', BigId, nullable=False),
    sa.Column('started_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('asked_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('answered_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('outcome', StateName, nullable=False),
    sa.Column('first', sa.Boolean(), nullable=False),
    sa.Column('agent', sa.Text(), server_default='', nullable=False),
    sa.Column('took', BigId, nullable=True),
    sa.Column('business', BigId, nullable=True),
    sa.Column('bridge_part', BigId, nullable=True),
    sa.ForeignKeyConstraint(['link_id'], ['link.id']),
    sa.ForeignKeyConstraint(['root_id'], ['link.id']),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('root_id', 'number')
    )
    op.create_index(op.f('ix_turn_link_id'), 'turn', ['link_id'])
    op.create_index(op.f('ix_turn_started_at'), 'turn', ['started_at'])
    op.create_index('turn_answered', 'turn', ['answered_at'])
    op.create_index('turn_waiting', 'turn', ['asked_at'], sqlite_where=sa.text("outcome = 'waiting'"), postgresql_where=sa.text("outcome = 'waiting'"))
    for name, query in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in _VIEWS:
        op.execute(f"DROP VIEW {name}")
    names = "mention", "survey", "figure_due", "figure_cursor", "measure", "episode_shift", "episode", "turn", "fact"
    for name in names:
        op.drop_table(name)
