"""What is done at each of the addresses."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import orjson
from pydantic import Field

from connectors.kit.errors import InvalidRequest
from connectors.zapier.targets import require_target
from gateway.answers import Answer, Refused, accepted
from gateway.commit import GroupCommit
from gateway.work import Work
from gateway.zapier.actions import DOINGS, event_of
from gateway.zapier.asked import Asked
from gateway.zapier.samples import samples_of
from loyalty.events import EventType, Frozen
from loyalty.store import hooks_out
from loyalty.store.database import Database
from loyalty.store.inbox import Incoming

SAMPLES = 3
MOST_SAMPLES = 20
_KEY = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,198}[\x21-\x7e]|[\x21-\x7e]")


class Subscription(Frozen):
    """What a Zap asks for when it is switched on."""

    event: str = Field(description="The type of event, such as order.paid.")
    target_url: str = Field(description="Where the Zap listens: https, a public address.")
    include_own: bool = Field(
        False, description="Whether it also hears of what Zaps of this connection report."
    )


class Handlers:
    """Answers requests of known callers."""

    def __init__(self, database: Database, commit: GroupCommit) -> None:
        self._database = database
        self._commit = commit

    async def me(self, asked: Asked) -> Answer:
        """The test of a key: whose it is."""
        slug = asked.caller.slug
        return accepted(200, "told", {"connection": slug, "label": f"Loyalty Hub ({slug})"})

    async def events(self, asked: Asked) -> Answer:
        """The types of event, for a menu in Zapier."""
        listed = [{"id": one.value, "name": one.value} for one in EventType]
        return Answer(200, "told", _array(listed))

    async def subscribe(self, asked: Asked) -> Answer:
        """Adds a subscription; the same again is answered with the one there is."""
        wanted = Subscription.model_validate(asked.document())
        event = _event(wanted.event)
        account = asked.caller.account
        try:
            require_target(wanted.target_url, allow_private=account.allow_private_network)
        except InvalidRequest as error:
            raise Refused(
                422, "unreadable", f"target_url: {error.message}", "Subscribe another address."
            ) from None
        try:
            async with self._database.begin() as connection:
                id, is_new = await hooks_out.subscribe(
                    connection,
                    asked.caller.slug,
                    event=event.value,
                    target_url=wanted.target_url,
                    include_own=wanted.include_own,
                    now=asked.now,
                )
        except hooks_out.TooMany as error:
            raise Refused(
                409, "too_many", str(error), "Switch off Zaps that are not needed."
            ) from None
        status = 201 if is_new else 200
        return accepted(status, "subscribed", {"id": str(id), "event": event.value})

    async def unsubscribe(self, asked: Asked) -> Answer:
        """Ends a subscription; one that ended already is answered alike."""
        is_known = False
        with suppress(ValueError):
            id = UUID(asked.name)
            async with self._database.begin() as connection:
                is_known = await hooks_out.unsubscribe(
                    connection, asked.caller.slug, id, now=asked.now
                )
        if not is_known:
            raise Refused(
                404,
                "unknown_hook",
                "this connection has no such subscription",
                "Nothing is left to do: the hub tells it nothing.",
            )
        return accepted(200, "unsubscribed", {"id": asked.name})

    async def samples(self, asked: Asked) -> Answer:
        """Recent events of a type without personal data, or an invented one; newest first."""
        event = _event(asked.name)
        given = parse_qs(asked.query).get("limit", [""])[0]
        limit = min(max(int(given), 1), MOST_SAMPLES) if _is_number(given) else SAMPLES
        async with self._database.begin() as connection:
            happened = await hooks_out.latest(connection, event.value, limit=limit)
        return Answer(200, "told", _array(samples_of(event.value, happened)))

    async def act(self, asked: Asked) -> Answer:
        """Takes in what a Zap did; the same key again changes nothing."""
        doing = DOINGS.get(asked.name)
        if doing is None:
            names = ", ".join(DOINGS)
            raise Refused(
                404, "unknown_action", "there is no such action", f"The actions are {names}."
            )
        said = doing.model.model_validate(asked.document())
        key = _key(asked.headers.get("idempotency-key", "").strip() or said.id or "")
        event = event_of(doing, said, slug=asked.caller.slug, key=key, now=asked.now)
        incoming = Incoming(event=event, received_at=asked.now, raw=asked.body, delivery_id=key)
        kept = await self._commit.keep(Work(incoming=[incoming]))
        outcome = "accepted" if kept.accepted else "duplicate"
        return accepted(202, outcome, {"id": key, "event": event.business_key, "status": outcome})


def _key(given: str) -> str:
    if not given:
        raise Refused(
            422,
            "unreadable",
            "nothing says what makes this one: the same sent twice would count twice",
            "Send the header Idempotency-Key, or the field `id`; in Zapier, map the id of the "
            "trigger's event.",
        )
    if not _KEY.fullmatch(given):
        raise Refused(
            422,
            "unreadable",
            "the idempotency key must be 1 to 200 printable ASCII characters",
            "Send another one.",
        )
    return given


def _event(name: str) -> EventType:
    try:
        return EventType(name)
    except ValueError:
        raise Refused(
            422,
            "unreadable",
            "event: the hub knows no event of this type",
            f"The types are {', '.join(EventType)}.",
        ) from None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def _array(items: list[Any]) -> bytes:
    return orjson.dumps(items)
