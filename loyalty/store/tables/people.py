"""Members, how they are found, what they agreed to, and which accounts are one."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from loyalty.store.tables.base import Instant, json_column, metadata, text_column

members = Table(
    "members",
    metadata,
    Column("id", UUID, primary_key=True),
    text_column("state", "enrolled"),
    text_column("first_name"),
    text_column("last_name"),
    Column("email", Text),
    Column("phone", Text),
    text_column("locale"),
    text_column("zone"),
    text_column("country"),
    Column("birthday", Date),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    text_column("tier"),
    Column("points", BigInteger, nullable=False, server_default="0"),
    Column("lifetime_points", BigInteger, nullable=False, server_default="0"),
    Column("lifetime_spend", Numeric, nullable=False, server_default="0"),
    Column("orders_count", Integer, nullable=False, server_default="0"),
    Column("points_redeemed", BigInteger, nullable=False, server_default="0"),
    Column("redemptions_count", Integer, nullable=False, server_default="0"),
    Column("segments", ARRAY(Text), nullable=False, server_default="{}"),
    Column("last_order_at", Instant),
    Column("last_activity_at", Instant),
    Column("tier_since", Instant),
    Column("tier_until", Instant),
    Column("merged_into", UUID),
    Column("birthday_told_at", Instant),
    Column("birthday_paid_at", Instant),
    Column("blocked_at", Instant),
    Column("joined_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    CheckConstraint("state in ('enrolled', 'merged', 'erased')", name="state"),
    Index("ix_members_joined", "joined_at"),
    Index("ix_members_merged", "merged_into", postgresql_where=text("merged_into is not null")),
)


identities = Table(
    "identities",
    metadata,
    Column("store", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("store", "kind", "value"),
    Index("ix_identities_member", "member_id"),
)


consents = Table(
    "consents",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("member_id", UUID),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    text_column("purpose", "marketing"),
    text_column("topic"),
    text_column("text_version"),
    Column("evidence_at", Instant),
    CheckConstraint("state in ('granted', 'pending', 'withdrawn')", name="state"),
    CheckConstraint("purpose in ('marketing', 'everything')", name="purpose"),
    Index("ix_consents_latest", "channel", "address", "occurred_at"),
)


merges = Table(
    "merges",
    metadata,
    Column("key", Text, primary_key=True),
    Column("source_id", UUID, nullable=False),
    Column("target_id", UUID, nullable=False),
    Column("merged_at", Instant, nullable=False),
    Column("unmerged_at", Instant),
    json_column("source_before"),
    Index("ix_merges_source", "source_id"),
)
