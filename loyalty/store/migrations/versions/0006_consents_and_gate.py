"""Consents with purpose and evidence, suppressions, double opt-in, reviews, and verdicts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _consents()
    _deliveries()
    _suppressions()
    _opt_in_requests()
    _reviews()
    _verdicts()


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _consents() -> None:
    op.alter_column("consents", "member_id", nullable=True)
    op.add_column("consents", _text("purpose", "marketing"))
    op.add_column("consents", _text("topic"))
    op.add_column("consents", _text("text_version"))
    op.add_column("consents", sa.Column("evidence_at", _INSTANT, nullable=True))
    op.drop_constraint(op.f("ck_consents_state"), "consents", type_="check")
    op.create_check_constraint(
        op.f("ck_consents_state"), "consents", "state in ('granted', 'pending', 'withdrawn')"
    )
    op.create_check_constraint(
        op.f("ck_consents_purpose"), "consents", "purpose in ('marketing', 'everything')"
    )
    # A STOP stood for marketing alone until now, and it stops the channel.
    op.execute("""
        insert into consents (id, member_id, channel, address, state, source, occurred_at,
                              recorded_at, purpose)
        select gen_random_uuid(), member_id, channel, address, state, source, occurred_at,
               recorded_at, 'everything'
        from consents where channel = 'sms' and source like '%sms.received'
    """)


def _deliveries() -> None:
    for name in ("purpose", "topic", "zone", "campaign"):
        op.add_column("deliveries", _text(name))
    op.add_column(
        "deliveries", sa.Column("priority", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("deliveries", sa.Column("valid_until", _INSTANT, nullable=True))
    op.execute("update deliveries set purpose = 'marketing' where capability in ('email', 'sms')")
    op.create_index(
        "ix_deliveries_marketing",
        "deliveries",
        ["target", "created_at"],
        postgresql_where=sa.text("purpose = 'marketing'"),
    )
    op.create_index(
        "ix_deliveries_campaign",
        "deliveries",
        ["campaign", "id"],
        postgresql_where=sa.text("campaign <> ''"),
    )


def _suppressions() -> None:
    op.create_table(
        "suppressions",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _text("source"),
        _text("detail"),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("lifted_at", _INSTANT, nullable=True),
        _text("lifted_by"),
        sa.CheckConstraint(
            "reason in ('hard_bounce', 'complaint')", name=op.f("ck_suppressions_reason")
        ),
        sa.PrimaryKeyConstraint("channel", "address", "reason", name=op.f("pk_suppressions")),
    )


def _opt_in_requests() -> None:
    op.create_table(
        "opt_in_requests",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("token_hash", sa.Text(), nullable=False),
        _text("source"),
        _text("text_version"),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("confirmed_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_in_requests")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_opt_in_requests_token_hash")),
    )
    op.create_index(
        "ix_opt_in_requests_address", "opt_in_requests", ["channel", "address", "requested_at"]
    )


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        _text("source"),
        _text("body"),
        _text("state", "open"),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("decided_at", _INSTANT, nullable=True),
        _text("decision"),
        _text("decided_by"),
        sa.CheckConstraint("state in ('open', 'decided')", name=op.f("ck_reviews_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index(
        "uq_reviews_open",
        "reviews",
        ["channel", "address"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def _verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("delivery_id", sa.UUID(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        _text("reason"),
        sa.Column("send_at", _INSTANT, nullable=True),
        sa.Column(
            "known", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.CheckConstraint(
            "outcome in ('send', 'defer', 'suppress')", name=op.f("ck_verdicts_outcome")
        ),
        sa.PrimaryKeyConstraint("delivery_id", "at", name=op.f("pk_verdicts")),
    )
    op.create_index("ix_verdicts_at", "verdicts", ["at"])


def downgrade() -> None:
    for table in ("verdicts", "reviews", "opt_in_requests", "suppressions"):
        op.drop_table(table)
    op.drop_index("ix_deliveries_campaign", table_name="deliveries")
    op.drop_index("ix_deliveries_marketing", table_name="deliveries")
    for name in ("valid_until", "priority", "campaign", "zone", "topic", "purpose"):
        op.drop_column("deliveries", name)
    op.drop_constraint(op.f("ck_consents_purpose"), "consents", type_="check")
    for name in ("evidence_at", "text_version", "topic", "purpose"):
        op.drop_column("consents", name)
