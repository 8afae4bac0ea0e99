"""sums of one kind over a long time, without reading all others"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("measure_kind", "measure", ["grain", "kind", "bucket"])


def downgrade() -> None:
    op.drop_index("measure_kind", "measure")
