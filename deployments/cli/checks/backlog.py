"""What did not go through: deliveries and events that wait for somebody, requests kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from connectors.kit.redact import without_people
from deployments.cli.answers import counted, moment
from deployments.cli.checks.finding import Finding, note, ok, problem
from deployments.cli.checks.store import Snapshot
from loyalty.store.tallies import Tally

RECENT = timedelta(days=1)
"""A request that could not be read is news for so long; later it is history."""

_TO_DO: dict[str, Callable[[str], str]] = {
    "dead": lambda route: (
        f"see why with `hub deliveries --state dead{_only(route)}`, mend it, then "
        f"`hub replay --dead{_only(route)}`"
    ),
    "unknown": lambda route: (
        f"look at the vendor for each of `hub deliveries --state unknown{_only(route)}`, then "
        "`hub deliveries resolve ID --sent` or `--resend`"
    ),
    "held": lambda route: "make its connection ready: they go by themselves then",
}


def check_deliveries(snapshot: Snapshot) -> list[Finding]:
    """Dead, unknown and held deliveries, by connection."""
    findings = [_trouble(one) for one in snapshot.tally if one.state in _TO_DO]
    if findings:
        return findings
    counts = dict.fromkeys(("sent", "pending", "parked"), 0)
    for one in snapshot.tally:
        if one.state in counts:
            counts[one.state] += one.count
    says = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return [ok("deliveries", says or "none yet")]


def _trouble(one: Tally) -> Finding:
    where = one.route or f"no connection ({one.capability})"
    says = f"{counted(one.count, 'delivery', 'deliveries')} through {where}"
    if one.reason:
        says += f", such as: {without_people(one.reason)}"
    return problem(f"{one.state} deliveries", says, _TO_DO[one.state](one.route))


def _only(route: str) -> str:
    return f" --connection {route}" if route else ""


def check_events(snapshot: Snapshot) -> list[Finding]:
    """Failed events; parked ones are no trouble, they wait for what has to come first."""
    counts = snapshot.events
    findings = []
    if counts.get("failed"):
        says = f"{counted(counts['failed'], 'event')} failed"
        to_do = "see why with `hub events --state failed`, mend it, then `hub replay --failed`"
        findings.append(problem("events", says, to_do))
    else:
        says = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        findings.append(ok("events", says or "none yet"))
    if counts.get("parked"):
        says = f"{counted(counts['parked'], 'event')} until what they need is there"
        findings.append(note("parked events", says, "`hub events --state parked` lists them"))
    return findings


def check_rejects(snapshot: Snapshot) -> list[Finding]:
    """Genuine requests that could not be read: a vendor's change, or a mistake of ours."""
    findings = []
    for one in snapshot.kept:
        says = (
            f"{counted(one.count, 'request')} of {one.slug} could not be read, the latest at "
            f"{moment(one.latest_at)}: {without_people(one.latest_problem)}"
        )
        is_recent = snapshot.now - one.latest_at < RECENT
        to_do = "they are kept in the table `rejects`; `hub verify-webhook` shows how one is read"
        findings.append((problem if is_recent else note)("kept requests", says, to_do))
    return findings or [ok("kept requests", "every genuine request could be read")]
