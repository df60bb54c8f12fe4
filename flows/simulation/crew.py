"""Processes that each take a part of the members. They load no Prefect, so they start at once."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from flows.simulation.trial import Order, Part
from loyalty.store.database import dumps


class PartFailed(Exception):
    """A process of a simulation ended badly; its last words are in the text."""


async def work_off(orders: Sequence[Order], database_url: str) -> list[Part]:
    """Does each order in a process of its own, all at once."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_process(order, database_url)) for order in orders]
    return [task.result() for task in tasks]


async def _process(order: Order, database_url: str) -> Part:
    # The address goes through the pipe: an argument could be read by everybody on the machine.
    sent = order.model_dump(mode="json") | {"database_url": database_url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "flows.simulation.part",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        said, complained = await process.communicate(dumps(sent).encode())
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        last = complained.decode(errors="replace").strip().splitlines()[-1:]
        raise PartFailed(f"a process of the simulation ended with {process.returncode}: {last}")
    return Part.model_validate_json(said)


def cores() -> int:
    """How many processes can work at once here."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
