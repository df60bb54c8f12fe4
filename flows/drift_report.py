"""What a `reconcile` run leaves in Prefect: its table, and an event where something was missed."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger
from prefect.events import emit_event

from connectors.kit.redact import without_people
from flows.polling import Walked
from flows.report import leave_table, tell_of_trouble
from flows.tables import Row

DRIFT = "loyalty.reconcile.drift"
MOST_ROWS = 200
MOST_KEYS = 20


async def report_walks(walks: Sequence[Walked]) -> None:
    """Leaves the table and the line in the log, and emits drift and refused connections."""
    logger = get_run_logger()
    for one in walks:
        logger.info("%s", line_of(one))
    rows = [row for one in walks for row in rows_of(one)]
    left_out = len(rows) - MOST_ROWS
    text = "; ".join(line_of(one) for one in walks[:10])
    if left_out > 0:
        text += f". {left_out} more lines are not shown"
    await leave_table("reconcile", rows[:MOST_ROWS], f"{text}.")
    for one in walks:
        if one.has_drifted:
            tell_of_drift(one)
        if one.trouble is not None:
            tell_of_trouble(one.trouble)


def line_of(walked: Walked) -> str:
    """One connection in a line: what was read, and what was wrong."""
    counts = walked.counts
    parts = [f"{walked.read} read", f"{walked.new} new"]
    parts += [f"{counts[name]} {name}" for name in ("missed", "differing", "unreadable")]
    text = f"{walked.connection}: {', '.join(parts)}"
    return f"{text}; it did not come to its end: {walked.problem}" if walked.problem else text


def rows_of(walked: Walked) -> list[Row]:
    """The table's rows: the connection's sum, then each thing that somebody may look at."""
    counts = walked.counts
    rows: list[Row] = [
        _row(
            walked,
            "sum",
            f"{walked.read} read, {walked.new} new, {counts['missed']} missed by webhook, "
            f"{counts['differing']} differing ({counts['repaired']} repaired), "
            f"{counts['unreadable']} unreadable",
            walked.problem or "at its end",
        )
    ]
    rows += [_row(walked, "missed", key, "taken in now") for key in walked.missed]
    rows += [
        _row(walked, "differs", one.what, f"here {one.here}, there {one.there}: {one.end}")
        for one in walked.differing
    ]
    rows += [_row(walked, "unreadable", why, "left out") for why in walked.unreadable]
    return rows


def _row(walked: Walked, kind: str, what: str, says: str) -> Row:
    return {
        "connection": walked.connection,
        "kind": kind,
        "what": without_people(what),
        "says": without_people(says),
    }


def tell_of_drift(walked: Walked) -> None:
    """Emits that webhooks missed something, with the connection as resource."""
    emit_event(
        event=DRIFT,
        resource={
            "prefect.resource.id": f"loyalty.connection.{walked.connection.replace('/', '.')}",
            "prefect.resource.name": walked.connection,
        },
        payload={
            "connection": walked.connection,
            "read": walked.read,
            **walked.counts,
            "events": walked.missed[:MOST_KEYS],
            "differences": [one.what for one in walked.differing[:MOST_KEYS]],
        },
    )
