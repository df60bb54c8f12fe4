"""The world of one case: its programme, its clock, and what happens in it, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import text

from deployments.scenario import desk, steps
from deployments.scenario.acts import FAMILY_OF, mails, referrals
from deployments.scenario.clock import begin, tick
from deployments.scenario.document import Case
from deployments.scenario.engine import LONG_AGO, Ending, Engine
from deployments.scenario.events import Translator
from deployments.scenario.happening import Happening
from deployments.scenario.messages import Vendor
from deployments.scenario.observe import Members, Observer
from deployments.scenario.post_office import PostOffice
from deployments.scenario.settings import Settings, merged
from deployments.scenario.translate import terms_of
from deployments.scenario.window import Window
from loyalty.events import Event
from loyalty.money import MoneyError
from loyalty.store.database import Database
from rules import RuleSet

CHANGED_NOTHING = frozenset({"test_order", "stale", "older_than_withdrawal", "no_evidence"})
"""Codes of events that are done and changed nothing: the step was ignored."""

INVALID = "invalid_amount"
"""The code of a step that no gateway would have taken in: an amount that its currency has not."""

UNKNOWN_CURRENCY = "unknown_currency"


class NotSupported(Exception):
    """The case needs something that this version of the hub does not have."""


class World:
    """Plays the steps of a case on an empty database.

    Args:
        rule_sets: Compiled rules by version, shared between cases.
        window: Through which it looks at what became of a step.
    """

    def __init__(
        self, database: Database, case: Case, rule_sets: dict[str, RuleSet], window: Window
    ) -> None:
        self.database = database
        self.case = case
        self.window = window
        self.engine = Engine(database, rule_sets, window)
        self.members = Members()
        self.vendor = (PostOffice if case.settings.fanout else Vendor)(database, window)
        self.personal: dict[str, set[str]] = {}
        self.tokens: dict[str, str] = {}
        self.raw = case.raw_settings
        self._pending: list[tuple[datetime, dict[str, Any]]] = []
        self.parts = [part for step in case.steps for part in _parts_of(step)]
        self._translator = Translator(case.settings, self.parts)
        self._writes = _may_write(case)

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.engine.in_force.settings

    async def begin(self) -> None:
        """Puts the programme of the case in force.

        Raises:
            NotSupported: The case needs something that this version cannot do.
        """
        if self.case.unknown:
            raise NotSupported("; ".join(self.case.unknown))
        await self._change(self.raw)

    async def play(self, step: steps.Step | steps.Concurrent) -> Happening:
        """Does what the step says, at its time."""
        is_first = self.engine.now == LONG_AGO
        self.engine.now = max(self.engine.now, step.received or step.at or self.engine.now)
        if is_first:
            await begin(self.engine)
        await self._change_what_is_due()
        if isinstance(step, steps.Concurrent):
            happened = await self._at_once(step)
        else:
            happened = await self._do(step, step.at or self.engine.now)
        if self._writes:
            await self.vendor.hand_over(self.engine.terms())
            await self.meet()
            happened.messages = await self.vendor.news(self.members)
            happened.values |= self.vendor.figures
        return happened

    async def meet(self) -> None:
        """Learns who the names of the file are by now."""
        async with self.window.open() as connection:
            await self.members.learn(connection)

    def observer(self, connection: Any) -> Observer:
        """Answers what the database says at this moment of the story."""
        return Observer(
            connection,
            self.engine.in_force,
            self.members,
            now=self.engine.now,
            expiry_since=self.engine.expiry_since,
        )

    # --- steps

    async def _at_once(self, step: steps.Concurrent) -> Happening:
        # What is under way is let come to its end, also where one of them breaks.
        parts = await asyncio.gather(
            *(self._do(one, one.at or step.at) for one in step.concurrent), return_exceptions=True
        )
        together = Happening()
        for part in parts:
            if isinstance(part, BaseException):
                raise part
            if part.result is not None:
                together.results[part.result] += 1
            together.alerts += part.alerts
            together.written_off += part.written_off
        return together

    async def _do(self, step: Any, at: datetime) -> Happening:
        family = FAMILY_OF.get(type(step))
        if family is not None:
            return await family.play(self, step, at)
        match step:
            case steps.Clock():
                await tick(self.engine)
                return Happening()
            case steps.SettingsChange():
                return await self._settings_change(step)
            case steps.FxSet():
                rates = {step.currency: {step.date.isoformat(): step.rate}}
                await self._change(merged(self.raw, {"fx": rates}), since=at)
                return Happening()
            case steps.FromMinor() | steps.DeferredRevenue():
                return _answer(step, self.settings)
            case steps.LiabilityReport() | steps.Simulate() | steps.MessageRequest():
                return Happening(values=await desk.ask(self, step))
        return await self._report(step, at)

    async def take(self, event: Event, *, delivery_id: str | None = None) -> Happening:
        """Gives the engine an event, and says what became of it."""
        ending = await self.engine.take(event, delivery_id=delivery_id)
        happened = Happening(result_of(ending), ending.code, reason=ending.reason)
        happened.outcome = ending.outcome
        if ending.is_new:
            happened.alerts += ending.outcome.get("alerts") or []
            if let_off := ending.outcome.get("written_off"):
                happened.written_off[await self._owner(event)] += int(let_off)
        return happened

    async def _report(self, step: Any, at: datetime) -> Happening:
        """A step that a store reports: an event."""
        self._note_person(step)
        if isinstance(step, steps.MemberErased):
            await self.meet()
        try:
            event = self._translator.event(step, at)
        except (ValidationError, MoneyError, ValueError) as error:
            return _refused(error)
        if getattr(step, "referred_by", None):
            code = await referrals.code_of(self, step.referred_by)
            data = event.data.model_copy(update={"referred_by": code})
            event = event.model_copy(update={"data": data})
        return await self.take(event, delivery_id=step.delivery)

    async def _owner(self, event: Event) -> str:
        async with self.window.open() as connection:
            await self.members.learn(connection)
            found = await connection.execute(_OWNER, {"key": event.business_key})
            return self.members.name_of(found.scalar_one())

    def _note_person(self, step: Any) -> None:
        """Keeps what a step says of a person, to look for it after their erasure."""
        if isinstance(step, steps.Person):
            said = [step.email, step.phone, step.first_name, step.last_name]
            known = self.personal.setdefault(step.member, set())
            known.update(value for value in said if value)

    # --- settings

    async def _settings_change(self, step: steps.SettingsChange) -> Happening:
        effective = step.effective or self.engine.now
        self._pending.append((effective, step.set))
        await self._change_what_is_due()
        return Happening("applied")

    async def _change_what_is_due(self) -> None:
        due = [one for one in self._pending if one[0] <= self.engine.now]
        for one in sorted(due, key=lambda change: change[0]):
            self._pending.remove(one)
            await self._change(merged(self.raw, one[1]), since=one[0])

    async def _change(self, raw: dict[str, Any], *, since: datetime | None = None) -> None:
        settings = Settings.model_validate(raw)
        before = self.engine.in_force if since else None
        templates = [part.template for part in self.parts if isinstance(part, _REQUEST)]
        templates += [part.message for part in self.parts if isinstance(part, mails.StatsBegin)]
        await self.engine.put_in_force(terms_of(settings, before=before, since=since), templates)
        self.raw = raw
        self._translator.settings = settings


_REQUEST = steps.MessageRequest
_OWNER = text("select member_id from inbox where business_key = :key")


def result_of(ending: Ending) -> str:
    """The result of a step in the words of the file."""
    if not ending.is_new:
        return "duplicate"
    match ending.state:
        case "done" if ending.code in CHANGED_NOTHING:
            return "ignored"
        case "done" if ending.code == "duplicate" or ending.code.startswith("already_"):
            return "duplicate"
        case "done":
            return "applied"
        case "parked" if ending.waits_for.startswith("contact:"):
            # A guest's order is kept and does its work when its person signs up.
            return "applied"
        case "refused":
            return "rejected"
    return ending.state


def _answer(step: Any, settings: Settings) -> Happening:
    try:
        return Happening(values=desk.reckon(step, settings))
    except (MoneyError, ValueError) as error:
        return _refused(error)


def _refused(error: Exception) -> Happening:
    told = str(error)
    code = UNKNOWN_CURRENCY if "unknown currency" in told else INVALID
    return Happening("rejected", code, reason=told)


def _parts_of(step: Any) -> Sequence[Any]:
    return step.concurrent if isinstance(step, steps.Concurrent) else (step,)


def _may_write(case: Case) -> bool:
    """Whether anything in the case can send a message: most cases need not look for any."""
    changes = [one.set for one in case.steps if isinstance(one, steps.SettingsChange)]
    return bool(
        case.settings.messaging.notify
        or any("messaging" in one or "rules" in one for one in changes)
        or any(rule.kind == "document" for rule in case.settings.rules)
        or any(_asks_to_write(part) for one in case.steps for part in _parts_of(one))
    )


def _asks_to_write(step: Any) -> bool:
    family = FAMILY_OF.get(type(step))
    return isinstance(step, _REQUEST) or (family is not None and family.writes)
