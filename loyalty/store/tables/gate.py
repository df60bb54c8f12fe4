"""What the gate knows beside consents, and what it said: suppressions, reviews, verdicts."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from loyalty.store.tables.base import Instant, json_default, metadata, text_column

suppressions = Table(
    "suppressions",
    metadata,
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("reason", Text, nullable=False),
    text_column("source"),
    text_column("detail"),
    Column("since", Instant, nullable=False),
    Column("lifted_at", Instant),
    text_column("lifted_by"),
    PrimaryKeyConstraint("channel", "address", "reason"),
    CheckConstraint("reason in ('hard_bounce', 'complaint')", name="reason"),
)


opt_in_requests = Table(
    "opt_in_requests",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("member_id", UUID),
    Column("token_hash", Text, nullable=False, unique=True),
    text_column("source"),
    text_column("text_version"),
    Column("requested_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Index("ix_opt_in_requests_address", "channel", "address", "requested_at"),
)


reviews = Table(
    "reviews",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("member_id", UUID),
    text_column("source"),
    text_column("body"),
    text_column("state", "open"),
    Column("asked_at", Instant, nullable=False),
    Column("decided_at", Instant),
    text_column("decision"),
    text_column("decided_by"),
    CheckConstraint("state in ('open', 'decided')", name="state"),
    Index(
        "uq_reviews_open",
        "channel",
        "address",
        unique=True,
        postgresql_where=text("state = 'open'"),
    ),
)


verdicts = Table(
    "verdicts",
    metadata,
    Column("delivery_id", UUID, nullable=False),
    Column("at", Instant, nullable=False),
    Column("outcome", Text, nullable=False),
    text_column("reason"),
    Column("send_at", Instant),
    json_default("known"),
    PrimaryKeyConstraint("delivery_id", "at"),
    CheckConstraint("outcome in ('send', 'defer', 'suppress')", name="outcome"),
    Index("ix_verdicts_at", "at"),
)
