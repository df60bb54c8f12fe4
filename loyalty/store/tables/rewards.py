"""The catalogue that operations edit, and the rewards that members asked for."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from loyalty.store.tables.base import Instant, json_column, metadata, text_column

catalogue_items = Table(
    "catalogue_items",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False, server_default="1"),
    json_column("document"),
    Column("place", Integer, nullable=False, server_default="0"),
    Column("changed_at", Instant, nullable=False),
    text_column("changed_by"),
)
"""What can be had for points, as it is now; what it was before is in the audit log."""


rewards = Table(
    "rewards",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("request_key", Text, nullable=False, unique=True),
    Column("member_id", UUID, nullable=False),
    Column("origin_id", UUID),
    Column("item_id", Text, nullable=False),
    Column("item_version", Integer, nullable=False),
    json_column("terms"),
    Column("points", BigInteger, nullable=False),
    Column("value", Numeric),
    text_column("currency"),
    text_column("code"),
    text_column("store"),
    Column("state", Text, nullable=False),
    text_column("reason"),
    Column("delivery_id", UUID),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("requested_at", Instant, nullable=False),
    Column("issued_at", Instant),
    Column("expires_at", Instant),
    Column("remind_at", Instant),
    Column("used_at", Instant),
    text_column("used_on"),
    Column("ended_at", Instant),
    Column("is_returned", Boolean, nullable=False, server_default="false"),
    json_column("void", nullable=True),
    Column("disable_id", UUID),
    CheckConstraint(
        "state in ('held', 'issued', 'used', 'expired', 'voided', 'failed')",
        name="state",
    ),
    CheckConstraint("points > 0", name="points"),
    Index("uq_rewards_code", "store", "code", unique=True, postgresql_where=text("code <> ''")),
    Index("ix_rewards_member", "member_id", "id"),
    Index("ix_rewards_item", "item_id", "state"),
    Index("ix_rewards_delivery", "delivery_id"),
    Index("ix_rewards_held", "delivery_id", "id", postgresql_where=text("state = 'held'")),
    Index("ix_rewards_expires", "expires_at", postgresql_where=text("state = 'issued'")),
    Index("ix_rewards_remind", "remind_at", postgresql_where=text("state = 'issued'")),
)
"""What a member asked for, under which terms, and what became of it."""
