"""Gift codes: batches, codes, what was used, who guesses, and files that are uploaded."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import UUID

from loyalty.store.tables.base import Instant, json_column, metadata, text_column

gift_code_batches = Table(
    "gift_code_batches",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("origin", Text, nullable=False),
    Column("points", BigInteger, nullable=False, server_default="0"),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("max_uses", Integer, nullable=False, server_default="1"),
    Column("per_member", Integer, nullable=False, server_default="1"),
    Column("batch_uses", Integer),
    Column("batch_per_member", Integer),
    text_column("prefix"),
    Column("length", Integer, nullable=False, server_default="0"),
    Column("wanted", Integer, nullable=False, server_default="0"),
    Column("codes", Integer, nullable=False, server_default="0"),
    Column("withdrawn", Integer, nullable=False, server_default="0"),
    Column("uses", Integer, nullable=False, server_default="0"),
    text_column("created_by"),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("origin in ('upload', 'generated', 'typed')", name="origin"),
    CheckConstraint("max_uses > 0 and per_member > 0", name="limits"),
    CheckConstraint("batch_uses is null or uses <= batch_uses", name="uses"),
)


gift_codes = Table(
    "gift_codes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("batch_id", UUID, ForeignKey("gift_code_batches.id"), nullable=False),
    Column("code", Text, nullable=False, unique=True),
    Column("shown", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("row_no", Integer, nullable=False, server_default="0"),
    Column("uses", Integer, nullable=False, server_default="0"),
    text_column("state", "active"),
    CheckConstraint("state in ('active', 'void')", name="state"),
    CheckConstraint("points > 0", name="points"),
    Index("ix_gift_codes_batch", "batch_id", "id"),
)
"""`code` is the one spelling; it is unique over everything that ever was, used and void alike."""


gift_code_uses = Table(
    "gift_code_uses",
    metadata,
    Column("code_id", BigInteger, ForeignKey("gift_codes.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("batch_id", UUID, nullable=False),
    Column("member_id", UUID, ForeignKey("members.id"), nullable=False),
    Column("member_number", Integer, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("used_at", Instant, nullable=False),
    PrimaryKeyConstraint("code_id", "number"),
    UniqueConstraint("code_id", "member_id", "member_number"),
    Index("ix_gift_code_uses_member", "member_id", "batch_id"),
    Index("ix_gift_code_uses_batch", "batch_id", "used_at"),
)
"""Each use has its number, among all of the code and among those of the member: two at once
cannot both be the last."""


gift_code_guards = Table(
    "gift_code_guards",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failed_at", Instant),
    Column("locked_until", Instant),
)


gift_code_uploads = Table(
    "gift_code_uploads",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("name", Text, nullable=False),
    text_column("state", "receiving"),
    json_column("plan"),
    Column("batch_id", UUID, ForeignKey("gift_code_batches.id")),
    Column("size", BigInteger, nullable=False, server_default="0"),
    Column("bytes_read", BigInteger, nullable=False, server_default="0"),
    Column("rows_read", Integer, nullable=False, server_default="0"),
    Column("created", Integer, nullable=False, server_default="0"),
    Column("rejected", Integer, nullable=False, server_default="0"),
    text_column("format"),
    text_column("problem"),
    text_column("created_by"),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint(
        "state in ('receiving', 'waiting', 'importing', 'done', 'refused')", name="state"
    ),
)


gift_code_upload_chunks = Table(
    "gift_code_upload_chunks",
    metadata,
    Column(
        "upload_id", UUID, ForeignKey("gift_code_uploads.id", ondelete="CASCADE"), nullable=False
    ),
    Column("number", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("upload_id", "number"),
)


gift_code_upload_problems = Table(
    "gift_code_upload_problems",
    metadata,
    Column(
        "upload_id", UUID, ForeignKey("gift_code_uploads.id", ondelete="CASCADE"), nullable=False
    ),
    Column("row_no", Integer, nullable=False),
    text_column("code"),
    Column("problem", Text, nullable=False),
    PrimaryKeyConstraint("upload_id", "row_no"),
)
