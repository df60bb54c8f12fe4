"""Files are imported and codes are printed whole, however often they are stopped."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from flows import gift_code_import, gift_code_printing
from flows.gift_code_import import UnknownUpload, import_upload
from flows.gift_code_printing import Made, generate
from loyalty.gift_code_file import sample
from loyalty.gift_code_plans import BatchPlan, PrintPlan
from loyalty.gift_codes import check_character
from loyalty.programme import Programme
from loyalty.store import gift_code_batches, gift_code_uploads
from loyalty.store.gift_code_uploads import TooLarge, Upload
from loyalty.store.ids import new_id
from tests.flows.booking.desk import NOON, Desk, signed_up
from tests.flows.gift_codes.counter import made, typed, uploaded

ROWS = 250


def clock() -> datetime:
    return NOON


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few rows, so that there are many moments to be killed at."""
    monkeypatch.setattr(gift_code_import, "BLOCK", 20)
    monkeypatch.setattr(gift_code_printing, "BLOCK", 20)


def parcels(rows: int = ROWS) -> str:
    """A file whose every tenth row is bad and every twenty-fifth the same as the first."""
    lines = ["code,points"]
    for n in range(2, rows + 2):
        code = "PARCEL-2" if n % 25 == 0 else f"PARCEL-{n}"
        lines.append(f"{code},{'none' if n % 10 == 0 else 100}")
    return "\n".join(lines) + "\n"


async def problems(desk: Desk, upload: Upload) -> dict[int, str]:
    """The report, by row."""
    async with desk.database.begin() as connection:
        found = await gift_code_uploads.problems(connection, upload.id)
    return {one.row: one.problem for one in found}


async def check_parcels(desk: Desk, upload: Upload) -> None:
    """Everything of the file is there, once."""
    bad = {n for n in range(2, ROWS + 2) if n % 10 == 0}
    same = {n for n in range(2, ROWS + 2) if n % 25 == 0} - bad
    assert (upload.state, upload.created) == ("done", ROWS - len(bad) - len(same))
    assert upload.rejected == len(bad) + len(same)
    told = await problems(desk, upload)
    assert set(told) == bad | same
    assert {told[n] for n in same} == {"the same code is in row 2"}
    (row,) = await desk.rows("select count(*) as n, count(distinct code) as codes from gift_codes")
    assert row.n == row.codes == upload.created
    for table in ("gift_code_batches", "gift_code_uploads"):
        (row,) = await desk.rows(f"select count(*) as n from {table}")
        assert row.n == 1
    assert await desk.rows("select 1 from gift_code_upload_chunks") == []


async def test_a_file_in_pieces_is_read_as_one(desk: Desk, small_blocks: None) -> None:
    upload_id = await uploaded(desk, parcels().encode("utf-16"), piece=777)
    told: list[float] = []

    async def note(upload: Upload) -> None:
        told.append(upload.percent)

    upload = await import_upload(desk.database, upload_id, Programme(), clock=clock, told=note)
    await check_parcels(desk, upload)
    assert len(told) > 5
    assert told == sorted(told)
    assert upload.format == "utf-16, comma"
    assert upload.percent == 100


async def test_an_import_that_is_killed_again_and_again_goes_on_where_it_was(
    desk: Desk, small_blocks: None
) -> None:
    upload_id = await uploaded(desk, parcels())
    kills = 0

    async def die(upload: Upload) -> None:
        nonlocal kills
        if upload.rows_read > 40 * (kills + 1):
            kills += 1
            raise asyncio.CancelledError

    while True:
        try:
            upload = await import_upload(
                desk.database, upload_id, Programme(), clock=clock, told=die
            )
            break
        except asyncio.CancelledError:
            async with desk.database.begin() as connection:
                assert upload_id in await gift_code_uploads.unfinished(connection)
    assert kills >= 5
    await check_parcels(desk, upload)


async def test_two_that_import_one_file_at_once_keep_each_row_once(
    desk: Desk, small_blocks: None
) -> None:
    upload_id = await uploaded(desk, parcels())
    found = await asyncio.gather(
        *(import_upload(desk.database, upload_id, Programme(), clock=clock) for _ in range(3))
    )
    for upload in found:
        await check_parcels(desk, upload)


async def test_two_files_with_the_same_codes_at_once_make_each_once(
    desk: Desk, small_blocks: None
) -> None:
    forth = [f"SAME-{n},1" for n in range(200)]
    first = await uploaded(desk, "\n".join(["code,points", *forth]))
    second = await uploaded(desk, "\n".join(["code,points", *reversed(forth)]))
    ends = await asyncio.gather(
        *(import_upload(desk.database, one, Programme(), clock=clock) for one in (first, second))
    )
    assert sum(one.created for one in ends) == 200
    assert sum(one.rejected for one in ends) == 200
    (row,) = await desk.rows("select count(*) as n from gift_codes")
    assert row.n == 200
    names = await desk.rows("select name from gift_code_batches order by name")
    assert [row.name for row in names] == ["Parcels", "Parcels (2)"]


async def test_a_second_upload_never_rearms_a_code(desk: Desk) -> None:
    await desk.take(signed_up())
    batch_id = await made(desk, "USED-1", "VOID-1", "FREE-1")
    await desk.take(typed("USED-1"))
    async with desk.database.begin() as connection:
        batch = await gift_code_batches.find(connection, str(batch_id))
        assert batch is not None
        await gift_code_batches.void_unused(connection, batch, by="o", reason="", now=NOON)
    upload_id = await uploaded(desk, "code,points\nused 1,999\nvoid 1,999\nfree 1,999\nnew 1,5\n")
    upload = await import_upload(desk.database, upload_id, Programme(), clock=clock)
    assert upload.created == 1
    assert set(await problems(desk, upload)) == {2, 3, 4}
    await desk.take(typed("USED-1", "again"), typed("VOID-1"))
    assert await desk.points() == 100


async def test_a_file_that_is_no_file_of_codes_is_refused_whole_and_makes_no_batch(
    desk: Desk,
) -> None:
    upload_id = await uploaded(desk, "name,points\nx,1\n")
    for _ in range(2):
        upload = await import_upload(desk.database, upload_id, Programme(), clock=clock)
        assert upload.state == "refused"
        assert "expected two columns" in upload.problem
    assert await desk.rows("select 1 from gift_code_batches") == []


async def test_the_sample_is_refused_by_the_programmes_own_default(desk: Desk) -> None:
    upload_id = await uploaded(desk, sample())
    upload = await import_upload(desk.database, upload_id, Programme(), clock=clock)
    assert (upload.created, upload.rejected) == (0, 2)


async def test_what_has_not_arrived_whole_is_not_worked_off(desk: Desk) -> None:
    now = NOON
    async with desk.database.begin() as connection:
        plan = BatchPlan(name="x")
        upload_id = await gift_code_uploads.begin(connection, "x", plan, by="t", now=now)
        for _ in range(2):
            await gift_code_uploads.append(connection, upload_id, 1, b"A-1,1\n")
    with pytest.raises(UnknownUpload, match="not arrived as a whole"):
        await import_upload(desk.database, upload_id, Programme(), clock=clock)
    with pytest.raises(UnknownUpload, match="no upload"):
        await import_upload(desk.database, new_id(now), Programme(), clock=clock)
    async with desk.database.begin() as connection:
        await gift_code_uploads.complete(connection, upload_id)
    upload = await import_upload(desk.database, upload_id, Programme(), clock=clock)
    assert (upload.state, upload.size) == ("refused", 6)
    assert "as a whole" in upload.problem


async def test_a_file_larger_than_can_be_taken_is_refused_while_it_arrives(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gift_code_uploads, "MAX_BYTES", 10)
    with pytest.raises(TooLarge, match="split it"):
        await uploaded(desk, "code,points\nA-1,1\n", piece=8)


async def test_a_report_keeps_so_many_rows_and_counts_all(
    desk: Desk, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gift_code_uploads, "MOST_PROBLEMS", 30)
    upload_id = await uploaded(desk, "code,points\n" + "=1+1,1\n" * 75)
    upload = await import_upload(desk.database, upload_id, Programme(), clock=clock)
    assert upload.rejected == 75
    assert sorted(await problems(desk, upload)) == list(range(2, 32))


# --- printing

PLAN = PrintPlan(name="Fair", count=130, points=50, prefix="fair")


async def test_a_print_job_that_is_killed_goes_on_and_makes_no_more_than_was_wanted(
    desk: Desk, small_blocks: None
) -> None:
    async def die(made_so_far: Made) -> None:
        if made_so_far.made == 60:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await generate(desk.database, PLAN, by="t", clock=clock, told=die)
    ends = await asyncio.gather(
        *(generate(desk.database, PLAN, by="t", clock=clock) for _ in range(3))
    )
    assert {one.made for one in ends} == {130}
    rows = await desk.rows("select code, shown from gift_codes")
    assert len(rows) == 130
    for row in rows:
        assert row.code == row.shown.replace("-", "")
        assert not set("01IO") & set(row.code.removeprefix("FAIR"))
        body = row.code.removeprefix("FAIR")
        assert check_character(body[:-1]) == body[-1]
    (batch,) = await desk.rows("select codes, wanted from gift_code_batches")
    assert tuple(batch) == (130, 130)


async def test_a_name_stands_for_one_print_job(desk: Desk) -> None:
    await generate(desk.database, PLAN, by="t", clock=clock)
    other = PLAN.model_copy(update={"points": 51})
    with pytest.raises(ValueError, match="choose another name"):
        await generate(desk.database, other, by="t", clock=clock)


async def test_a_printed_code_is_worth_its_points_and_is_counted_in_its_batch(desk: Desk) -> None:
    await desk.take(signed_up())
    await generate(desk.database, PLAN, by="t", clock=clock)
    (row, *_) = await desk.rows("select shown from gift_codes order by id")
    await desk.take(typed(row.shown.lower().replace("-", " ")))
    assert await desk.points() == 50
    async with desk.database.begin() as connection:
        (batch,) = await gift_code_batches.listing(connection)
        codes = [one async for one in gift_code_batches.all_codes(connection, batch.id)]
        unused = [
            one async for one in gift_code_batches.all_codes(connection, batch.id, only_unused=True)
        ]
    assert (batch.codes, batch.unused, batch.uses, batch.points_given) == (130, 129, 1, 50)
    assert (len(codes), len(unused)) == (130, 129)
