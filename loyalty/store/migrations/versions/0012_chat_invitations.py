"""Who writes to us in chats, and the invitations that were sent there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "chat_contacts",
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("last_message_at", _INSTANT, nullable=True),
        sa.Column("last_text", sa.Text(), server_default="", nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("stopped_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("store", "contact", name=op.f("pk_chat_contacts")),
    )
    op.create_index("ix_chat_contacts_latest", "chat_contacts", ["last_message_at"])
    op.create_index(
        "ix_chat_contacts_member",
        "chat_contacts",
        ["member_id"],
        postgresql_where=sa.text("member_id is not null"),
    )
    op.create_table(
        "chat_invitations",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("sent_by", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("bound_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_invitations")),
    )
    op.create_index(
        "ix_chat_invitations_contact", "chat_invitations", ["store", "contact", "sent_at"]
    )


def downgrade() -> None:
    op.drop_table("chat_invitations")
    op.drop_table("chat_contacts")
