"""Where people write, of chats whose conversations stand in channels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chat_contacts", sa.Column("place", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("chat_contacts", "place")
