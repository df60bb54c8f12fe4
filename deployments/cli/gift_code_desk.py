"""What the commands about gift codes share."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from deployments.cli.answers import Failure, unusable
from deployments.cli.desk import Desk
from loyalty.gift_code_plans import BatchPlan
from loyalty.programme import Programme
from loyalty.store import gift_code_batches, rulebook
from loyalty.store.gift_code_batches import Batch
from loyalty.store.gift_code_uploads import Upload

P = TypeVar("P", bound=BatchPlan)

MOST_POINTS = 1_000_000_000


async def programme_of(desk: Desk) -> Programme:
    """The programme in force."""
    async with desk.database.begin() as connection:
        return await rulebook.programme(connection)


async def batch_named(desk: Desk, name: str) -> Batch:
    """A batch by its name or id; Failure where there is none."""
    async with desk.database.begin() as connection:
        found = await gift_code_batches.find(connection, name)
    if found is None:
        raise Failure(f"there is no batch {name!r}", "`hub gift-codes status` lists them")
    return found


def plan_of(model: type[P], given: Mapping[str, Any]) -> P:
    """What is asked for, checked; Failure says what cannot be."""
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = f"{first['loc'][0]}: " if first["loc"] else ""
        raise unusable(place + first["msg"].removeprefix("Value error, ")) from None


def units_of(points: str, programme: Programme) -> int:
    """Points as people write them, in the smallest unit."""
    try:
        units = Decimal(points).scaleb(programme.unit_scale)
        is_right = units == units.to_integral_value() and 0 < units <= MOST_POINTS
    except InvalidOperation:
        is_right = False
    if not is_right:
        raise unusable(f"{points!r} is no number of points", "write one above 0, such as 100")
    return int(units)


def points_shown(points: int, scale: int) -> str:
    """A number of the books as people write points."""
    return f"{Decimal(points).scaleb(-scale):f}"


def upload_plain(upload: Upload) -> dict[str, Any]:
    """An upload as JSON can hold it."""
    return (
        asdict(upload) | {"plan": upload.plan.model_dump(mode="json")} | {"percent": upload.percent}
    )


def write_file(path: Path, content: bytes) -> None:
    """Writes a file; Failure where it cannot be."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise unusable(f"{path} cannot be written", error.strerror or "") from None


def show_progress(line: str) -> None:
    """One line that is written over where people look on."""
    if sys.stderr.isatty():
        width = os.get_terminal_size(sys.stderr.fileno()).columns
        print(f"\r{line[: width - 1]:<{width - 1}}", end="", file=sys.stderr, flush=True)
