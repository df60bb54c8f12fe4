"""The books in full: debts, holds, limits, milestones, merges, adjustments, programme versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_REFUSE_CHANGE = """
create or replace function refuse_change() returns trigger language plpgsql as $$
begin
    if tg_table_name in ('consents', 'attempts')
            and current_setting('hub.erasing', true) = 'on' then
        return null;
    end if;
    raise exception '% only grows: post a correcting row instead', tg_table_name
        using errcode = 'restrict_violation';
end $$
"""


def upgrade() -> None:
    op.execute(_REFUSE_CHANGE)
    op.create_table(
        "adjustments",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_by", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('waiting', 'booked')", name=op.f("ck_adjustments_state")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_adjustments")),
    )
    op.create_table(
        "holds",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reward", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="held", nullable=False),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('held', 'captured', 'released')", name=op.f("ck_holds_state")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_holds")),
    )
    op.create_index(
        "ix_holds_open",
        "holds",
        ["member_id"],
        unique=False,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_table(
        "limit_uses",
        sa.Column("limit_key", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("times", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("limit_key", "scope", "bucket", name=op.f("pk_limit_uses")),
    )
    op.create_table(
        "merges",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source_id", sa.UUID(), nullable=False),
        sa.Column("target_id", sa.UUID(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unmerged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_merges")),
    )
    op.create_index("ix_merges_source", "merges", ["source_id"], unique=False)
    op.create_table(
        "milestones_reached",
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("milestone", sa.Text(), nullable=False),
        sa.Column("mark", sa.Numeric(), nullable=False),
        sa.Column("times", sa.Integer(), server_default="0", nullable=False),
        sa.Column("points", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stands", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "member_id", "milestone", "mark", name=op.f("pk_milestones_reached")
        ),
    )
    op.create_table(
        "programmes",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_programmes")),
    )
    op.create_table(
        "debts",
        sa.Column("entry_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("remaining between 0 and points", name=op.f("ck_debts_remaining")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_debts_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_debts")),
    )
    op.create_index(
        "ix_debts_open",
        "debts",
        ["member_id"],
        unique=False,
        postgresql_where=sa.text("remaining > 0"),
    )
    op.create_table(
        "redemptions",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("entry_id", sa.UUID(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reward", sa.Text(), server_default="", nullable=False),
        sa.Column("used_on", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="spent", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('spent', 'returned')", name=op.f("ck_redemptions_state")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_redemptions_entry_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_redemptions")),
    )
    op.create_index("ix_redemptions_member", "redemptions", ["member_id"], unique=False)
    op.create_index(
        "ix_redemptions_used_on",
        "redemptions",
        ["used_on"],
        unique=False,
        postgresql_where=sa.text("used_on <> ''"),
    )
    op.execute("alter table allocations disable trigger user")
    op.drop_constraint("pk_allocations", "allocations")
    op.drop_constraint("ck_allocations_points", "allocations")
    op.execute("alter table allocations add column id uuid primary key default gen_random_uuid()")
    op.execute("alter table allocations alter column id drop default")
    op.add_column("allocations", sa.Column("posted_at", sa.DateTime(timezone=True)))
    op.execute(
        "update allocations set posted_at = e.posted_at from entries e where e.id = entry_id"
    )
    op.alter_column("allocations", "posted_at", nullable=False)
    op.execute("alter table allocations enable trigger user")
    op.create_index("ix_allocations_entry", "allocations", ["entry_id"], unique=False)
    op.create_index("ix_allocations_lot", "allocations", ["lot_id"], unique=False)
    op.add_column("entries", sa.Column("origin_id", sa.UUID(), nullable=True))
    op.add_column("entries", sa.Column("counts_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_entries_counting",
        "entries",
        ["member_id", "counts_at"],
        unique=False,
        postgresql_where=sa.text("counts_at is not null"),
    )
    op.create_index("ix_entries_posted", "entries", ["posted_at"], unique=False)
    op.create_index(
        "ix_entries_sale", "entries", ["sale"], unique=False, postgresql_where=sa.text("sale <> ''")
    )
    op.add_column("lots", sa.Column("earned_at", sa.DateTime(timezone=True)))
    op.execute("update lots set earned_at = available_at")
    op.alter_column("lots", "earned_at", nullable=False)
    op.add_column("lots", sa.Column("held", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("lots", sa.Column("expired", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("lots", sa.Column("origin_id", sa.UUID(), nullable=True))
    op.create_index(
        "ix_lots_expiring",
        "lots",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("remaining > 0 and expires_at is not null"),
    )
    op.create_index(
        "ix_lots_sale", "lots", ["sale"], unique=False, postgresql_where=sa.text("sale <> ''")
    )
    op.add_column(
        "members", sa.Column("points_redeemed", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "members", sa.Column("redemptions_count", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "members",
        sa.Column("segments", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("members", sa.Column("last_order_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "members", sa.Column("last_activity_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("members", sa.Column("tier_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("members", sa.Column("tier_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("members", sa.Column("merged_into", sa.UUID(), nullable=True))
    op.add_column(
        "members", sa.Column("birthday_told_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "members", sa.Column("birthday_paid_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_members_merged",
        "members",
        ["merged_into"],
        unique=False,
        postgresql_where=sa.text("merged_into is not null"),
    )
    op.add_column(
        "sales", sa.Column("spend_gross", sa.Numeric(), server_default="0", nullable=False)
    )
    op.add_column("sales", sa.Column("origin_id", sa.UUID(), nullable=True))
    op.add_column("sales", sa.Column("programme", sa.Text(), server_default="", nullable=False))
    op.add_column("sales", sa.Column("fx_rate", sa.Numeric(), server_default="1", nullable=False))
    op.add_column(
        "sales",
        sa.Column(
            "reversed_refunds", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False
        ),
    )
    op.add_column(
        "sales",
        sa.Column(
            "rooms", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
    )
    op.add_column(
        "sales", sa.Column("taken_back", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "sales", sa.Column("written_off", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "sales",
        sa.Column(
            "given", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
    )
    op.add_column(
        "sales", sa.Column("is_counted", sa.Boolean(), server_default="true", nullable=False)
    )
    op.add_column("rule_sets", sa.Column("base", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "rule_sets",
        sa.Column("needs", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        "rule_sets", sa.Column("approved_by", sa.Text(), server_default="", nullable=False)
    )
    op.add_column("rule_sets", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("rule_sets", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "rule_switches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["version"], ["rule_sets.version"], name=op.f("fk_rule_switches_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_switches")),
    )
    op.execute(
        "insert into rule_switches (version, at, actor, reason)"
        " select version, coalesce(activated_at, created_at), author, reason from rule_sets"
        " where state <> 'draft' order by activated_at"
    )
    op.execute(
        "create trigger rule_switches_only_grow before update or delete on rule_switches"
        " for each statement execute function refuse_change()"
    )
    op.create_check_constraint("points", "allocations", "points <> 0")
    op.create_check_constraint("held", "lots", "held between 0 and remaining")
    op.create_check_constraint("state", "members", "state in ('enrolled', 'merged', 'erased')")


def downgrade() -> None:
    raise NotImplementedError("the books are not taken apart again: restore a backup instead")
