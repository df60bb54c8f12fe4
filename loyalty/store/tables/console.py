"""What the console keeps: errands for Prefect, who is signed in, and wrong keys."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from loyalty.store.tables.base import Instant, json_column, metadata, text_column

errands = Table(
    "errands",
    metadata,
    Column("key", Text, primary_key=True),
    Column("deployment", Text, nullable=False),
    json_column("parameters"),
    text_column("state", "asked"),
    Column("run_id", UUID),
    Column("attempts", Integer, nullable=False, server_default="0"),
    text_column("problem"),
    Column("asked_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint("state in ('asked', 'started', 'failed')", name="state"),
    Index("ix_errands_asked", "due_at", postgresql_where=text("state = 'asked'")),
    Index("ix_errands_latest", "asked_at"),
)
"""Runs of deployments that somebody without Prefect asked for, one for each key."""


console_sessions = Table(
    "console_sessions",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("who", Text, nullable=False),
    Column("ticket", Text, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
)
"""Who is signed in to the console; a one-time ticket opens one session, which the key keeps."""


wrong_keys = Table(
    "wrong_keys",
    metadata,
    Column("address", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("locked_until", Instant, nullable=False),
)
"""How often a wrong console key came from an address, and until when no other is looked at."""
