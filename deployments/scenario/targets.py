"""The targets of a fan-out: each answers over real HTTP on loopback, as the story has scripted it.

Behind them is the real way of sending: budgets, attempts, the kit's reading of refusals, pauses.
What is scripted is only what comes back over the wire. A target honours keys: what it has taken
once it does not take twice.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.action import Action, Idempotency, Job, Sent
from connectors.kit.http import HttpClient
from connectors.kit.manifest import Limit, Manifest
from connectors.kit.registry import manifest
from flows.clients import Clients, Line

OK = 200
CONNECTORS: dict[str, str] = {"sms": "twilio", "slack": "slack", "sheets": "sheets"}
"""The targets that a story may name, and the connectors whose actions they stand for."""

_fingerprints = itertools.count(1)


@dataclass
class Targets:
    """What the targets will answer, and what they have seen.

    Attributes:
        scripts: The answers still to come, by target; afterwards all is well.
        calls: How often each target was called.
        taken: The messages that it took, by key.
    """

    scripts: dict[str, list[int]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    taken: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    base_url: str = ""
    _runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Begins to listen on loopback; nothing where it listens already."""
        if self._runner is not None:
            return
        app = web.Application()
        app.router.add_post("/{target}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{port}"

    async def aclose(self) -> None:
        """Stops listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        target = request.match_info["target"]
        self.calls[target] += 1
        script = self.scripts.get(target, [])
        status = script.pop(0) if script else OK
        if status != OK:
            return web.json_response({"error": "scripted"}, status=status)
        key = (await request.json())["key"]
        self.taken[target].add(key)
        return web.json_response({"id": key})


class TargetAccount(Account):
    """Where a target listens."""

    base_url: str = Field(description="The address of the targets.")


class TargetClient:
    """Speaks to one target through the kit's HTTP."""

    def __init__(self, target: str, base_url: str) -> None:
        self._target = target
        self._http = HttpClient(base_url)

    async def check(self) -> str:
        """Nothing to check."""
        return "It is there."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def take(self, job: Job) -> Sent:
        """Hands a message over under its key."""
        content = {"key": job.key, "input": job.input.model_dump(mode="json")}
        reply = await self._http.send("POST", f"/{self._target}", json=content)
        return Sent(vendor_id=reply.json()["id"])


async def _take(client: Any, job: Job) -> Sent:
    sent: Sent = await client.take(job)
    return sent


class TargetClients(Clients):
    """Opens lines to the targets where the hub would open them to the vendors."""

    targets: Targets

    def _open(self, slug: str) -> Line:
        connector = slug.partition("/")[0]
        target = next(name for name, known in CONNECTORS.items() if known == connector)
        known = _manifest_of(connector)
        gauge = asyncio.Semaphore(known.limit.concurrency)
        client = TargetClient(target, self.targets.base_url)
        return Line(known, client, f"target {next(_fingerprints)}", gauge)


def _manifest_of(connector: str) -> Manifest:
    """The connector's own actions and inputs; a call of each is one to a target."""
    known = manifest(connector)
    return replace(
        known,
        account=TargetAccount,
        limit=Limit(burst=1000, per_second=1000, source="a scripted target has none"),
        actions=tuple(_action(one) for one in known.actions),
    )


def _action(known: Action) -> Action:
    return replace(
        known,
        output=Sent,
        idempotency=Idempotency.NATIVE_KEY,
        run=_take,
        run_batch=None,
        find=None,
    )


def slugs_of(targets: Sequence[str]) -> list[str]:
    """The connections behind some targets."""
    return [f"{CONNECTORS[one]}/main" for one in targets]
