"""Who writes to us in chats, and the invitations that were sent there."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from loyalty.store.tables.base import Instant, metadata, text_column

chat_contacts = Table(
    "chat_contacts",
    metadata,
    Column("store", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("last_message_at", Instant),
    text_column("last_text"),
    text_column("place"),
    Column("member_id", UUID),
    Column("stopped_at", Instant),
    PrimaryKeyConstraint("store", "contact"),
    Index("ix_chat_contacts_latest", "last_message_at"),
    Index("ix_chat_contacts_member", "member_id", postgresql_where=text("member_id is not null")),
)


chat_invitations = Table(
    "chat_invitations",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("store", Text, nullable=False),
    Column("contact", Text, nullable=False),
    text_column("sent_by"),
    Column("sent_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("member_id", UUID),
    Column("bound_at", Instant),
    Index("ix_chat_invitations_contact", "store", "contact", "sent_at"),
)
