"""Subscriptions of others at the hub: which events are told to which address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "hooks_out",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("target_url", sa.Text(), nullable=False),
        sa.Column("include_own", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.CheckConstraint("state in ('active', 'ended')", name=op.f("ck_hooks_out_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hooks_out")),
    )
    op.create_index(
        "uq_hooks_out_active",
        "hooks_out",
        ["connector", "connection", "event", "target_url"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )


def downgrade() -> None:
    op.drop_index("uq_hooks_out_active", table_name="hooks_out")
    op.drop_table("hooks_out")
