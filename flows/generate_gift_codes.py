"""The flow `generate-gift-codes`: makes codes to print."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from prefect import flow, get_run_logger
from pydantic import Field

from flows.gift_code_printing import Made, generate
from flows.progress_bar import ProgressBar
from flows.runtime import runtime
from loyalty.gift_code_plans import MOST_CODES, PrintPlan

Name = Annotated[str, Field(min_length=1, max_length=100)]
Codes = Annotated[int, Field(ge=1, le=MOST_CODES)]
Points = Annotated[int, Field(ge=1, le=1_000_000_000)]
Prefix = Annotated[str, Field(max_length=16)]
Length = Annotated[int, Field(ge=6, le=20)]
Times = Annotated[int, Field(ge=1, le=1_000_000_000)]
By = Annotated[str, Field(max_length=100)]


@flow(name="generate-gift-codes", persist_result=False)
async def generate_gift_codes(  # noqa: PLR0913 - Prefect makes the form of the signature
    name: Name,
    count: Codes,
    points: Points,
    prefix: Prefix = "",
    length: Length = 12,
    valid_from: date | None = None,
    valid_to: date | None = None,
    max_uses: Times = 1,
    per_member: Times = 1,
    batch_uses: Times | None = None,
    batch_per_member: Times | None = None,
    by: By = "prefect",
) -> None:
    """Makes codes to print, without 0, O, 1 and I, the last character a check on the others.

    The same form sent again goes on with the same batch and makes no code twice. Print sheets and
    lists are in the console and in `hub gift-codes export`.

    Args:
        name: The batch's name, which no other has.
        count: How many codes.
        points: What one is worth, in the smallest unit of the programme's points.
        prefix: What every code begins with, such as FAIR; may be empty.
        length: Characters behind the prefix.
        valid_from: The first day, in the programme's zone; empty for at once.
        valid_to: The last day, to its end; empty for ever.
        max_uses: How often one code may be used in all.
        per_member: How often one member may use the same code.
        batch_uses: How often all codes of the batch together; empty for no limit.
        batch_per_member: How many of the codes one member may use; empty for no limit.
        by: Who asks for them.
    """
    plan = PrintPlan(
        name=name,
        count=count,
        points=points,
        prefix=prefix,
        length=length,
        valid_from=valid_from,
        valid_to=valid_to,
        max_uses=max_uses,
        per_member=per_member,
        batch_uses=batch_uses,
        batch_per_member=batch_per_member,
    )
    bar = ProgressBar("generate-gift-codes")

    async def told(made: Made) -> None:
        await bar.show(made.percent, f"{name}: {made.made:,} of {made.wanted:,} codes")

    async with runtime() as hub:
        made = await generate(hub.database, plan, by=by, clock=hub.clock, told=told)
    get_run_logger().info("%s: %d codes", name, made.made)
