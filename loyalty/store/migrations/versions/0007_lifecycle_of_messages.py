"""What becomes of messages: digests, channel fallback, engagement, expiry reminders, passes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _collecting()
    _falling_back()
    _coming_back()
    _reminding()


def _collecting() -> None:
    op.create_table(
        "digests",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("effect", postgresql.JSONB(), nullable=False),
        sa.Column("event_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("sales", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "state in ('open', 'sent', 'empty', 'merged')", name=op.f("ck_digests_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digests")),
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "uq_digests_open",
        "digests",
        ["member_id", "template", "channel"],
        unique=True,
        postgresql_where=is_open,
    )
    op.create_index("ix_digests_due", "digests", ["due_at"], postgresql_where=is_open)


def _falling_back() -> None:
    op.create_table(
        "fallbacks",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("delivery_id", sa.UUID(), nullable=False),
        sa.Column("rest", postgresql.JSONB(), nullable=False),
        sa.Column("wait_seconds", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "state in ('waiting', 'arrived', 'used_up', 'ended')", name=op.f("ck_fallbacks_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fallbacks")),
        sa.UniqueConstraint("key", name=op.f("uq_fallbacks_key")),
    )
    op.create_index(
        "ix_fallbacks_waiting",
        "fallbacks",
        ["delivery_id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )


def _coming_back() -> None:
    op.create_table(
        "engagements",
        sa.Column("delivery_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_machine", sa.Boolean(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.Column("last_link", sa.Text(), server_default="", nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "kind in ('delivered', 'bounced', 'complained', 'unsubscribed', 'opened', 'clicked',"
            " 'joined')",
            name=op.f("ck_engagements_kind"),
        ),
        sa.PrimaryKeyConstraint("delivery_id", "kind", "is_machine", name=op.f("pk_engagements")),
    )
    op.create_index(
        "ix_deliveries_vendor",
        "deliveries",
        ["vendor_id"],
        postgresql_where=sa.text("vendor_id <> ''"),
    )


def _reminding() -> None:
    op.create_table(
        "expiry_reminders",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reminded_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "last_day", "days", name=op.f("pk_expiry_reminders")),
    )
    op.create_table(
        "wallet_passes",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("wallet", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("shown_at", _INSTANT, nullable=False),
        sa.Column("notified_at", postgresql.ARRAY(_INSTANT), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("member_id", "wallet", name=op.f("pk_wallet_passes")),
    )


def downgrade() -> None:
    op.drop_table("wallet_passes")
    op.drop_table("expiry_reminders")
    op.drop_index("ix_deliveries_vendor", table_name="deliveries")
    op.drop_table("engagements")
    op.drop_table("fallbacks")
    op.drop_table("digests")
