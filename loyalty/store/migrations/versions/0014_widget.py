"""The widget: links that sign a member in, sessions of members, and what is asked too often."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_sign_ins()
    _create_member_sessions()
    op.create_table(
        "request_rates",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("begins_at", _INSTANT, nullable=False),
        sa.Column("times", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("key", "begins_at", name=op.f("pk_request_rates")),
    )
    op.create_index("ix_request_rates_begins", "request_rates", ["begins_at"])


def _create_sign_ins() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), server_default="", nullable=False),
        sa.Column("carries", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_by", sa.LargeBinary(), server_default="", nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=True),
        sa.Column("code", sa.LargeBinary(), nullable=True),
        sa.Column("code_expires_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("code", name=op.f("uq_sign_ins_code")),
    )
    op.create_index("ix_sign_ins_expires", "sign_ins", ["expires_at"])
    op.create_index("ix_sign_ins_email", "sign_ins", ["email"])


def _create_member_sessions() -> None:
    op.create_table(
        "member_sessions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("first_name", sa.Text(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(), server_default="", nullable=False),
        sa.Column("carries", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_sessions")),
        sa.UniqueConstraint("token", name=op.f("uq_member_sessions_token")),
    )
    op.create_index("ix_member_sessions_whose", "member_sessions", ["store", "kind", "value"])
    op.create_index("ix_member_sessions_expires", "member_sessions", ["expires_at"])


def downgrade() -> None:
    for table in ("request_rates", "member_sessions", "sign_ins"):
        op.drop_table(table)
