"""Rewards: the catalogue and what members asked for of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _instant(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def upgrade() -> None:
    op.create_table(
        "catalogue_items",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("place", sa.Integer(), server_default="0", nullable=False),
        _instant("changed_at", nullable=False),
        _text("changed_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_items")),
    )
    op.create_table(
        "rewards",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("origin_id", sa.UUID(), nullable=True),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("item_version", sa.Integer(), nullable=False),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=True),
        _text("currency"),
        _text("code"),
        _text("store"),
        sa.Column("state", sa.Text(), nullable=False),
        _text("reason"),
        sa.Column("delivery_id", sa.UUID(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        _instant("requested_at", nullable=False),
        _instant("issued_at"),
        _instant("expires_at"),
        _instant("remind_at"),
        _instant("used_at"),
        _text("used_on"),
        _instant("ended_at"),
        sa.Column("is_returned", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("void", postgresql.JSONB(), nullable=True),
        sa.Column("disable_id", sa.UUID(), nullable=True),
        sa.CheckConstraint(
            "state in ('held', 'issued', 'used', 'expired', 'voided', 'failed')",
            name=op.f("ck_rewards_state"),
        ),
        sa.CheckConstraint("points > 0", name=op.f("ck_rewards_points")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rewards")),
        sa.UniqueConstraint("request_key", name=op.f("uq_rewards_request_key")),
    )
    has_code, is_issued = sa.text("code <> ''"), sa.text("state = 'issued'")
    op.create_index(
        "uq_rewards_code", "rewards", ["store", "code"], unique=True, postgresql_where=has_code
    )
    op.create_index("ix_rewards_member", "rewards", ["member_id", "id"])
    op.create_index("ix_rewards_item", "rewards", ["item_id", "state"])
    op.create_index("ix_rewards_delivery", "rewards", ["delivery_id"])
    op.create_index(
        "ix_rewards_held",
        "rewards",
        ["delivery_id", "id"],
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index("ix_rewards_expires", "rewards", ["expires_at"], postgresql_where=is_issued)
    op.create_index("ix_rewards_remind", "rewards", ["remind_at"], postgresql_where=is_issued)


def downgrade() -> None:
    op.drop_table("rewards")
    op.drop_table("catalogue_items")
