"""What becomes of messages: windows that collect, channels to fall back to, what came back."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from loyalty.store.tables.base import Instant, json_column, metadata, text_column

digests = Table(
    "digests",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("member_id", UUID, nullable=False),
    Column("template", Text, nullable=False),
    Column("channel", Text, nullable=False),
    text_column("state", "open"),
    json_column("effect"),
    Column("event_ids", ARRAY(BigInteger), nullable=False),
    Column("sales", ARRAY(Text), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint("state in ('open', 'sent', 'empty', 'merged')", name="state"),
    # One window at a time, whoever opens it.
    Index(
        "uq_digests_open",
        "member_id",
        "template",
        "channel",
        unique=True,
        postgresql_where=text("state = 'open'"),
    ),
    Index("ix_digests_due", "due_at", postgresql_where=text("state = 'open'")),
)


fallbacks = Table(
    "fallbacks",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("member_id", UUID),
    Column("delivery_id", UUID, nullable=False),
    json_column("rest"),
    Column("wait_seconds", Integer),
    text_column("state", "waiting"),
    text_column("reason"),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint("state in ('waiting', 'arrived', 'used_up', 'ended')", name="state"),
    Index("ix_fallbacks_waiting", "delivery_id", postgresql_where=text("state = 'waiting'")),
)


engagements = Table(
    "engagements",
    metadata,
    Column("delivery_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("is_machine", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    text_column("last_link"),
    Column("times", Integer, nullable=False, server_default="1"),
    CheckConstraint(
        "kind in ('delivered', 'bounced', 'complained', 'unsubscribed', 'opened', 'clicked',"
        " 'joined')",
        name="kind",
    ),
    PrimaryKeyConstraint("delivery_id", "kind", "is_machine"),
)


expiry_reminders = Table(
    "expiry_reminders",
    metadata,
    Column("member_id", UUID, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("days", Integer, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("reminded_at", Instant, nullable=False),
    PrimaryKeyConstraint("member_id", "last_day", "days"),
)


wallet_passes = Table(
    "wallet_passes",
    metadata,
    Column("member_id", UUID, nullable=False),
    Column("wallet", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("shown_at", Instant, nullable=False),
    Column("notified_at", ARRAY(Instant), nullable=False, server_default="{}"),
    PrimaryKeyConstraint("member_id", "wallet"),
)
