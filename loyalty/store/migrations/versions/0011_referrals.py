"""Who recommended whom, by which code, and what makes people look alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_TEXTS = postgresql.ARRAY(sa.Text())


def upgrade() -> None:
    op.create_table(
        "referral_codes",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_referral_codes")),
        sa.UniqueConstraint("code", name=op.f("uq_referral_codes_code")),
    )
    op.create_table(
        "referrals",
        sa.Column("friend_id", sa.UUID(), nullable=False),
        sa.Column("referrer_id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reasons", _TEXTS, server_default="{}", nullable=False),
        sa.Column("sale", sa.Text(), server_default="", nullable=False),
        sa.Column("joined_at", _INSTANT, nullable=False),
        sa.Column("counted_at", _INSTANT, nullable=True),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "state in ('attached', 'held', 'earned', 'cancelled', 'refused', 'lapsed',"
            " 'blocked_self', 'already_member')",
            name=op.f("ck_referrals_state"),
        ),
        sa.PrimaryKeyConstraint("friend_id", name=op.f("pk_referrals")),
    )
    op.create_index("ix_referrals_referrer", "referrals", ["referrer_id", "joined_at"])
    op.create_index("ix_referrals_state", "referrals", ["state", "updated_at"])
    op.create_table(
        "traits",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("trait", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "trait", "value", name=op.f("pk_traits")),
    )
    op.create_index("ix_traits_value", "traits", ["trait", "value", "seen_at"])


def downgrade() -> None:
    op.drop_table("traits")
    op.drop_table("referrals")
    op.drop_table("referral_codes")
