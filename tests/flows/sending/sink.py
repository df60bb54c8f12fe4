"""A vendor made for these tests: every kind of action, over real HTTP, with a short time-out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import httpx
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.account import Account
from connectors.kit.action import Action, Idempotency, Job, Outcome, Payload, Sent
from connectors.kit.errors import InvalidRequest
from connectors.kit.http import HttpClient
from connectors.kit.manifest import Limit, Manifest
from connectors.kit.sandbox import VendorSandbox


class SinkAccount(Account):
    """Where the sink is."""

    base_url: str = Field(description="The address of the sink.")


class Note(Payload):
    """What is sent."""

    text: str


class Sink(VendorSandbox):
    """Keeps what comes; notes when each call came in."""

    slug = "sink"

    def __init__(self) -> None:
        super().__init__()
        self.arrivals: list[float] = []
        self.slow_seconds = 0.0
        self._keys: set[str] = set()

    def routes(self) -> Sequence[BaseRoute]:
        """One address per kind of action."""
        return [
            Route("/keyed", self._keyed, methods=["POST"]),
            Route("/plain", self._plain, methods=["POST"]),
            Route("/batch", self._batch, methods=["POST"]),
            Route("/find", self._find, methods=["GET"]),
        ]

    async def _keyed(self, request: Request) -> Response:
        note = await self._arrived(request)
        if note["key"] not in self._keys:
            self._keys.add(note["key"])
            self.record("note", **note)
        return JSONResponse({"id": note["key"]})

    async def _plain(self, request: Request) -> Response:
        note = await self._arrived(request)
        self.record("note", **note)
        return JSONResponse({"id": note["key"]})

    async def _batch(self, request: Request) -> Response:
        notes = await self._arrived(request)
        answers = []
        for note in notes:
            is_good = note["text"] != "bad"
            if is_good:
                self.record("note", **note)
            answers.append(is_good)
        return JSONResponse(answers)

    async def _find(self, request: Request) -> Response:
        found = any(one["key"] == request.query_params["key"] for one in self.records)
        return JSONResponse({"found": found})

    async def _arrived(self, request: Request) -> Any:
        self.arrivals.append(time.monotonic())
        note = await request.json()
        await asyncio.sleep(self.slow_seconds)
        return note

    @property
    def keys(self) -> list[str]:
        """The keys of the notes that are here, in order."""
        return [one["key"] for one in self.records]


class SinkClient:
    """Speaks to the sink; gives up after a second, which a busy machine may need."""

    def __init__(self, account: SinkAccount) -> None:
        self.http = HttpClient(account.base_url, timeout=httpx.Timeout(1.0, connect=5.0))
        self.is_closed = False

    async def check(self) -> str:
        """Nothing to check."""
        return "It is there."

    async def aclose(self) -> None:
        """Closes the sockets."""
        self.is_closed = True
        await self.http.aclose()

    async def post(self, path: str, job: Job) -> Sent:
        """One note."""
        await self.http.send("POST", path, json={"key": job.key, "text": job.input.text})
        return Sent(vendor_id=job.key)

    async def post_many(self, jobs: Sequence[Job]) -> Sequence[Outcome]:
        """Many notes in one call, each with its own end."""
        notes = [{"key": job.key, "text": job.input.text} for job in jobs]
        answers = (await self.http.send("POST", "/batch", json=notes)).json()
        return [
            Sent(vendor_id=job.key) if is_good else InvalidRequest("the text is bad")
            for job, is_good in zip(jobs, answers, strict=True)
        ]

    async def find(self, job: Job) -> Sent | None:
        """What an earlier attempt left."""
        reply = await self.http.send("GET", "/find", params={"key": job.key})
        return Sent(vendor_id=job.key) if reply.json()["found"] else None


async def _keyed(client: Any, job: Job) -> Sent:
    return await client.post("/keyed", job)  # type: ignore[no-any-return]


async def _plain(client: Any, job: Job) -> Sent:
    return await client.post("/plain", job)  # type: ignore[no-any-return]


async def _many(client: Any, jobs: Sequence[Job]) -> Sequence[Outcome]:
    return await client.post_many(jobs)  # type: ignore[no-any-return]


async def _find(client: Any, job: Job) -> Sent | None:
    return await client.find(job)  # type: ignore[no-any-return]


def _action(name: str, idempotency: Idempotency, **more: Any) -> Action:
    more.setdefault("run", _plain)
    return Action(
        name=name, title=f"Do {name}.", input=Note, output=Sent, idempotency=idempotency, **more
    )


ACTIONS = (
    _action("keyed", Idempotency.NATIVE_KEY, run=_keyed),
    _action("plain", Idempotency.NONE),
    _action("found", Idempotency.SEARCH_FIRST, find=_find),
    _action("batch", Idempotency.UPSERT, run_batch=_many, batch_size=5),
    _action("found_batch", Idempotency.SEARCH_FIRST, find=_find, run_batch=_many, batch_size=5),
)

MANIFEST = Manifest(
    slug="sink",
    name="Sink",
    docs_url="https://sink.example",
    api_version="1",
    owner="tests",
    account=SinkAccount,
    limit=Limit(burst=1000, per_second=1000, source="made up", concurrency=8),
    connect=SinkClient,
    actions=ACTIONS,
)
