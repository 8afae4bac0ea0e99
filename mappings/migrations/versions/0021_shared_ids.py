"""the id by which a platform knows somebody in all accounts of one owner"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("identity", sa.Column("shared_id", sa.String(), server_default="", nullable=False))
    op.create_index("ix_identity_shared_id", "identity", ["shared_id"])


def downgrade() -> None:
    op.drop_index("ix_identity_shared_id", "identity")
    with op.batch_alter_table("identity") as batch:
        batch.drop_column("shared_id")
