"""The widget: links that sign a member in, sessions of members, and what is asked too often."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from loyalty.store.tables.base import Instant, metadata, text_column

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("site", Text, nullable=False),
    Column("email", Text, nullable=False),
    text_column("locale"),
    text_column("carries"),
    Column("asked_by", LargeBinary, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("code", LargeBinary, unique=True),
    Column("code_expires_at", Instant),
    Index("ix_sign_ins_expires", "expires_at"),
    Index("ix_sign_ins_email", "email"),
)
"""One asked-for link by e-mail, and the code that takes its one use back to the shop's page."""


member_sessions = Table(
    "member_sessions",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("token", LargeBinary, nullable=False, unique=True),
    Column("site", Text, nullable=False),
    text_column("store"),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    text_column("email"),
    text_column("first_name"),
    text_column("locale"),
    text_column("carries"),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_member_sessions_whose", "store", "kind", "value"),
    Index("ix_member_sessions_expires", "expires_at"),
)
"""Who is signed in, as an identity (store, kind, value), so that merges are followed."""


request_rates = Table(
    "request_rates",
    metadata,
    Column("key", Text, nullable=False),
    Column("begins_at", Instant, nullable=False),
    Column("times", Integer, nullable=False, server_default=text("1")),
    PrimaryKeyConstraint("key", "begins_at"),
    Index("ix_request_rates_begins", "begins_at"),
)
"""How often something was asked for within a window; keys are hashed, nobody is named."""
