"""`hub gift-codes`: the sample, uploads, codes that are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from deployments.cli.answers import (
    Failure,
    answering,
    counted,
    say,
    show_rows,
    unusable,
    write_json,
)
from deployments.cli.desk import Desk, actor, at_desk
from deployments.cli.gift_code_desk import (
    plan_of,
    programme_of,
    show_progress,
    units_of,
    upload_plain,
    write_file,
)
from flows.gift_code_import import import_upload
from flows.gift_code_printing import Made, generate
from flows.runtime import wall_clock
from loyalty.gift_code_file import BadRow, sample
from loyalty.gift_code_plans import BatchPlan, PrintPlan
from loyalty.gift_codes import normal_form
from loyalty.store import audit, gift_code_batches, gift_code_uploads
from loyalty.store.gift_code_batches import NewCode
from loyalty.store.gift_code_uploads import CHUNK, MAX_BYTES, TooLarge, Upload

SHOWN = 20
MOST_SHOWN = 1_000
"""Bad rows that an answer for machines lists."""


@answering
def run_sample(out: Path) -> int:
    """Writes the sample."""
    write_file(out, sample().encode("utf-8-sig"))
    say(f"Fill in {out}: a row for each code, in place of those that are there.")
    return 0


@answering
def run_upload(file: Path, plan: Mapping[str, Any], *, as_json: bool) -> int:
    """Uploads a file and works it off here; 1 where rows were bad, 2 where the file was."""
    wanted = plan_of(BatchPlan, plan)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise unusable(f"{file} is larger than {MAX_BYTES // 1_000_000} MB", "split it")
        file.open("rb").close()
    except OSError as error:
        raise unusable(f"{file} cannot be read", error.strerror or "") from None

    async def work(desk: Desk) -> tuple[Upload, list[BadRow]]:
        upload_id = await _keep(desk, file, wanted)
        programme = await programme_of(desk)
        told = None if as_json else _upload_told
        upload = await import_upload(
            desk.database, upload_id, programme, clock=wall_clock, told=told
        )
        async with desk.database.begin() as connection:
            bad = await gift_code_uploads.problems(connection, upload_id, limit=MOST_SHOWN)
        return upload, bad

    upload, bad = at_desk(work)
    if as_json:
        write_json(upload_plain(upload) | {"problems": [asdict(one) for one in bad]})
    else:
        _show_upload(upload, bad)
    if upload.problem:
        return 2
    return 1 if upload.rejected else 0


async def _keep(desk: Desk, file: Path, plan: BatchPlan) -> UUID:
    async with desk.database.begin() as connection:
        upload_id = await gift_code_uploads.begin(
            connection, file.name, plan, by=actor(), now=desk.now
        )
    number = 0
    with file.open("rb") as content:
        while piece := content.read(CHUNK):
            async with desk.database.begin() as connection:
                try:
                    await gift_code_uploads.append(connection, upload_id, number, piece)
                except TooLarge as error:
                    raise unusable(str(error)) from None
            number += 1
    async with desk.database.begin() as connection:
        await gift_code_uploads.complete(connection, upload_id)
        await audit.note(
            connection,
            actor=actor(),
            action="gift_codes.uploaded",
            subject=str(upload_id),
            now=desk.now,
            detail={"name": file.name},
        )
    return upload_id


async def _upload_told(upload: Upload) -> None:
    show_progress(
        f"{upload.percent:5.1f} %  {upload.created:,} codes, {upload.rejected:,} bad rows"
    )


def _show_upload(upload: Upload, bad: Sequence[BadRow]) -> None:
    if upload.problem:
        say(f"Nothing was taken from {upload.name}: {upload.problem}.")
        return
    say(
        f"{counted(upload.created, 'new code')} from {upload.name} ({upload.format}); "
        f"{counted(upload.rejected, 'row')} could not be used."
    )
    if bad:
        show_rows(
            ("row", "code", "what is wrong"),
            [(one.row, one.code, one.problem) for one in bad[:SHOWN]],
        )
    if upload.rejected > SHOWN:
        say(f"These are the first {SHOWN}; the console has the whole report.")


@answering
def run_generate(plan: Mapping[str, Any], *, points: str, as_json: bool) -> int:
    """Makes codes here; the same again goes on with the same batch."""

    async def work(desk: Desk) -> Made:
        programme = await programme_of(desk)
        wanted = plan_of(PrintPlan, {**plan, "points": units_of(points, programme)})
        told = None if as_json else _made_told
        try:
            return await generate(desk.database, wanted, by=actor(), clock=wall_clock, told=told)
        except ValueError as error:
            raise unusable(str(error)) from None

    made = at_desk(work)
    if as_json:
        write_json(asdict(made))
    else:
        say(f"{counted(made.made, 'code')} made; `hub gift-codes export` lists and prints them.")
    return 0


async def _made_told(made: Made) -> None:
    show_progress(f"{made.percent:5.1f} %  {made.made:,} of {made.wanted:,} codes")


@answering
def run_create(code: str, plan: Mapping[str, Any], *, points: str, as_json: bool) -> int:
    """Makes one code."""
    normal = normal_form(code)
    if not normal:
        raise unusable(f"{code!r} cannot be a code", "take 2 to 40 letters A to Z and digits")
    wanted = plan_of(BatchPlan, plan)

    async def work(desk: Desk) -> UUID:
        units = units_of(points, await programme_of(desk))
        async with desk.database.begin() as connection:
            batch_id = await gift_code_batches.create(
                connection, wanted, origin="typed", by=actor(), now=desk.now
            )
            new = NewCode(normal, code.strip(), units)
            if not await gift_code_batches.add(connection, batch_id, [new]):
                raise Failure(f"the code {code} was there before", "choose another one")
        return batch_id

    batch_id = at_desk(work)
    if as_json:
        write_json({"batch_id": str(batch_id), "code": normal})
    else:
        say(f"{code} can be used.")
    return 0
