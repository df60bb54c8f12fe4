"""Who recommended whom, by which code, and what makes people look alike."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from loyalty.store.tables.base import Instant, metadata, text_column

referral_codes = Table(
    "referral_codes",
    metadata,
    Column("member_id", UUID, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)


referrals = Table(
    "referrals",
    metadata,
    Column("friend_id", UUID, primary_key=True),
    Column("referrer_id", UUID, nullable=False),
    Column("code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reasons", ARRAY(Text), nullable=False, server_default="{}"),
    text_column("sale"),
    Column("joined_at", Instant, nullable=False),
    Column("counted_at", Instant),
    text_column("decided_by"),
    Column("terms", JSONB),
    Column("updated_at", Instant, nullable=False),
    CheckConstraint(
        "state in ('attached', 'held', 'earned', 'cancelled', 'refused', 'lapsed',"
        " 'blocked_self', 'already_member')",
        name="state",
    ),
    Index("ix_referrals_referrer", "referrer_id", "joined_at"),
    Index("ix_referrals_state", "state", "updated_at"),
)


traits = Table(
    "traits",
    metadata,
    Column("member_id", UUID, nullable=False),
    Column("trait", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
    PrimaryKeyConstraint("member_id", "trait", "value"),
    Index("ix_traits_value", "trait", "value", "seen_at"),
)
