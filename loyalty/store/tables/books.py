"""The books: sales, entries, lots and what was taken from them, debts, holds, limits."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from loyalty.store.tables.base import Instant, json_column, json_default, metadata, text_column

sales = Table(
    "sales",
    metadata,
    Column("store", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("revision", Instant),
    json_column("data"),
    json_column("refunds"),
    Column("is_cancelled", Boolean, nullable=False, server_default="false"),
    Column("occurred_at", Instant, nullable=False),
    Column("version", Text, nullable=False),
    json_column("facts"),
    json_column("awards"),
    Column("spend", Numeric, nullable=False, server_default="0"),
    Column("spend_gross", Numeric, nullable=False, server_default="0"),
    Column("origin_id", UUID),
    text_column("programme"),
    Column("fx_rate", Numeric, nullable=False, server_default="1"),
    Column("reversed_refunds", ARRAY(Text), nullable=False, server_default="{}"),
    Column("rooms", JSONB, nullable=False, server_default="[]"),
    Column("taken_back", BigInteger, nullable=False, server_default="0"),
    Column("written_off", BigInteger, nullable=False, server_default="0"),
    json_default("given"),
    Column("is_counted", Boolean, nullable=False, server_default="true"),
    PrimaryKeyConstraint("store", "order_id"),
    Index("ix_sales_member", "member_id"),
)


entries = Table(
    "entries",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("member_id", UUID, ForeignKey("members.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("business_key", Text, nullable=False, unique=True),
    Column("event_id", BigInteger),
    text_column("sale"),
    text_column("rule"),
    text_column("version"),
    Column("occurred_at", Instant, nullable=False),
    Column("posted_at", Instant, nullable=False),
    text_column("reason"),
    json_column("snapshot"),
    Column("origin_id", UUID),
    Column("counts_at", Instant),
    CheckConstraint("points <> 0", name="points"),
    Index("ix_entries_member", "member_id", "id"),
    Index(
        "ix_entries_counting",
        "member_id",
        "counts_at",
        postgresql_where=text("counts_at is not null"),
    ),
    Index("ix_entries_sale", "sale", postgresql_where=text("sale <> ''")),
    Index("ix_entries_posted", "posted_at"),
)


lots = Table(
    "lots",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("entry_id", UUID, ForeignKey("entries.id"), nullable=False),
    text_column("sale"),
    Column("points", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("available_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("earned_at", Instant, nullable=False),
    Column("held", BigInteger, nullable=False, server_default="0"),
    Column("expired", BigInteger, nullable=False, server_default="0"),
    Column("origin_id", UUID),
    CheckConstraint("remaining between 0 and points", name="remaining"),
    CheckConstraint("held between 0 and remaining", name="held"),
    Index("ix_lots_open", "member_id", postgresql_where=text("remaining > 0")),
    Index("ix_lots_sale", "sale", postgresql_where=text("sale <> ''")),
    Index(
        "ix_lots_expiring",
        "expires_at",
        postgresql_where=text("remaining > 0 and expires_at is not null"),
    ),
)


allocations = Table(
    "allocations",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("entry_id", UUID, ForeignKey("entries.id"), nullable=False),
    Column("lot_id", UUID, ForeignKey("lots.id"), nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("posted_at", Instant, nullable=False),
    CheckConstraint("points <> 0", name="points"),
    Index("ix_allocations_entry", "entry_id"),
    Index("ix_allocations_lot", "lot_id"),
)
"""What an entry took from a lot (positive) or gave back into it (negative)."""


debts = Table(
    "debts",
    metadata,
    Column("entry_id", UUID, ForeignKey("entries.id"), primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("posted_at", Instant, nullable=False),
    CheckConstraint("remaining between 0 and points", name="remaining"),
    Index("ix_debts_open", "member_id", postgresql_where=text("remaining > 0")),
)
"""The part of an entry that no lot could pay yet: a lot with the sign turned round."""


holds = Table(
    "holds",
    metadata,
    Column("key", Text, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("points", BigInteger, nullable=False),
    text_column("reward"),
    text_column("state", "held"),
    Column("parts", JSONB, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint("state in ('held', 'captured', 'released')", name="state"),
    Index("ix_holds_open", "member_id", postgresql_where=text("state = 'held'")),
)


redemptions = Table(
    "redemptions",
    metadata,
    Column("key", Text, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("entry_id", UUID, ForeignKey("entries.id"), nullable=False),
    Column("points", BigInteger, nullable=False),
    text_column("reward"),
    Column("used_on", Text, nullable=False, server_default=""),
    text_column("state", "spent"),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("state in ('spent', 'returned')", name="state"),
    Index("ix_redemptions_used_on", "used_on", postgresql_where=text("used_on <> ''")),
    Index("ix_redemptions_member", "member_id"),
)


limit_uses = Table(
    "limit_uses",
    metadata,
    Column("limit_key", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("bucket", Text, nullable=False),
    Column("points", BigInteger, nullable=False, server_default="0"),
    Column("times", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("limit_key", "scope", "bucket"),
)
"""How much of a cap or limit is used, per scope (a member, or nobody) and period."""


milestones_reached = Table(
    "milestones_reached",
    metadata,
    Column("member_id", UUID, nullable=False),
    Column("milestone", Text, nullable=False),
    Column("mark", Numeric, nullable=False),
    Column("times", Integer, nullable=False, server_default="0"),
    Column("points", BigInteger, nullable=False, server_default="0"),
    Column("stands", Boolean, nullable=False, server_default="true"),
    Column("reached_at", Instant, nullable=False),
    PrimaryKeyConstraint("member_id", "milestone", "mark"),
)


adjustments = Table(
    "adjustments",
    metadata,
    Column("key", Text, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("points", BigInteger, nullable=False),
    text_column("reason"),
    text_column("asked_by"),
    text_column("approved_by"),
    text_column("state", "waiting"),
    json_column("data"),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint("state in ('waiting', 'booked')", name="state"),
)
