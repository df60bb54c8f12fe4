"""`hub replay`: tries failed events and dead deliveries again, under their old keys."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.redact import without_people
from deployments.cli import queries
from deployments.cli.answers import Failure, answering, counted, say, unusable, write_json
from deployments.cli.desk import Desk, actor, at_desk
from loyalty.store import audit, delivery_lists, inbox

SHOWN = 20
"""How many keys are named before the rest is only counted."""

REPLAYABLE = ("failed", "refused", "parked")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be tried again: exactly one kind of the four.

    Attributes:
        route: Narrows `dead` to one connection.
    """

    keys: tuple[str, ...] = ()
    failed: bool = False
    parked: bool = False
    dead: bool = False
    route: str = ""

    def check(self) -> None:
        """Raises a Failure (2) unless exactly one kind is asked for."""
        kinds = [bool(self.keys), self.failed, self.parked, self.dead]
        if sum(kinds) != 1:
            raise unusable("say one of --event, --failed, --parked and --dead")
        if self.route and not self.dead:
            raise unusable("--connection goes with --dead")


@dataclass(slots=True)
class Plan:
    """What can be tried again, and what of the wanted cannot, with the reason."""

    keys: list[str] = field(default_factory=list)
    ids: list[UUID] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> str:
        """In words."""
        if self.ids:
            return counted(len(self.ids), "delivery", "deliveries")
        return counted(len(self.keys), "event")

    def document(self, *, dry_run: bool) -> dict[str, Any]:
        """The answer for machines."""
        left = [{"key": key, "why": why} for key, why in self.left.items()]
        return {"dry_run": dry_run, "events": self.keys, "deliveries": self.ids, "left": left}


@answering
def run_replay(wanted: Wanted, *, dry_run: bool, is_agreed: bool, as_json: bool) -> int:
    """Puts back what is wanted, after a yes; exit 1 where some of it could not be."""
    wanted.check()
    plan = at_desk(lambda desk: _plan(desk, wanted))
    is_something = bool(plan.keys or plan.ids)
    if is_something and not dry_run:
        if not is_agreed:
            _ask(plan)
        chosen = plan
        plan = at_desk(lambda desk: _put_back(desk, chosen))
    if as_json:
        write_json(plan.document(dry_run=dry_run))
    else:
        _tell(plan, wanted, dry_run=dry_run)
    return 1 if plan.left else 0


async def _plan(desk: Desk, wanted: Wanted) -> Plan:
    async with desk.database.begin() as connection:
        if wanted.dead:
            return Plan(ids=await queries.dead_ids(connection, wanted.route))
        if wanted.keys:
            return await _chosen(connection, list(dict.fromkeys(wanted.keys)))
        state = "failed" if wanted.failed else "parked"
        return Plan(keys=await queries.keys_in_state(connection, state))


async def _chosen(connection: AsyncConnection, keys: Sequence[str]) -> Plan:
    plan = Plan()
    known = await queries.events_by_key(connection, keys)
    for key in keys:
        if key not in known:
            plan.left[key] = "there is no such event"
        elif known[key].state not in REPLAYABLE:
            plan.left[key] = f"it is {known[key].state}"
        else:
            plan.keys.append(key)
    return plan


async def _put_back(desk: Desk, plan: Plan) -> Plan:
    """Does it in one transaction with its line in the audit log."""
    async with desk.database.begin() as connection:
        keys = await inbox.replay(connection, plan.keys)
        ids = await delivery_lists.decide(connection, plan.ids, state="pending", reason="replayed")
        again = Plan(keys=keys, ids=ids, left=dict(plan.left))
        await audit.note(
            connection,
            actor=actor(),
            action="replay",
            subject=again.size,
            now=desk.now,
            detail={"events": keys, "deliveries": [str(one) for one in ids]},
        )
    for gone in [*sorted(set(plan.keys) - set(keys)), *sorted(map(str, set(plan.ids) - set(ids)))]:
        again.left[gone] = "it changed meanwhile"
    return again


def _ask(plan: Plan) -> None:
    if not sys.stdin.isatty():
        raise unusable(f"{plan.size} would be tried again", "say --yes, or --dry-run to see which")
    print(f"Try {plan.size} again? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure("nothing was done")


def _tell(plan: Plan, wanted: Wanted, *, dry_run: bool) -> None:
    names = plan.keys or [str(one) for one in plan.ids]
    if names:
        say(f"{plan.size} {'would be' if dry_run else 'will be'} tried again:")
        for name in names[:SHOWN]:
            say(f"  {without_people(name)}")
        if len(names) > SHOWN:
            say(f"  and {len(names) - SHOWN} more")
    elif not plan.left:
        say(_NOTHING[wanted.failed, wanted.parked])
    for key, why in plan.left.items():
        say(f"{without_people(key)} is left as it is: {why}.")


_NOTHING = {
    (True, False): "No event has failed.",
    (False, True): "No event is parked.",
    (False, False): "No delivery is dead.",
}
