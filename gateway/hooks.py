"""`/hooks/{vendor}/{connection}`: the way of a webhook from its first byte to its answer.

A bare ASGI application, since this is the hub's hot path: nothing stands between the server
and it. The order matters and is fixed: a known connection, a body within bounds, handshake,
signature, content, commit, answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from time import perf_counter
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from connectors.kit.redact import safe_headers
from connectors.kit.webhook import InboundRequest, Reply, Unreadable
from gateway.answers import Answer, HungUp, Refused, accepted, later, send_answer, send_early
from gateway.commit import GroupCommit
from gateway.connections import ConnectionTable, Hook
from gateway.reading import BodyReader, headers_of, inbound
from gateway.receiving import Ignored, Understood, greet, prove, understand
from gateway.work import Crowded, Kept, Rejection, Unstorable, Work
from loyalty.store.database import StoreAway

logger = logging.getLogger("hub.gateway")

PREFIX = "/hooks/"

LARGE_BYTES = 64 * 1024
"""Bodies beyond this are read in a thread, so that nobody waits while they are parsed."""

SAY_SECONDS = 1.0
"""A refusal is logged once in this time for each connection and outcome; all are counted."""


class Observer(Protocol):
    """Told about each answered request, for the metrics."""

    def answered(self, slug: str, outcome: str, seconds: float) -> None:
        """A request at `vendor/name` (empty: unknown) ended so after so many seconds."""
        ...


class Hooks:
    """Receives the webhooks of all connections."""

    def __init__(
        self,
        *,
        base_url: str,
        table: ConnectionTable,
        commit: GroupCommit,
        observer: Observer,
        clock: Callable[[], datetime],
    ) -> None:
        self._base_url = base_url
        self._table = table
        self._commit = commit
        self._observer = observer
        self._clock = clock
        self._reader = BodyReader()
        self._said: dict[tuple[str, str], float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; `scope` is of a path below `/hooks/`."""
        started = perf_counter()
        slug = ""
        try:
            hook = await self._table.find(_slug(scope["path"]))
            slug = hook.source.store
            headers = headers_of(scope)
            self._reader.check_head(headers)
        except Refused as refused:
            self._note(slug, refused.answer, started)
            await send_early(refused.answer, receive, send)
            return
        try:
            body = await self._reader.read(receive)
            request = inbound(scope, headers, body, base_url=self._base_url, now=self._clock())
            answer = await self._answer(hook, request)
        except HungUp:
            self._observer.answered(slug, "hung_up", perf_counter() - started)
            return
        except Refused as refused:
            answer = refused.answer
            if answer.outcome in _UNREAD:
                self._note(slug, answer, started)
                await send_early(answer, receive, send)
                return
        self._note(slug, answer, started)
        await send_answer(answer, send)

    async def _answer(self, hook: Hook, request: InboundRequest) -> Answer:
        reply = greet(hook, request)
        if reply is not None:
            return _handshake(reply)
        if request.method != "POST":
            raise _method_not_allowed(request.method)
        prove(hook, request)
        try:
            found = await _understood(hook, request)
        except Unreadable as error:
            return await self._unreadable(hook, request, str(error))
        if isinstance(found, Ignored):
            content = {"status": "ignored", "topic": found.topic[:200]}
            return _taken(hook, "ignored", content)
        work = found if isinstance(found, Work) else Work(incoming=found)
        return await self._keep(hook, request, work)

    async def _keep(self, hook: Hook, request: InboundRequest, work: Work) -> Answer:
        kept = Kept(0, 0)
        if work.incoming or work.word is not None:
            try:
                kept = await self._committed(work)
            except Unstorable as error:
                return await self._unreadable(hook, request, str(error))
        return _taken(
            hook,
            "duplicate" if kept.duplicates and not kept.accepted else "accepted",
            {
                "accepted": kept.accepted,
                "duplicates": kept.duplicates,
                "events": [one.event.business_key for one in work.incoming],
            },
        )

    async def _unreadable(self, hook: Hook, request: InboundRequest, problem: str) -> Answer:
        rejection = Rejection(
            connector=hook.source.connector,
            connection=hook.source.connection,
            received_at=request.received_at,
            problem=problem,
            headers=safe_headers(request.headers),
            body=request.body,
        )
        try:
            await self._committed(Work(rejection=rejection))
        except Unstorable:
            logger.error("%s: an unreadable request could not be kept", hook.source.store)
        return Refused(
            422,
            "unreadable",
            problem,
            "The request was kept for inspection; correct it at its source and send it again.",
        ).answer

    async def _committed(self, work: Work) -> Kept:
        try:
            return await self._commit.keep(work)
        except StoreAway:
            raise later(
                "away",
                "the database is away; nothing was stored",
                "Send the request again.",
                seconds=2,
            ) from None
        except Crowded:
            raise later(
                "busy", "too many requests wait already", "Send the request again.", seconds=3
            ) from None

    def _note(self, slug: str, answer: Answer, started: float) -> None:
        now = perf_counter()
        self._observer.answered(slug, answer.outcome, now - started)
        if answer.status < 400:
            return
        key = (slug, answer.outcome)
        if now - self._said.get(key, -SAY_SECONDS) >= SAY_SECONDS:
            self._said[key] = now
            logger.warning("%s: %d %s", slug or "an unknown address", answer.status, answer.outcome)


_UNREAD = ("too_large", "too_slow", "busy_reading")


async def _understood(hook: Hook, request: InboundRequest) -> Understood:
    if len(request.body) > LARGE_BYTES:
        return await asyncio.to_thread(understand, hook, request)
    return understand(hook, request)


def _slug(path: str) -> str:
    """`shopify/main` of `/hooks/shopify/main`; whatever else it is, no connection is named so."""
    return path.removeprefix(PREFIX)


def _taken(hook: Hook, outcome: str, content: Mapping[str, Any]) -> Answer:
    """The acknowledgement: in the vendor's own words where it insists on them."""
    own = hook.webhook.acknowledge
    if own is None:
        return accepted(202, outcome, content)
    return Answer(own.status, outcome, own.body, own.content_type)


def _handshake(reply: Reply) -> Answer:
    return Answer(reply.status, "handshake", reply.body, reply.content_type)


def _method_not_allowed(method: str) -> Refused:
    return Refused(
        405,
        "unsupported",
        f"webhooks come as POST, not as {method}",
        "Register this address at the vendor; it is not meant for a browser.",
        headers=(("allow", "POST"),),
    )
