"""The workload "loyalty order fan-out": idle latency and a burst, three calls for each order.

`python -m benchmarks.fanout [--burst 10000] [--idle 60] [--json]`. Load, sink and hub share
the machine. A completed event has had its third call at the sink.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any

import httpx

from benchmarks.senders import order, signed
from benchmarks.stack import PARTNERS, Stack, running

HOOK = "/hooks/shopify/main"


def idle(stack: Stack, count: int) -> dict[str, Any]:
    """Single orders with pauses: from POST to acknowledgement, and to the third call."""
    host = f"127.0.0.1:{stack.settings.port}"
    acks, lasts = [], []
    stack.forget()
    with httpx.Client(timeout=30) as client:
        for number in range(count):
            raw = signed(order(1_000 + number), host=host, path=HOOK)
            head, _, body = raw.partition(b"\r\n\r\n")
            headers = dict(
                line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line
            )
            started = time.time()
            reply = client.post(f"http://{host}{HOOK}", content=body, headers=headers)
            acks.append(time.time() - started)
            assert reply.status_code == 202, reply.text
            lasts.append(_third_call(stack, (number + 1) * len(PARTNERS)) - started)
            time.sleep(1.3)
    return {
        "orders": count,
        "ack_p50_ms": _quantile(acks, 0.5),
        "ack_p99_ms": _quantile(acks, 0.99),
        "third_call_p50_ms": _quantile(lasts, 0.5),
        "third_call_p90_ms": _quantile(lasts, 0.9),
        "third_call_p99_ms": _quantile(lasts, 0.99),
    }


def _third_call(stack: Stack, wanted: int) -> float:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = stack.seen()
        if len(found) >= wanted:
            return found[wanted - 1][0]
        time.sleep(0.02)
    raise TimeoutError(f"{len(found)} of {wanted} calls came")


def burst(stack: Stack, count: int) -> dict[str, Any]:
    """Many orders at once, from 32 clients: first POST to last call."""
    stack.forget()
    before = stack.cpu_seconds()
    plan = {
        "host": "127.0.0.1",
        "port": stack.settings.port,
        "path": HOOK,
        "clients": 32,
        "count": count,
        "first": 100_000,
    }
    sender = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.senders", json.dumps(plan)], stdout=subprocess.PIPE
    )
    peak: dict[str, float] = {}
    wanted = count * len(PARTNERS)
    end = time.monotonic() + max(120, count / 20)
    while time.monotonic() < end:
        memory = stack.memory_mb()
        if sum(memory.values()) > sum(peak.values()):
            peak = memory
        found = stack.seen()
        if len(found) >= wanted and sender.poll() is not None:
            break
        time.sleep(1.0)
    sent = json.loads(sender.communicate()[0])
    time.sleep(2)
    after = stack.cpu_seconds()
    used = {name: after[name] - before.get(name, 0) for name in after}
    last = max(at for at, _, _ in found)
    keys = [(path, event) for _, path, event in found]
    started = sent["started_at"]
    return {
        "orders": count,
        "accepted_per_second": sent["per_second"],
        "ack_p50_ms": sent["p50_ms"],
        "ack_p99_ms": sent["p99_ms"],
        "statuses": sent["statuses"],
        "seconds": last - started,
        "events_per_second": count / (last - started),
        "calls": len(found),
        "calls_doubled": len(keys) - len(set(keys)),
        "cpu_ms_per_event": {name: s * 1000 / count for name, s in used.items()},
        "cpu_ms_per_event_all": sum(used.values()) * 1000 / count,
        "memory_mb": peak,
        "memory_mb_all": sum(peak.values()),
    }


def _quantile(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--burst", type=int, default=10_000)
    parser.add_argument("--idle", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with running() as stack:
        figures: dict[str, Any] = {"memory_mb_at_rest": sum(stack.memory_mb().values())}
        if options.idle:
            figures["idle"] = idle(stack, options.idle)
        if options.burst:
            figures["burst"] = burst(stack, options.burst)
    print(json.dumps(figures, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
