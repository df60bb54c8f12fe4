"""The terms under which a recommendation counted, kept with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("referrals", sa.Column("terms", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("referrals", "terms")
