"""The tables. Uniqueness, and that the ledger only grows, live here and not in code.

Identifiers are UUIDs of version 7 made by the writer (`loyalty.store.ids`), so that what
belongs together is written in few statements; the inbox counts, since its order matters.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Instant = DateTime(timezone=True)


def _json(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, JSONB, nullable=nullable)


def _json_default(name: str) -> Column[object]:
    return Column(name, JSONB, nullable=False, server_default="{}")


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


connections = Table(
    "connections",
    metadata,
    Column("connector", Text, nullable=False),
    Column("name", Text, nullable=False),
    _text("state", "active"),
    _text("reason"),
    Column("sealed", LargeBinary),
    _text("fingerprint"),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("connector", "name"),
    CheckConstraint("state in ('active', 'paused', 'refused', 'invalid', 'absent')", name="state"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("business_key", Text, nullable=False, unique=True),
    Column("store", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    _json("data"),
    Column("raw", LargeBinary),
    Column("delivery_id", Text),
    _text("state", "waiting"),
    _text("reason"),
    _text("waits_for"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Instant),
    Column("run_id", UUID),
    Column("member_id", UUID),
    Column("done_at", Instant),
    _json("outcome", nullable=True),
    CheckConstraint("state in ('waiting', 'done', 'refused', 'parked', 'failed')", name="state"),
    Index("ix_inbox_waiting", "trigger", "id", postgresql_where=text("state = 'waiting'")),
    Index("ix_inbox_subject", "subject", "id", postgresql_where=text("state = 'waiting'")),
    Index("ix_inbox_parked", "waits_for", postgresql_where=text("state = 'parked'")),
    Index("ix_inbox_member", "member_id", "id", postgresql_where=text("member_id is not null")),
)

rejects = Table(
    "rejects",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("connector", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("problem", Text, nullable=False),
    _json("headers"),
    Column("body", LargeBinary, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("id", UUID, primary_key=True),
    _text("state", "enrolled"),
    _text("first_name"),
    _text("last_name"),
    Column("email", Text),
    Column("phone", Text),
    _text("locale"),
    _text("zone"),
    _text("country"),
    Column("birthday", Date),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    _text("tier"),
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
    Column("member_id", UUID, nullable=False),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("state in ('granted', 'withdrawn')", name="state"),
    Index("ix_consents_latest", "channel", "address", "occurred_at"),
)

sales = Table(
    "sales",
    metadata,
    Column("store", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("revision", Instant),
    _json("data"),
    _json("refunds"),
    Column("is_cancelled", Boolean, nullable=False, server_default="false"),
    Column("occurred_at", Instant, nullable=False),
    Column("version", Text, nullable=False),
    _json("facts"),
    _json("awards"),
    Column("spend", Numeric, nullable=False, server_default="0"),
    Column("spend_gross", Numeric, nullable=False, server_default="0"),
    Column("origin_id", UUID),
    _text("programme"),
    Column("fx_rate", Numeric, nullable=False, server_default="1"),
    Column("reversed_refunds", ARRAY(Text), nullable=False, server_default="{}"),
    Column("rooms", JSONB, nullable=False, server_default="[]"),
    Column("taken_back", BigInteger, nullable=False, server_default="0"),
    Column("written_off", BigInteger, nullable=False, server_default="0"),
    _json_default("given"),
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
    _text("sale"),
    _text("rule"),
    _text("version"),
    Column("occurred_at", Instant, nullable=False),
    Column("posted_at", Instant, nullable=False),
    _text("reason"),
    _json("snapshot"),
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
    _text("sale"),
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
    _text("reward"),
    _text("state", "held"),
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
    _text("reward"),
    Column("used_on", Text, nullable=False, server_default=""),
    _text("state", "spent"),
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
    _text("reason"),
    _text("asked_by"),
    _text("approved_by"),
    _text("state", "waiting"),
    _json("data"),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint("state in ('waiting', 'booked')", name="state"),
)

merges = Table(
    "merges",
    metadata,
    Column("key", Text, primary_key=True),
    Column("source_id", UUID, nullable=False),
    Column("target_id", UUID, nullable=False),
    Column("merged_at", Instant, nullable=False),
    Column("unmerged_at", Instant),
    _json("source_before"),
    Index("ix_merges_source", "source_id"),
)

programmes = Table(
    "programmes",
    metadata,
    Column("version", Text, primary_key=True),
    _json("value"),
    Column("created_at", Instant, nullable=False),
)
"""Every programme that awards were made under, for good; which one is in force: `settings`."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("event_id", BigInteger),
    Column("member_id", UUID),
    _text("rule"),
    Column("capability", Text, nullable=False),
    _text("connector"),
    _text("connection"),
    _text("action"),
    _json("input"),
    _text("target"),
    Column("state", Text, nullable=False),
    _text("reason"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant),
    _text("owner"),
    Column("lease_until", Instant),
    _text("vendor_id"),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    CheckConstraint(
        "state in ('pending', 'sending', 'sent', 'parked', 'held', 'unknown', 'dead',"
        " 'suppressed', 'cancelled')",
        name="state",
    ),
    Index(
        "ix_deliveries_open",
        "connector",
        "connection",
        "id",
        postgresql_where=text("state in ('pending', 'sending', 'parked', 'held')"),
    ),
    Index("ix_deliveries_event", "event_id"),
    Index("ix_deliveries_member", "member_id", "id"),
    Index("ix_deliveries_trouble", "state", postgresql_where=text("state in ('dead', 'unknown')")),
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery_id", UUID, nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Column("outcome", Text, nullable=False),
    _text("detail"),
    _text("vendor_code"),
    _text("request_id"),
    PrimaryKeyConstraint("delivery_id", "number"),
)

budgets = Table(
    "budgets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("burst", Integer, nullable=False),
    Column("per_second", Numeric, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default="true"),
    Column("level", Numeric, nullable=False, server_default="0"),
    Column("level_at", Instant, nullable=False),
    Column("blocked_until", Instant),
    Column("recent_at", ARRAY(Instant), nullable=False, server_default="{}"),
    Column("recent_slots", ARRAY(Integer), nullable=False, server_default="{}"),
)

rule_sets = Table(
    "rule_sets",
    metadata,
    Column("version", Text, primary_key=True),
    Column("state", Text, nullable=False),
    _json("documents"),
    _text("author"),
    _text("reason"),
    Column("created_at", Instant, nullable=False),
    Column("activated_at", Instant),
    _text("base"),
    Column("needs", ARRAY(Text), nullable=False, server_default="{}"),
    _text("approved_by"),
    Column("approved_at", Instant),
    Column("retired_at", Instant),
    CheckConstraint("state in ('draft', 'active', 'retired')", name="state"),
    Index("uq_rule_sets_active", "state", unique=True, postgresql_where=text("state = 'active'")),
)

rule_switches = Table(
    "rule_switches",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("version", Text, ForeignKey("rule_sets.version"), nullable=False),
    _text("before"),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    _text("approved_by"),
    _text("reason"),
)
"""Which rules were put in force, when and by whom: one line for each switch, for good."""

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    _json("value"),
    Column("updated_at", Instant, nullable=False),
)

triggers = Table(
    "triggers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("is_paused", Boolean, nullable=False, server_default="false"),
    _text("work_pool"),
    Column("updated_at", Instant, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    _json("detail"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("sealed", LargeBinary),
    _text("owner"),
    Column("lease_until", Instant),
    Column("updated_at", Instant, nullable=False),
)

polls = Table(
    "polls",
    metadata,
    Column("connection", Text, primary_key=True),
    _text("cursor"),
    Column("due_at", Instant, nullable=False),
    Column("polled_at", Instant),
    _text("owner"),
    Column("lease_until", Instant),
    Column("rung_at", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    _text("problem"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("connection", Text, primary_key=True),
    _text("address"),
    Column("ends_at", Instant),
    Column("ensured_at", Instant),
    _text("problem"),
    _text("owner"),
    Column("lease_until", Instant),
    Column("heard_at", Instant),
    Column("heard_id", BigInteger, nullable=False, server_default="0"),
    Column("canary_at", Instant),
)
