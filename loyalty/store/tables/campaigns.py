"""Campaigns, the customers whom shops have, their invitations, and who was paid for joining."""

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
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from loyalty.store.tables.base import Instant, json_default, metadata, text_column

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    text_column("shop"),
    Column("points", BigInteger, nullable=False),
    Column("template", Text, nullable=False),
    Column("channel", Text, nullable=False),
    text_column("locale"),
    Column("valid_days", Integer, nullable=False),
    text_column("join_url"),
    text_column("shop_name"),
    text_column("state", "draft"),
    text_column("created_by"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("activated_at", Instant),
    CheckConstraint("state in ('draft', 'active', 'inactive')", name="state"),
    CheckConstraint("points >= 0", name="points"),
)


shop_customers = Table(
    "shop_customers",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("store", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    text_column("first_name"),
    text_column("last_name"),
    text_column("locale"),
    text_column("zone"),
    text_column("country"),
    Column("birthday", Date),
    json_default("consents"),
    text_column("problems"),
    Column("imported_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("is_forgotten", Boolean, nullable=False, server_default="false"),
    UniqueConstraint("store", "customer_id"),
    Index("ix_shop_customers_email", "email", postgresql_where=text("email is not null")),
    Index("ix_shop_customers_phone", "phone", postgresql_where=text("phone is not null")),
)


customer_imports = Table(
    "customer_imports",
    metadata,
    Column("store", Text, nullable=False),
    text_column("cursor"),
    text_column("state", "running"),
    text_column("owner"),
    Column("lease_until", Instant),
    Column("pages", Integer, nullable=False, server_default="0"),
    Column("read", BigInteger, nullable=False, server_default="0"),
    Column("kept", BigInteger, nullable=False, server_default="0"),
    Column("refused", BigInteger, nullable=False, server_default="0"),
    text_column("problem"),
    Column("started_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("finished_at", Instant),
    PrimaryKeyConstraint("store"),
    CheckConstraint("state in ('running', 'stopped', 'done')", name="state"),
)


invitations = Table(
    "invitations",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("campaign_id", UUID, nullable=False),
    Column("customer_id", UUID, nullable=False),
    Column("channel", Text, nullable=False),
    text_column("address"),
    text_column("state", "waiting"),
    Column("amount", BigInteger),
    text_column("reason"),
    Column("delivery_id", UUID),
    Column("created_at", Instant, nullable=False),
    Column("invited_at", Instant),
    Column("expires_at", Instant),
    Column("joined_at", Instant),
    CheckConstraint(
        "state in ('waiting', 'invited', 'joined', 'opted_out', 'refused')", name="state"
    ),
    CheckConstraint("state <> 'invited' or amount is not null", name="amount"),
    UniqueConstraint("campaign_id", "customer_id"),
    # One person who is a customer of two shops gets one message, whatever the shops say.
    Index(
        "uq_invitations_address",
        "campaign_id",
        "address",
        unique=True,
        postgresql_where=text("address <> ''"),
    ),
    Index("ix_invitations_state", "campaign_id", "state", "created_at", "id"),
    Index("ix_invitations_open", "address", postgresql_where=text("state <> 'joined'")),
    Index("ix_invitations_customer", "customer_id"),
    Index("ix_invitations_delivery", "delivery_id"),
)


claims = Table(
    "claims",
    metadata,
    Column("member_id", UUID, primary_key=True),
    Column("invitation_id", UUID, nullable=False, unique=True),
    Column("amount", BigInteger, nullable=False),
    Column("via", Text, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    CheckConstraint("via in ('link', 'address')", name="via"),
)
