"""What comes in: connections, the inbox, what could not be read, polls and subscriptions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from loyalty.store.tables.base import Instant, json_column, metadata, text_column

connections = Table(
    "connections",
    metadata,
    Column("connector", Text, nullable=False),
    Column("name", Text, nullable=False),
    text_column("state", "active"),
    text_column("reason"),
    Column("sealed", LargeBinary),
    text_column("fingerprint"),
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
    json_column("data"),
    Column("raw", LargeBinary),
    Column("delivery_id", Text),
    text_column("state", "waiting"),
    text_column("reason"),
    text_column("waits_for"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Instant),
    Column("run_id", UUID),
    Column("member_id", UUID),
    Column("done_at", Instant),
    json_column("outcome", nullable=True),
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
    json_column("headers"),
    Column("body", LargeBinary, nullable=False),
)


tokens = Table(
    "tokens",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("sealed", LargeBinary),
    text_column("owner"),
    Column("lease_until", Instant),
    Column("updated_at", Instant, nullable=False),
)


polls = Table(
    "polls",
    metadata,
    Column("connection", Text, primary_key=True),
    text_column("cursor"),
    Column("due_at", Instant, nullable=False),
    Column("polled_at", Instant),
    text_column("owner"),
    Column("lease_until", Instant),
    Column("rung_at", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    text_column("problem"),
)


subscriptions = Table(
    "subscriptions",
    metadata,
    Column("connection", Text, primary_key=True),
    text_column("address"),
    Column("ends_at", Instant),
    Column("ensured_at", Instant),
    text_column("problem"),
    text_column("owner"),
    Column("lease_until", Instant),
    Column("heard_at", Instant),
    Column("heard_id", BigInteger, nullable=False, server_default="0"),
    Column("canary_at", Instant),
)
