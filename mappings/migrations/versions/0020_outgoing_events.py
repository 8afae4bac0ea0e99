"""what other systems are told"""

import sqlalchemy as sa
from alembic import op

from mappings.types import BigId, StateName, UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outgoing_event",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("link_id", BigId, nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("state", StateName(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ready_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("done_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    ready, dead = sa.text("state = 'ready'"), sa.text("state = 'dead'")
    op.create_index(
        "outgoing_ready", "outgoing_event", ["receiver", "thread", "id"], sqlite_where=ready, postgresql_where=ready
    )
    op.create_index("outgoing_dead", "outgoing_event", ["id"], sqlite_where=dead, postgresql_where=dead)
    op.create_index("outgoing_receiver", "outgoing_event", ["receiver", "id"])
    op.create_index("outgoing_done", "outgoing_event", ["done_at"])
    op.create_index("ix_outgoing_event_link_id", "outgoing_event", ["link_id"])


def downgrade() -> None:
    op.drop_table("outgoing_event")
