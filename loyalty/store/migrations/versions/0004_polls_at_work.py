"""Polls and subscriptions that are at work: leases, troubles, when a vendor was last heard.

Budgets remember the slots of the last second, so that a burst and the rate behind it never
come to more than the documented figure.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for table in ("polls", "subscriptions"):
        op.add_column(table, sa.Column("owner", sa.Text(), server_default="", nullable=False))
        op.add_column(table, sa.Column("lease_until", _INSTANT, nullable=True))
    op.add_column("polls", sa.Column("rung_at", _INSTANT, nullable=True))
    op.add_column("polls", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("polls", sa.Column("problem", sa.Text(), server_default="", nullable=False))
    op.add_column("subscriptions", sa.Column("heard_at", _INSTANT, nullable=True))
    op.add_column(
        "subscriptions", sa.Column("heard_id", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("subscriptions", sa.Column("canary_at", _INSTANT, nullable=True))
    op.add_column(
        "budgets",
        sa.Column("recent_at", ARRAY(_INSTANT), server_default="{}", nullable=False),
    )
    op.add_column(
        "budgets",
        sa.Column("recent_slots", ARRAY(sa.Integer()), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("budgets", "recent_slots")
    op.drop_column("budgets", "recent_at")
    for name in ("canary_at", "heard_id", "heard_at"):
        op.drop_column("subscriptions", name)
    for name in ("problem", "failures", "rung_at"):
        op.drop_column("polls", name)
    for table in ("polls", "subscriptions"):
        op.drop_column(table, "lease_until")
        op.drop_column(table, "owner")
