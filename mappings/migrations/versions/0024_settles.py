"""from when on a step of unknown outcome that is not there is sent again"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('outbox', sa.Column('settles_at', sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column('outbox', 'settles_at')
