"""Errands and console."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("members", sa.Column("blocked_at", _INSTANT, nullable=True))
    _errands()
    op.create_table(
        "console_sessions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_sessions")),
        sa.UniqueConstraint("ticket", name=op.f("uq_console_sessions_ticket")),
    )
    op.create_table(
        "wrong_keys",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.Column("locked_until", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_wrong_keys")),
    )


def _errands() -> None:
    op.create_table(
        "errands",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("deployment", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "state in ('asked', 'started', 'failed')", name=op.f("ck_errands_state")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_errands")),
    )
    op.create_index(
        "ix_errands_asked", "errands", ["due_at"], postgresql_where=sa.text("state = 'asked'")
    )
    op.create_index("ix_errands_latest", "errands", ["asked_at"])


def downgrade() -> None:
    op.drop_column("members", "blocked_at")
    op.drop_table("wrong_keys")
    op.drop_table("console_sessions")
    op.drop_table("errands")
