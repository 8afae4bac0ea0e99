"""when tokens of the API end, and when they were last used"""

import sqlalchemy as sa
from alembic import op

from mappings.types import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_token", sa.Column("expires_at", UtcDateTime(timezone=True), nullable=True))
    op.add_column("api_token", sa.Column("used_at", UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("api_token") as batch:
        batch.drop_column("used_at")
        batch.drop_column("expires_at")
