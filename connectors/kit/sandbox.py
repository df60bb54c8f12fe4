"""Stand-ins for the vendors: small, stateful, honest about authentication and limits.

A vendor's `sandbox.py` subclasses VendorSandbox. The kit adds three control addresses that no
vendor has: `GET _sandbox/records` (what arrived, for people and tests), `POST _sandbox/faults`
(make the next calls fail) and `POST _sandbox/stage` (something happens at the vendor; the answer
are the webhooks that would tell it). It applies the faults.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

import orjson
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.kit.action import Action
from connectors.kit.examples import EXAMPLES


class Fault(BaseModel):
    """How the next calls fail.

    `before`: answered with `status`, nothing is done. `after`: the work is done, then
    `status` is answered. Either comes `hang_seconds` late. `late`: the vendor is well, but
    begins only after `hang_seconds`. With `status` 0 no answer comes
    until the caller hangs up, or until `hang_seconds` have passed where they are given.
    """

    status: int = 500
    times: int = 1
    when: Literal["before", "after", "late"] = "before"
    retry_after: str | None = None
    hang_seconds: float = 0.0
    body: str = ""
    path: str = Field("", description="Only calls whose path contains this.")


class VendorSandbox:
    """Base of the stand-ins.

    Attributes:
        slug: The connector's slug; the sandbox is served below `/{slug}`.
        records: What was accepted, in order: `{"kind": "sms", "id": …, …}`.
        calls: How many requests came, by `METHOD path`.
    """

    slug: str = ""
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {}
    """Inputs that this sandbox takes, by action, where the kit's own example will not do."""
    wrong: ClassVar[Mapping[str, Any]] = {}
    """Credentials that are well-formed and refused; by default each secret with another end."""

    def account_at(self, base_url: str) -> dict[str, Any]:
        """The fields of an account that reaches this sandbox where it is served."""
        return {**vars(sys.modules[type(self).__module__])["SANDBOX_ACCOUNT"], "base_url": base_url}

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Lets something happen at the vendor that both its poll and its webhooks tell of.

        Returns:
            The webhooks of it, topic and payload each, where there are webhooks.

        Raises:
            NotImplementedError: This sandbox cannot; its connector's poll is then unproven.
        """
        raise NotImplementedError(f"{type(self).__name__} stages nothing")

    def example(self, action: Action, number: int = 0) -> BaseModel:
        """A good input of an action; KeyError where neither kit nor sandbox has one."""
        own = self.examples.get(action.name)
        if own:
            return own[number % len(own)]
        if action.capability is None:
            raise KeyError(f"{type(self).__name__}.examples has no input for {action.name}")
        return EXAMPLES[action.capability]

    def __init__(self) -> None:
        self.records: deque[dict[str, Any]] = deque(maxlen=200_000)
        self.faults: list[Fault] = []
        self.calls: Counter[str] = Counter()
        self._journal: Path | None = None

    def routes(self) -> Sequence[BaseRoute]:
        """The vendor's addresses, as Starlette routes."""
        raise NotImplementedError

    def record(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Keeps what was accepted, for `_sandbox/records`."""
        entry = {"kind": kind, **fields}
        self.records.append(entry)
        if self._journal is not None:
            with self._journal.open("ab") as file:
                file.write(orjson.dumps(entry, default=str) + b"\n")
        return entry

    def keep_in(self, journal: Path) -> None:
        """Keeps the records in a file as well, and takes over those that are in it."""
        journal.parent.mkdir(parents=True, exist_ok=True)
        if journal.exists():
            self.records.extend(orjson.loads(line) for line in journal.read_bytes().splitlines())
        self._journal = journal

    def app(self) -> ASGIApp:
        """The ASGI application: the vendor's routes, the control addresses, the faults."""
        control = [
            Route("/_sandbox/records", self._show, methods=["GET"]),
            Route("/_sandbox/records", self._forget, methods=["DELETE"]),
            Route("/_sandbox/faults", self._plan_faults, methods=["POST", "DELETE"]),
            Route("/_sandbox/stage", self._stage, methods=["POST"]),
        ]
        return _FaultyApp(self, Starlette(routes=[*control, *self.routes()]))

    async def start(self) -> None:
        """Opens what is not HTTP (the SMTP sandbox listens on a port of its own)."""

    async def stop(self) -> None:
        """Closes what `start` opened."""

    async def _show(self, request: Request) -> Response:
        kind = request.query_params.get("kind")
        found = [one for one in self.records if kind is None or one["kind"] == kind]
        return JSONResponse({"records": found, "calls": dict(self.calls)})

    async def _forget(self, request: Request) -> Response:
        self.records.clear()
        self.calls.clear()
        return Response(status_code=204)

    async def _stage(self, request: Request) -> Response:
        try:
            staged = self.stage()
        except NotImplementedError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        return JSONResponse([{"topic": topic, "payload": payload} for topic, payload in staged])

    async def _plan_faults(self, request: Request) -> Response:
        self.faults.clear()
        if request.method == "POST":
            self.faults.extend(Fault.model_validate(one) for one in await request.json())
        return Response(status_code=204)

    def take_fault(self, path: str) -> Fault | None:
        """The fault that applies to this call, if any; its count goes down."""
        for fault in self.faults:
            if fault.times > 0 and fault.path in path:
                fault.times -= 1
                return fault
        return None


class _FaultyApp:
    """Counts calls and applies the planned faults around a sandbox's own application."""

    def __init__(self, sandbox: VendorSandbox, app: ASGIApp) -> None:
        self._sandbox = sandbox
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/_sandbox/" in scope["path"]:
            await self._app(scope, receive, send)
            return
        self._sandbox.calls[f"{scope['method']} {scope['path']}"] += 1
        fault = self._sandbox.take_fault(scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.when == "late":
            await asyncio.sleep(fault.hang_seconds)
            await self._app(scope, receive, send)
            return
        if fault.when == "after":
            await self._app(scope, receive, _swallow)
        if fault.status == 0:
            await _wait_for_hang_up(receive, fault.hang_seconds or None)
        elif fault.hang_seconds:
            await asyncio.sleep(fault.hang_seconds)
        headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
        reply = Response(fault.body, status_code=fault.status or 500, headers=headers)
        await reply(scope, receive, send)


async def _wait_for_hang_up(receive: Receive, seconds: float | None) -> None:
    """Waits until the caller is gone, for so many seconds at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


async def _swallow(message: Message) -> None:
    """Drops the answer of work that was done: the caller must not learn of it."""


def town(sandboxes: Sequence[VendorSandbox]) -> Starlette:
    """All sandboxes in one application, each below its slug."""
    return Starlette(routes=[Mount(f"/{one.slug}", app=one.app()) for one in sandboxes])
