"""Each conversation remembers which rule decided where it goes, and what was proven of its customer."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("link", sa.Column("decided", sa.Text(), nullable=False, server_default=""))
    op.add_column("link", sa.Column("proven", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("link", sa.Column("entry", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    for name in ("entry", "proven", "decided"):
        op.drop_column("link", name)
