"""Programme, rule sets and their switches, triggers, workers, audit."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from loyalty.store.tables.base import Instant, json_column, metadata, text_column

programmes = Table(
    "programmes",
    metadata,
    Column("version", Text, primary_key=True),
    json_column("value"),
    Column("created_at", Instant, nullable=False),
)
"""Every programme that awards were made under, for good; which one is in force: `settings`."""


rule_sets = Table(
    "rule_sets",
    metadata,
    Column("version", Text, primary_key=True),
    Column("state", Text, nullable=False),
    json_column("documents"),
    text_column("author"),
    text_column("reason"),
    Column("created_at", Instant, nullable=False),
    Column("activated_at", Instant),
    text_column("base"),
    Column("needs", ARRAY(Text), nullable=False, server_default="{}"),
    text_column("approved_by"),
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
    text_column("before"),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    text_column("approved_by"),
    text_column("reason"),
)
"""Which rules were put in force, when and by whom: one line for each switch, for good."""


settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    json_column("value"),
    Column("updated_at", Instant, nullable=False),
)


triggers = Table(
    "triggers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("is_paused", Boolean, nullable=False, server_default="false"),
    text_column("work_pool"),
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
    json_column("detail"),
)
