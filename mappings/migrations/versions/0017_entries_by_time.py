"""entries of connectors' streams by their time, for retention"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("entry_at", "entry", ["at"])


def downgrade() -> None:
    op.drop_index("entry_at", "entry")
