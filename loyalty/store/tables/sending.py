"""What goes out: deliveries, attempts, and the budgets of connections."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
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

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("event_id", BigInteger),
    Column("member_id", UUID),
    text_column("rule"),
    Column("capability", Text, nullable=False),
    text_column("connector"),
    text_column("connection"),
    text_column("action"),
    json_column("input"),
    text_column("target"),
    Column("state", Text, nullable=False),
    text_column("reason"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant),
    text_column("owner"),
    Column("lease_until", Instant),
    text_column("vendor_id"),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    text_column("purpose"),
    text_column("topic"),
    text_column("zone"),
    text_column("campaign"),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("valid_until", Instant),
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
    Index("ix_deliveries_vendor", "vendor_id", postgresql_where=text("vendor_id <> ''")),
    Index(
        "ix_deliveries_marketing",
        "target",
        "created_at",
        postgresql_where=text("purpose = 'marketing'"),
    ),
    Index("ix_deliveries_campaign", "campaign", "id", postgresql_where=text("campaign <> ''")),
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
    text_column("detail"),
    text_column("vendor_code"),
    text_column("request_id"),
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
