"""Rule sets on their way: drafts, a second person's word, one atomic switch, and its history.

A draft changes nothing. Whatever puts a version in force, publishing or rollback, is the same
switch, made under one lock and written down for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store import audit
from loyalty.store.database import dumps

BELL = "hub_rulebook"
"""The NOTIFY channel: programme or active rules changed."""

Code = Literal["unknown", "ambiguous", "needs_approval", "same_person", "stale", "never_active"]


class SwitchRefused(Exception):
    """A version is not put in force, or not approved; nothing was changed.

    Attributes:
        code: For machines.
    """

    def __init__(self, code: Code, says: str) -> None:
        super().__init__(says)
        self.code = code


@dataclass(frozen=True, slots=True)
class Version:
    """A rule set as the store keeps it, without its documents.

    Attributes:
        base: Of a draft: the version it was made from.
        needs: Why a second person has to agree; empty where nobody has to.
    """

    version: str
    state: str
    author: str
    reason: str
    base: str
    needs: tuple[str, ...]
    approved_by: str
    approved_at: datetime | None
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None

    @property
    def waits_for_approval(self) -> bool:
        """Whether it cannot be published before a second person agrees."""
        return self.state == "draft" and bool(self.needs) and not self.approved_by


@dataclass(frozen=True, slots=True)
class Draft:
    """Rules that somebody proposes, on top of those that were in force then."""

    version: str
    documents: Sequence[dict[str, Any]]
    author: str
    reason: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Switch:
    """One change of what is in force; `before` is empty for the first."""

    version: str
    before: str
    at: datetime
    actor: str
    approved_by: str
    reason: str


_COLUMNS = ", ".join(Version.__slots__)


async def propose(connection: AsyncConnection, draft: Draft, *, now: datetime) -> Version:
    """Keeps a draft on top of what is in force now. A version that is known already stays.

    The same rules proposed again, after others were published, are looked at afresh: an
    agreement that was given before was to another change.
    """
    await _lock(connection)
    base = await _active(connection)
    await _insert(connection, draft, base=base, now=now)
    await connection.execute(
        text("""
            update rule_sets set base = :base, needs = :needs,
                approved_by = case when base = :base then approved_by else '' end,
                approved_at = case when base = :base then approved_at end
            where version = :version and state = 'draft'
        """),
        {"version": draft.version, "base": base, "needs": list(draft.needs)},
    )
    await audit.note(
        connection, actor=draft.author, action="propose rules", subject=draft.version, now=now,
        detail={"base": base, "reason": draft.reason, "needs": list(draft.needs)},
    )  # fmt: skip
    return await find(connection, draft.version)


async def approve(connection: AsyncConnection, version: str, *, by: str, now: datetime) -> Version:
    """Notes a second person's agreement.

    Raises:
        SwitchRefused: There is no such draft (`unknown`), or it is the author (`same_person`).
    """
    await _lock(connection)
    known = await find(connection, version)
    if known.state != "draft":
        return known
    if not by.strip() or _same(by, known.author):
        raise SwitchRefused(
            "same_person",
            f"{known.author or 'the author'} proposed {known.version}: somebody else has to "
            "agree, under their own name",
        )
    await connection.execute(
        text("update rule_sets set approved_by = :by, approved_at = :now where version = :v"),
        {"by": by.strip(), "now": now, "v": known.version},
    )
    await audit.note(
        connection, actor=by, action="approve rules", subject=known.version, now=now
    )  # fmt: skip
    return await find(connection, known.version)


async def discard(connection: AsyncConnection, version: str, *, by: str, now: datetime) -> None:
    """Takes a draft away; nothing was ever awarded under it."""
    await _lock(connection)
    known = await find(connection, version)
    if known.state == "draft":
        await connection.execute(
            text("delete from rule_sets where version = :v and state = 'draft'"),
            {"v": known.version},
        )
        await audit.note(
            connection, actor=by, action="discard rules", subject=known.version, now=now
        )


async def publish(
    connection: AsyncConnection, version: str, *, actor: str, reason: str, now: datetime
) -> Switch | None:
    """Puts a draft in force, or any earlier version again; None where it is in force already.

    Raises:
        SwitchRefused: It is not known, a second person has not agreed yet (`needs_approval`),
            or the rules changed since the draft was made (`stale`).
    """
    await _lock(connection)
    known = await find(connection, version)
    before = await _active(connection)
    if known.version == before:
        return None
    if known.waits_for_approval:
        raise SwitchRefused(
            "needs_approval",
            f"a second person has to agree to {known.version}: {'; '.join(known.needs)}",
        )
    if known.state == "draft" and known.base != before:
        raise SwitchRefused(
            "stale",
            f"{known.version} was made from {known.base or 'nothing'}, and {before} is in force "
            "by now: propose it again, so that nobody's change is undone by mistake",
        )
    return await _switch(connection, known, before, actor=actor, reason=reason, now=now)


async def rollback(
    connection: AsyncConnection, version: str, *, actor: str, reason: str, now: datetime
) -> Switch | None:
    """Puts a version in force again that once was; None where it is in force.

    Raises:
        SwitchRefused: It is not known, or never was in force (`never_active`).
    """
    known = await find(connection, version)
    if known.state == "draft":
        raise SwitchRefused(
            "never_active", f"{known.version} is a draft and never was in force: publish it"
        )
    return await publish(connection, known.version, actor=actor, reason=reason, now=now)


async def put_in_force(connection: AsyncConnection, draft: Draft, *, now: datetime) -> None:
    """Makes rules the ones in force without a draft before: the first start, demos, tests."""
    await _lock(connection)
    await _insert(connection, draft, base="", now=now)
    known = await find(connection, draft.version)
    before = await _active(connection)
    if known.version != before:
        await _switch(connection, known, before, actor=draft.author, reason=draft.reason, now=now)


async def find(connection: AsyncConnection, version: str) -> Version:
    """A version by its name, or by the beginning of it (four digits at least).

    Raises:
        SwitchRefused: There is none (`unknown`), or several begin so (`ambiguous`).
    """
    rows = (
        await connection.execute(
            text(f"select {_COLUMNS} from rule_sets where version = :v or "  # noqa: S608
                 "(length(:v) >= 4 and starts_with(version, :v)) limit 3"),
            {"v": version},
        )
    ).all()  # fmt: skip
    exact = [row for row in rows if row.version == version] or rows
    if not exact:
        raise SwitchRefused("unknown", f"there is no version {version!r}: see `hub rules history`")
    if len(exact) > 1:
        raise SwitchRefused("ambiguous", f"several versions begin with {version!r}: write more")
    return _version(exact[0])


async def versions(connection: AsyncConnection, *, limit: int = 100) -> list[Version]:
    """The versions, the latest first: in force, then by when they were made."""
    rows = await connection.execute(
        text(f"select {_COLUMNS} from rule_sets order by state = 'active' desc,"  # noqa: S608
             " created_at desc, version limit :limit"),
        {"limit": limit},
    )  # fmt: skip
    return [_version(row) for row in rows]


async def history(connection: AsyncConnection, *, limit: int = 100) -> list[Switch]:
    """Every switch, the latest first."""
    columns = ", ".join(Switch.__slots__)
    rows = await connection.execute(
        text(f"select {columns} from rule_switches order by id desc limit :limit"),  # noqa: S608
        {"limit": limit},
    )
    return [Switch(*row) for row in rows]


def _version(row: Any) -> Version:
    values = row._mapping
    return Version(**{**values, "needs": tuple(values["needs"])})


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


async def _lock(connection: AsyncConnection) -> None:
    await connection.execute(text("select pg_advisory_xact_lock(hashtext('rule_sets'))"))


async def _active(connection: AsyncConnection) -> str:
    found = await connection.execute(text("select version from rule_sets where state = 'active'"))
    return str(found.scalar_one_or_none() or "")


async def _insert(connection: AsyncConnection, draft: Draft, *, base: str, now: datetime) -> None:
    await connection.execute(
        text("""
            insert into rule_sets (version, state, documents, author, reason, base, created_at)
            values (:version, 'draft', cast(:documents as jsonb), :author, :reason, :base, :now)
            on conflict (version) do nothing
        """),
        {
            "version": draft.version,
            "documents": dumps(list(draft.documents)),
            "author": draft.author,
            "reason": draft.reason,
            "base": base,
            "now": now,
        },
    )


async def _switch(
    connection: AsyncConnection,
    to: Version,
    before: str,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> Switch:
    for state, name in (("retired", before), ("active", to.version)):
        instant = "retired_at" if state == "retired" else "activated_at"
        await connection.execute(
            text(f"update rule_sets set state = :state, {instant} = :now where version = :v"),  # noqa: S608
            {"state": state, "now": now, "v": name},
        )
    switch = Switch(to.version, before, now, actor, to.approved_by, reason or to.reason)
    columns = Switch.__slots__
    await connection.execute(
        text(f"insert into rule_switches ({', '.join(columns)})"  # noqa: S608
             f" values ({', '.join(':' + one for one in columns)})"),
        {name: getattr(switch, name) for name in columns},
    )  # fmt: skip
    await audit.note(
        connection, actor=actor, action="publish rules", subject=to.version, now=now,
        detail={"before": before, "reason": switch.reason, "approved_by": to.approved_by},
    )  # fmt: skip
    await connection.execute(text("select pg_notify(:channel, '')"), {"channel": BELL})
    return switch
