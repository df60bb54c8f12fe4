"""Campaigns, customers of shops, invitations, and who was paid for joining."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _count(name: str, kind: type[sa.Integer] = sa.BigInteger) -> sa.Column[int]:
    return sa.Column(name, kind(), server_default="0", nullable=False)


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _text("shop"),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        _text("locale"),
        sa.Column("valid_days", sa.Integer(), nullable=False),
        _text("join_url"),
        _text("shop_name"),
        _text("state", "draft"),
        _text("created_by"),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("activated_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "state in ('draft', 'active', 'inactive')", name=op.f("ck_campaigns_state")
        ),
        sa.CheckConstraint("points >= 0", name=op.f("ck_campaigns_points")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("name", name=op.f("uq_campaigns_name")),
    )
    _customers()
    _imports()
    _invitations()
    op.create_table(
        "claims",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("invitation_id", sa.UUID(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("claimed_at", _INSTANT, nullable=False),
        sa.CheckConstraint("via in ('link', 'address')", name=op.f("ck_claims_via")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_claims")),
        sa.UniqueConstraint("invitation_id", name=op.f("uq_claims_invitation_id")),
    )


def _customers() -> None:
    op.create_table(
        "shop_customers",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        _text("first_name"),
        _text("last_name"),
        _text("locale"),
        _text("zone"),
        _text("country"),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("consents", postgresql.JSONB(), server_default="{}", nullable=False),
        _text("problems"),
        sa.Column("imported_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("is_forgotten", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_customers")),
        sa.UniqueConstraint(
            "store", "customer_id", name=op.f("uq_shop_customers_store_customer_id")
        ),
    )
    for column in ("email", "phone"):
        op.create_index(
            f"ix_shop_customers_{column}",
            "shop_customers",
            [column],
            postgresql_where=sa.text(f"{column} is not null"),
        )


def _imports() -> None:
    op.create_table(
        "customer_imports",
        sa.Column("store", sa.Text(), nullable=False),
        _text("cursor"),
        _text("state", "running"),
        _text("owner"),
        sa.Column("lease_until", _INSTANT, nullable=True),
        _count("pages", sa.Integer),
        _count("read"),
        _count("kept"),
        _count("refused"),
        _text("problem"),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "state in ('running', 'stopped', 'done')", name=op.f("ck_customer_imports_state")
        ),
        sa.PrimaryKeyConstraint("store", name=op.f("pk_customer_imports")),
    )


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        _text("address"),
        _text("state", "waiting"),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        _text("reason"),
        sa.Column("delivery_id", sa.UUID(), nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("invited_at", _INSTANT, nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.Column("joined_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "state in ('waiting', 'invited', 'joined', 'opted_out', 'refused')",
            name=op.f("ck_invitations_state"),
        ),
        sa.CheckConstraint(
            "state <> 'invited' or amount is not null", name=op.f("ck_invitations_amount")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint(
            "campaign_id", "customer_id", name=op.f("uq_invitations_campaign_id_customer_id")
        ),
    )
    op.create_index(
        "uq_invitations_address",
        "invitations",
        ["campaign_id", "address"],
        unique=True,
        postgresql_where=sa.text("address <> ''"),
    )
    op.create_index(
        "ix_invitations_state", "invitations", ["campaign_id", "state", "created_at", "id"]
    )
    op.create_index(
        "ix_invitations_open",
        "invitations",
        ["address"],
        postgresql_where=sa.text("state <> 'joined'"),
    )
    op.create_index("ix_invitations_customer", "invitations", ["customer_id"])
    op.create_index("ix_invitations_delivery", "invitations", ["delivery_id"])


def downgrade() -> None:
    for table in ("claims", "invitations", "customer_imports", "shop_customers", "campaigns"):
        op.drop_table(table)
