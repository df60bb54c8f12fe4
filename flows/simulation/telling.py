"""A simulation in words: for terminals, for the Prefect UI, and as rows of a table."""

from __future__ import annotations

from typing import Any

from flows.simulation.trial import Simulation

SHOWN = 20
"""How many rules or reasons are named before the rest is only counted."""

Row = dict[str, Any]


def lines(found: Simulation) -> list[str]:
    """What would have been otherwise, in sentences."""
    told = [
        f"From {found.since:%Y-%m-%d %H:%M} until {found.until:%Y-%m-%d %H:%M} UTC, rules "
        f"{found.version}: {found.events:,} events of {found.touched:,} members.",
        f"Points: {found.simulated_points:,} ({found.simulated.added:,} given, "
        f"{found.simulated.removed:,} taken back) instead of {found.actual_points:,}: "
        f"{found.difference:+,}.",
        f"{len(found.members):,} members would see a difference; {found.tiers_changed:,} would "
        "be in another tier.",
        f"Messages to members: {found.simulated.messages:,} instead of {found.actual.messages:,}.",
    ]
    tally = found.tally
    if tally.capped:
        told.append(
            "Caps and limits reached: "
            + _counts(tally.capped)
            + f"; points they withheld: {_counts(tally.withheld)}."
        )
    if found.silent:
        told.append(f"Rules that never fired: {_named(found.silent)}.")
    if tally.errors:
        told.append(f"Failed: {_counts(tally.errors)}.")
    if found.rewards:
        missed = f"; {found.rewards_missed:,} of them could not have been had"
        told.append(
            f"{found.rewards:,} rewards were asked for again under the terms of then"
            + (missed if found.rewards_missed else "")
            + "."
        )
    if found.invitations:
        told.append(f"{found.invitations:,} invitations paid again what they promised.")
    if found.unreadable:
        told.append(f"{found.unreadable:,} events of people who were forgotten were left out.")
    told.append(
        f"{found.replayed:,} events were replayed {found.way}, in {found.seconds:.1f} s. "
        "Nothing was posted."
    )
    return told


def markdown(found: Simulation) -> str:
    """The same as a page."""
    head = f"# {found.difference:+,} points by {found.version}"
    body = "\n".join(f"- {line}" for line in lines(found))
    rules = "\n".join(
        f"| {row['rule']} | {row['fired']:,} | {row['points']:,} |" for row in rule_rows(found)
    )
    table = f"| rule | fired | points |\n|---|---|---|\n{rules}" if rules else ""
    return f"{head}\n\n{body}\n\n{table}"


def rule_rows(found: Simulation) -> list[Row]:
    """Each rule that fired, the most generous first."""
    fired = found.tally.fired
    ranked = sorted(fired, key=lambda rule: (-found.tally.points.get(rule, 0), rule))
    return [
        {"rule": rule, "fired": fired[rule], "points": found.tally.points.get(rule, 0)}
        for rule in ranked
    ]


def member_rows(found: Simulation, limit: int) -> list[Row]:
    """The members with the largest differences."""
    return [
        {
            "member": str(one.member_id),
            "points": f"{one.difference:+,}",
            "booked": one.actual.points,
            "simulated": one.simulated.points,
            "tier": one.actual.tier
            if not one.changes_tier
            else f"{one.actual.tier or 'none'} → {one.simulated.tier or 'none'}",
            "messages": f"{one.simulated.messages - one.actual.messages:+d}",
        }
        for one in found.members[:limit]
    ]


def _counts(counts: dict[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    more = f" and {len(ranked) - SHOWN} more" if len(ranked) > SHOWN else ""
    return ", ".join(f"{name} {count:,} times" for name, count in ranked[:SHOWN]) + more


def _named(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
