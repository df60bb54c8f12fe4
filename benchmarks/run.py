"""All benchmarks, one after the other: `make bench`. See docs/performance.md for how to read them.

Shared machines are noisy: compare figures of one run, and run again before believing one.
"""

from __future__ import annotations

import subprocess
import sys

STEPS = {
    "deciding: ten rules on a 5 KB order": ["benchmarks.rules_decide"],
    "accepting: signed webhooks, durable": ["benchmarks.accept"],
    "fanning out: idle latency and a burst": ["benchmarks.fanout"],
    "posting: orders decided, booked and planned": ["benchmarks.posting"],
    "balances: a member with a long history": ["benchmarks.balance"],
    "texts: filling in mails and text messages": ["benchmarks.texts"],
    "the gate: messages planned, and asked again": ["benchmarks.gate"],
    "scenarios: cases a second": ["benchmarks.scenarios"],
    "gift codes: a million imported, killed twice": ["benchmarks.gift_codes"],
    "the widget: from the click to a panel that works": ["benchmarks.widget"],
    "batching: calls and time for 1,000 deliveries": ["benchmarks.batching"],
    "importing: the customers of a shop at its own pace": ["benchmarks.import_customers"],
    "simulating: 20 rules on stored events": ["benchmarks.simulate"],
}


def main() -> int:
    """Runs each step in a process of its own; the number of those that failed."""
    failed = 0
    for title, module in STEPS.items():
        print(f"\n== {title} (python -m {module[0]})", flush=True)
        done = subprocess.run([sys.executable, "-W", "ignore", "-m", *module], check=False)
        failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
