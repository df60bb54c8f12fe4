"""Gift codes: batches, codes, uses, guards against guessing, uploaded files and their reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "gift_code_batches",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("max_uses", sa.Integer(), server_default="1", nullable=False),
        sa.Column("per_member", sa.Integer(), server_default="1", nullable=False),
        sa.Column("batch_uses", sa.Integer(), nullable=True),
        sa.Column("batch_per_member", sa.Integer(), nullable=True),
        sa.Column("prefix", sa.Text(), server_default="", nullable=False),
        sa.Column("length", sa.Integer(), server_default="0", nullable=False),
        sa.Column("wanted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("codes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("withdrawn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("uses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "origin in ('upload', 'generated', 'typed')", name=op.f("ck_gift_code_batches_origin")
        ),
        sa.CheckConstraint(
            "batch_uses is null or uses <= batch_uses", name=op.f("ck_gift_code_batches_uses")
        ),
        sa.CheckConstraint(
            "max_uses > 0 and per_member > 0", name=op.f("ck_gift_code_batches_limits")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_code_batches")),
        sa.UniqueConstraint("name", name=op.f("uq_gift_code_batches_name")),
    )
    op.create_table(
        "gift_code_guards",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_at", _INSTANT, nullable=True),
        sa.Column("locked_until", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_gift_code_guards")),
    )
    op.create_table(
        "gift_code_uploads",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="receiving", nullable=False),
        sa.Column("plan", postgresql.JSONB(), nullable=False),
        sa.Column("batch_id", sa.UUID(), nullable=True),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_read", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("format", sa.Text(), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "state in ('receiving', 'waiting', 'importing', 'done', 'refused')",
            name=op.f("ck_gift_code_uploads_state"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["gift_code_batches.id"], name=op.f("fk_gift_code_uploads_batch_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_code_uploads")),
    )
    op.create_table(
        "gift_codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("batch_id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("row_no", sa.Integer(), server_default="0", nullable=False),
        sa.Column("uses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.CheckConstraint("state in ('active', 'void')", name=op.f("ck_gift_codes_state")),
        sa.CheckConstraint("points > 0", name=op.f("ck_gift_codes_points")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["gift_code_batches.id"], name=op.f("fk_gift_codes_batch_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_codes")),
        sa.UniqueConstraint("code", name=op.f("uq_gift_codes_code")),
    )
    op.create_index("ix_gift_codes_batch", "gift_codes", ["batch_id", "id"], unique=False)
    op.create_table(
        "gift_code_upload_chunks",
        sa.Column("upload_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["gift_code_uploads.id"],
            name=op.f("fk_gift_code_upload_chunks_upload_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_gift_code_upload_chunks")),
    )
    op.create_table(
        "gift_code_upload_problems",
        sa.Column("upload_id", sa.UUID(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["gift_code_uploads.id"],
            name=op.f("fk_gift_code_upload_problems_upload_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", "row_no", name=op.f("pk_gift_code_upload_problems")),
    )
    op.create_table(
        "gift_code_uses",
        sa.Column("code_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("member_number", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("used_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["code_id"], ["gift_codes.id"], name=op.f("fk_gift_code_uses_code_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name=op.f("fk_gift_code_uses_member_id")
        ),
        sa.PrimaryKeyConstraint("code_id", "number", name=op.f("pk_gift_code_uses")),
        sa.UniqueConstraint(
            "code_id",
            "member_id",
            "member_number",
            name=op.f("uq_gift_code_uses_code_id_member_id_member_number"),
        ),
    )
    op.create_index(
        "ix_gift_code_uses_batch", "gift_code_uses", ["batch_id", "used_at"], unique=False
    )
    op.create_index(
        "ix_gift_code_uses_member", "gift_code_uses", ["member_id", "batch_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_gift_code_uses_member", table_name="gift_code_uses")
    op.drop_index("ix_gift_code_uses_batch", table_name="gift_code_uses")
    op.drop_table("gift_code_uses")
    op.drop_table("gift_code_upload_problems")
    op.drop_table("gift_code_upload_chunks")
    op.drop_index("ix_gift_codes_batch", table_name="gift_codes")
    op.drop_table("gift_codes")
    op.drop_table("gift_code_uploads")
    op.drop_table("gift_code_guards")
    op.drop_table("gift_code_batches")
