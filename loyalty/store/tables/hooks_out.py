"""Who wants to hear of events: subscriptions of others at the hub (REST hooks)."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from loyalty.store.tables.base import Instant, metadata, text_column

hooks_out = Table(
    "hooks_out",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("connector", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("target_url", Text, nullable=False),
    Column("include_own", Boolean, nullable=False, server_default="false"),
    text_column("state", "active"),
    text_column("reason"),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint("state in ('active', 'ended')", name="state"),
    Index(
        "uq_hooks_out_active",
        "connector",
        "connection",
        "event",
        "target_url",
        unique=True,
        postgresql_where=text("state = 'active'"),
    ),
)
