"""What `hub rewards` does: reads lists, and puts events into the inbox, which a worker books."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from connectors.kit.redact import without_people
from deployments.cli.answers import (
    Failure,
    answering,
    counted,
    say,
    show_rows,
    unusable,
    write_json,
)
from deployments.cli.desk import Desk, actor, at_desk
from flows.rewards_upkeep import Voiding, void_all
from loyalty import reward_events
from loyalty.events import Event
from loyalty.store import audit, catalogue, inbox, reward_lists, rewards
from loyalty.store.catalogue import CatalogueItem
from loyalty.store.reward_lists import STATES, Listed, Tally, Wanted
from loyalty.store.rewards import Reward

VOIDABLE = ("held", "issued")


@answering
def run_list(wanted: Wanted, *, limit: int, full: bool, as_json: bool) -> int:
    """Lists rewards that match, newest first."""
    if wanted.state and wanted.state not in STATES:
        raise unusable(f"there is no state {wanted.state!r}", f"one is {', '.join(STATES)}")

    async def find(desk: Desk) -> list[Listed]:
        async with desk.database.begin() as connection:
            return await reward_lists.listed(connection, wanted, now=desk.now, limit=limit)

    found = at_desk(find)
    if as_json:
        write_json({"rewards": [_told(one, full=full) for one in found]})
    elif not found:
        say("No rewards match." if wanted != Wanted() else "No rewards yet.")
    else:
        show_rows(
            ("id", "state", "item", "code", "points", "asked", "why"),
            [
                (
                    one.reward.id,
                    one.state,
                    one.reward.item_id,
                    _code(one.reward, full=full),
                    one.reward.points,
                    one.reward.requested_at,
                    without_people(one.reward.reason or _waits(one)),
                )
                for one in found
            ],
        )
    return 0


def _told(one: Listed, *, full: bool) -> dict[str, Any]:
    reward = one.reward
    return {
        "id": reward.id,
        "item": reward.item_id,
        "version": reward.item_version,
        "member": reward.member_id,
        "state": one.state,
        "reason": without_people(reward.reason),
        "points": reward.points,
        "value": reward.value,
        "currency": reward.currency,
        "code": _code(reward, full=full),
        "store": reward.store,
        "requested_at": reward.requested_at,
        "issued_at": reward.issued_at,
        "expires_at": reward.expires_at,
        "used_at": reward.used_at,
        "used_on": reward.used_on,
        "points_returned": reward.is_returned,
        "delivery": one.delivery,
        "disabled": one.disabled,
    }


def _code(reward: Reward, *, full: bool) -> str:
    return reward.code if full or not reward.code else f"{reward.code[:3]}…"


def _waits(one: Listed) -> str:
    return one.problem if one.state == "held" else ""


@dataclass(frozen=True, slots=True)
class Taking:
    """What is to be taken back: some by id, or all of an item."""

    ids: tuple[str, ...]
    item: str
    reason: str
    gives_back: bool


@answering
def run_void(taking: Taking, *, is_agreed: bool, as_json: bool) -> int:
    """Asks for rewards to be voided; a worker disables their codes and books the points."""
    if bool(taking.ids) == bool(taking.item):
        raise unusable("say which: some ids, or --item", "not both")
    if len(taking.reason.strip()) < 3:
        raise unusable("the reason is missing", "say why with --reason: it is kept")
    count, left = at_desk(lambda desk: _voidable(desk, taking))
    if not count:
        raise Failure("there is nothing to take back", "used and ended rewards stay as they are")
    if not is_agreed:
        raise Failure(
            f"this would take {counted(count, 'reward')} back",
            "say --yes to do it; it cannot be undone",
        )
    voided = at_desk(lambda desk: _void(desk, taking))
    if as_json:
        write_json({"voided": voided, "left": left})
    else:
        say(f"{counted(voided, 'reward')} asked to be taken back: a worker books it.")
        for one, state in left.items():
            say(f"{one} stays: it is {state}.")
    return 1 if left else 0


async def _voidable(desk: Desk, taking: Taking) -> tuple[int, dict[str, str]]:
    """How many it would be, and which of the ids stay as they are, and why."""
    async with desk.database.begin() as connection:
        if taking.item:
            wanted = Wanted(item=taking.item)
            return await reward_lists.count_voidable(connection, wanted), {}
        ids = _ids(taking.ids)
        found = await rewards.named(connection, ids)
    left = {str(one): "not known" for one in ids if one not in found}
    left |= {
        str(one.id): "being voided" if one.void else one.state
        for one in found.values()
        if one.state not in VOIDABLE or one.void
    }
    return len(ids) - len(left), left


async def _void(desk: Desk, taking: Taking) -> int:
    if taking.item:
        voiding = Voiding(Wanted(item=taking.item), actor(), taking.reason, taking.gives_back)
        return await void_all(desk.database, voiding, now=desk.now, progress=_quietly)
    async with desk.database.begin() as connection:
        found = await rewards.named(connection, _ids(taking.ids))
        chosen = [one for one in found.values() if one.state in VOIDABLE and not one.void]
    events = [
        reward_events.voided(
            one, by=actor(), reason=taking.reason, gives_back=taking.gives_back, now=desk.now
        )
        for one in chosen
    ]
    return await _emit(desk, events, "reward.voided", why=taking.reason)


async def _quietly(voided: int) -> None:
    """Nobody watches."""


async def _emit(desk: Desk, events: Sequence[Event], action: str, *, why: str = "") -> int:
    """Puts the events into the inbox, each with a line in the audit log."""
    async with desk.database.begin() as connection:
        new = await inbox.emit(connection, events, now=desk.now)
        for one in events:
            await audit.note(
                connection,
                actor=actor(),
                action=action,
                subject=one.data.reward_id,
                now=desk.now,
                detail={"why": why} if why else None,
            )
    return len(new)


@answering
def run_use(id: str, *, as_json: bool) -> int:
    """Marks a reward as used."""

    async def use(desk: Desk) -> int:
        async with desk.database.begin() as connection:
            found = list((await rewards.named(connection, _ids([id]))).values())
        states = [one.state_at(desk.now) for one in found]
        if states != ["issued"]:
            told = f"the reward is {states[0]}" if states else "there is no such reward"
            raise Failure(told, "`hub rewards list` shows those that there are")
        event = reward_events.handed_out(found[0], by=actor(), now=desk.now)
        return await _emit(desk, [event], "reward.handed_out")

    used = at_desk(use)
    if as_json:
        write_json({"used": used})
    else:
        say("It is marked as used." if used else "It was marked as used before.")
    return 0


@answering
def run_catalogue(*, as_json: bool) -> int:
    """Lists the catalogue."""

    async def find(desk: Desk) -> tuple[list[CatalogueItem], Sequence[Tally]]:
        async with desk.database.begin() as connection:
            items = await catalogue.items(connection)
            return items, await reward_lists.tally(connection, now=desk.now)

    items, tally = at_desk(find)
    if as_json:
        write_json({"items": [_item(one, tally) for one in items]})
    elif not items:
        say("The catalogue is empty: the console adds rewards, under Rewards, The catalogue.")
    else:
        show_rows(
            ("item", "name", "kind", "points", "offered", "with members"),
            [
                (
                    one.item.id,
                    one.item.name_in(""),
                    one.item.kind.value,
                    one.item.points or f"{one.item.points_per_unit} a unit",
                    "yes" if one.item.is_active else "no",
                    ", ".join(f"{n} {state}" for state, n in _counts(one, tally).items()) or "none",
                )
                for one in items
            ],
        )
    return 0


def _item(one: CatalogueItem, tally: Iterable[Tally]) -> dict[str, Any]:
    document = one.item.model_dump(mode="json", exclude_defaults=True)
    return {**document, "version": one.version, "counts": _counts(one, tally)}


def _counts(one: CatalogueItem, tally: Iterable[Tally]) -> dict[str, int]:
    return {each.state: each.count for each in tally if each.item == one.item.id}


def _ids(given: Iterable[str]) -> list[UUID]:
    try:
        return list(dict.fromkeys(UUID(one) for one in given))
    except ValueError:
        raise unusable("an id cannot be read", "`hub rewards list` shows them") from None
