"""Gift codes: files that are uploaded, single codes, and what members type in."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from deployments.scenario.acts.family import Family
from deployments.scenario.happening import Happening
from deployments.scenario.parts import Name, Points
from deployments.scenario.steps_base import Reported
from deployments.scenario.translate import units
from flows.gift_code_import import import_upload
from loyalty.events import Event, EventType
from loyalty.gift_code_plans import BatchPlan
from loyalty.gift_codes import normal_form
from loyalty.store import gift_code_batches, gift_code_uploads
from loyalty.store.gift_code_batches import NewCode

if TYPE_CHECKING:
    from deployments.scenario.world import World

BY = "scenario"


class Upload(Reported):
    """A file of codes is uploaded and worked off."""

    do: Literal["gift_code.upload"]
    csv: str = Field(description="The content of the file.")


class Create(Reported):
    """Somebody of the team makes one code, such as the one on a poster."""

    do: Literal["gift_code.create"]
    code: Name
    points: Points = Field(gt=0)
    max_uses: int = Field(1, ge=1)
    per_member: int = Field(1, ge=1)
    valid_from: date | None = None
    valid_to: date | None = None


class Redeem(Reported):
    """A member types a code in."""

    do: Literal["gift_code.redeem"]
    code: Name
    member: Name


async def play(world: World, step: Any, at: datetime) -> Happening:
    """Hands the step to the engine."""
    match step:
        case Upload():
            return await _upload(world, step)
        case Create():
            return await _create(world, step)
    return await world.take(_typed(step, at), delivery_id=step.delivery)


async def _upload(world: World, step: Upload) -> Happening:
    now = world.engine.now
    content = step.csv.encode("utf-8")
    async with world.database.begin() as connection:
        plan = BatchPlan(name=f"upload of {now:%Y-%m-%d}")
        upload_id = await gift_code_uploads.begin(connection, "codes.csv", plan, by=BY, now=now)
        await gift_code_uploads.append(connection, upload_id, 0, content)
        await gift_code_uploads.complete(connection, upload_id)
    programme = world.engine.in_force.programme
    upload = await import_upload(world.database, upload_id, programme, clock=lambda: now)
    async with world.database.begin() as connection:
        bad = await gift_code_uploads.problems(connection, upload_id)
    return Happening(
        "applied" if upload.state == "done" else "rejected",
        reason=upload.problem,
        values={"created": upload.created, "rejected_rows": [one.row for one in bad]},
    )


async def _create(world: World, step: Create) -> Happening:
    plan = BatchPlan(
        name=step.code,
        max_uses=step.max_uses,
        per_member=step.per_member,
        valid_from=step.valid_from,
        valid_to=step.valid_to,
    )
    points = units(step.points, world.settings.unit_scale)
    code = NewCode(normal_form(step.code), step.code, points)
    async with world.database.begin() as connection:
        batch_id = await gift_code_batches.create(
            connection, plan, origin="typed", by=BY, now=world.engine.now
        )
        new = await gift_code_batches.add(connection, batch_id, [code])
    return Happening("applied" if new else "duplicate")


def _typed(step: Redeem, at: datetime) -> Event:
    request = f"{step.member}:{step.code}:{at.isoformat()}"
    data = {"id": request, "code": step.code, "customer": {"card": step.member}}
    return Event.model_validate(
        {
            "type": EventType.GIFT_CODE_REDEEMED,
            "store": f"shop/{step.store}",
            "key": request,
            "time": at,
            "subject": f"card:{step.member}",
            "data": data,
        }
    )


FAMILY = Family((Upload, Create, Redeem), play, answers=("created", "rejected_rows"))
