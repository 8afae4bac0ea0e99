"""what the shop's systems say, targets of conversations, alerts"""

import sqlalchemy as sa
from alembic import op

from mappings.types import BigId, StateName, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _moment(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, UtcDateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "shop_fact",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        _moment("until"),
        _moment("at"),
        sa.PrimaryKeyConstraint("account", "subject"),
    )
    op.create_index(op.f("ix_shop_fact_until"), "shop_fact", ["until"])
    op.create_table(
        "shop_message",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("given", sa.String(), nullable=False),
        sa.Column("link_id", BigId, nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("step_id", BigId, nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        _moment("at"),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account", "given"),
    )
    op.create_index(op.f("ix_shop_message_at"), "shop_message", ["at"])
    op.create_index(op.f("ix_shop_message_link_id"), "shop_message", ["link_id"])
    op.create_table(
        "goal",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("link_id", BigId, nullable=False),
        sa.Column("kind", StateName, nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), server_default="0", nullable=False),
        sa.Column("outcome", StateName, server_default="", nullable=False),
        _moment("started_at"),
        _moment("due_at"),
        _moment("next_at", nullable=True),
        _moment("ended_at", nullable=True),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_goal_link_id"), "goal", ["link_id"])
    where = sa.text("next_at IS NOT NULL")
    op.create_index("goal_next", "goal", ["next_at"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "alert",
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("state", StateName, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        _moment("since"),
        _moment("due_at", nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        _moment("told_at", nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("receiver", "cause"),
    )


def downgrade() -> None:
    for name in ("alert", "goal", "shop_message", "shop_fact"):
        op.drop_table(name)
