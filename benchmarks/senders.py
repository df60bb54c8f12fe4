"""A cheap load generator: keep-alive clients that send signed webhooks, one after the other.

Run as a process of its own, `python -m benchmarks.senders '{"host": …}'`; it prints one JSON
document. Requests are built and signed before the clock starts, so that what is measured is
the receiver and as little of the sender as Python allows.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, time
from typing import Any
from uuid import uuid4

import orjson
import uvloop

from connectors.kit import registry
from connectors.kit.account import Account
from connectors.kit.webhook import InboundRequest, Webhook

SAMPLE = Path(__file__).parents[1] / "connectors/shopify/samples/orders_paid.json"
SHOP = {
    "shop_domain": "bench.myshopify.com",
    "access_token": "bench-access-token",
    "client_secret": "bench-client-secret",
}


def order(number: int) -> bytes:
    """An `orders/paid` body of about 4 KB with identifiers of its own."""
    payload = json.loads(SAMPLE.read_text())
    payload["id"] = 5_000_000_000 + number
    payload["name"] = f"#{number}"
    payload["customer"]["id"] = 9_000_000_000 + number
    payload["email"] = payload["customer"]["email"] = f"buyer.{number}@example.com"
    payload["phone"] = payload["customer"]["phone"] = None
    return orjson.dumps(payload)


def connector() -> tuple[Webhook, Account]:
    """Shopify's webhooks, and the shop that signs them."""
    manifest = registry.manifest("shopify")
    assert manifest.webhook is not None
    return manifest.webhook, manifest.account.model_validate(SHOP)


def signed(body: bytes, *, host: str, path: str) -> bytes:
    """The request as it goes over the wire."""
    webhook, account = connector()
    request = InboundRequest("POST", f"http://{host}{path}", {}, body, datetime.now(UTC))
    headers = {
        "host": host,
        "content-type": "application/json",
        "content-length": str(len(body)),
        "user-agent": "Shopify-Captain-Hook",
        "x-shopify-topic": "orders/paid",
        "x-shopify-api-version": "2026-10",
        "x-shopify-webhook-id": str(uuid4()),
        **webhook.sign(request, account),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


class Sender(asyncio.Protocol):
    """One client: sends the next request as soon as the last one is answered."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._buffer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def go(self) -> None:
        """Sends the next request, or closes where none is left."""
        request = self._run.take()
        if request is None:
            self._transport.close()
            self._run.leave()
            return
        self._sent_at = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        start = self._buffer.find(b"content-length: ") + 16
        length = int(self._buffer[start : self._buffer.find(b"\r\n", start)])
        if len(self._buffer) < end + 4 + length:
            return
        self._run.answered(self._buffer[9:12].decode(), perf_counter() - self._sent_at)
        self._buffer = b""
        self.go()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._run.answered("lost", perf_counter() - self._sent_at)
            self._run.leave()


class Run:
    """The requests of a run, and how they were answered."""

    def __init__(self, requests: list[bytes], clients: int) -> None:
        self._requests = requests
        self._clients = clients
        self._next = 0
        self.done = asyncio.Event()
        self.seconds: list[float] = []
        self.statuses: Counter[str] = Counter()

    def take(self) -> bytes | None:
        """The next request; None where none is left."""
        if self._next == len(self._requests):
            return None
        self._next += 1
        return self._requests[self._next - 1]

    def answered(self, status: str, seconds: float) -> None:
        """Notes an answer."""
        self.statuses[status] += 1
        self.seconds.append(seconds)

    def leave(self) -> None:
        """Notes that a client has no more to do."""
        self._clients -= 1
        if self._clients == 0:
            self.done.set()


async def send(plan: dict[str, Any]) -> dict[str, Any]:
    """Sends `count` webhooks from `clients` connections and sums up."""
    host, port = plan["host"], plan["port"]
    numbers = range(plan["first"], plan["first"] + plan["count"])
    requests = [
        signed(order(number), host=f"{host}:{port}", path=plan["path"]) for number in numbers
    ]
    run = Run(requests, plan["clients"])
    loop = asyncio.get_running_loop()
    senders = [
        (await loop.create_connection(lambda: Sender(run), host, port))[1]
        for _ in range(plan["clients"])
    ]
    started_at, started = time(), perf_counter()
    for sender in senders:
        sender.go()
    await run.done.wait()
    elapsed = perf_counter() - started
    run.seconds.sort()
    return {
        "clients": plan["clients"],
        "started_at": started_at,
        "requests": len(requests),
        "body_bytes": len(order(plan["first"])),
        "seconds": elapsed,
        "per_second": len(requests) / elapsed,
        "p50_ms": _quantile(run.seconds, 0.5),
        "p99_ms": _quantile(run.seconds, 0.99),
        "max_ms": run.seconds[-1] * 1000,
        "statuses": dict(run.statuses),
    }


def _quantile(seconds: list[float], share: float) -> float:
    return seconds[min(len(seconds) - 1, int(len(seconds) * share))] * 1000


if __name__ == "__main__":
    print(json.dumps(uvloop.run(send(json.loads(sys.argv[1])))))
