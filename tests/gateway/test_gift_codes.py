"""Gift codes at the console: uploading, making, printing, withdrawing."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from flows.gift_code_import import import_upload
from flows.gift_code_printing import generate
from loyalty.csv_export import safe_cell
from loyalty.gift_code_plans import PrintPlan
from loyalty.programme import Programme
from loyalty.store import errands, rulebook
from tests.gateway.visitor import Visitor

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOME = "/console/gift-codes"


def clock() -> datetime:
    return NOW


async def upload(visitor: Visitor, content: bytes, **fields: str) -> httpx.Response:
    """Sends a file as the page does."""
    return await visitor.post(
        f"{HOME}/upload", fields, files={"file": ("codes.csv", content, "text/csv")}
    )


def table(answer: httpx.Response) -> list[list[str]]:
    """The rows of a CSV that was downloaded."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def save(visitor: Visitor, **settings: object) -> None:
    """Other settings of the programme."""
    async with visitor.running.database.begin() as connection:
        programme = Programme.model_validate(settings)
        await rulebook.save_programme(connection, programme, now=NOW)


async def test_a_file_is_kept_worked_off_and_reported(visitor: Visitor) -> None:
    content = b"code,points\nA-1,100\n=2+3,100\nB-2,x\n"
    answer = await upload(visitor, content, name="Spring", valid_to="2026-04-01")
    assert "worked off" in await visitor.said(answer)
    upload_id = UUID(answer.headers["location"].rpartition("/")[2])
    database = visitor.running.database
    async with database.begin() as connection:
        (errand,) = (await errands.find(connection, [f"gift-codes:upload:{upload_id}"])).values()
    assert errand.deployment == "import-gift-codes"
    found = await import_upload(
        database, UUID(errand.parameters["upload"]), Programme(), clock=clock
    )
    assert (found.created, found.rejected) == (1, 2)
    page = (await visitor.get(f"{HOME}/uploads/{upload_id}")).text
    assert "the code is a formula" in page
    report = table(await visitor.get(f"{HOME}/uploads/{upload_id}/report.csv"))
    assert report == [
        ["row", "code", "problem"],
        ["3", "'=2+3", "the code is a formula: put in its value"],
        ["4", "B-2", "the points are 'x': a whole number above 0 is needed"],
    ]
    listed = (await visitor.get(HOME)).text
    assert "Spring" in listed
    assert "2026-04-01" in listed
    codes = table(await visitor.get(f"{HOME}/batches/{found.batch_id}/codes.csv"))
    assert codes == [["code", "points", "uses", "state"], ["A-1", "100", "0", "active"]]
    rows = await visitor.running.rows("select action, object from audit order by id desc limit 2")
    assert [tuple(row) for row in rows] == [
        ("gift_codes.exported", "Spring"), ("gift_codes.uploaded", str(upload_id)),
    ]  # fmt: skip


async def test_bad_forms_are_told_in_words_and_keep_nothing(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = "select (select count(*) from gift_code_uploads), count(*) from gift_code_batches"
    before = await visitor.running.rows(count)
    nothing = await visitor.post(f"{HOME}/upload", {"name": "x"})
    assert (nothing.status_code, "Choose a file" in nothing.text) == (422, True)
    days = await upload(visitor, b"x", valid_from="2026-04-02", valid_to="2026-04-01")
    assert (days.status_code, "before the first" in days.text) == (422, True)
    odd = await upload(visitor, b"x", max_uses="many")
    assert (odd.status_code, "Max uses" in odd.text) == (422, True)
    monkeypatch.setattr("gateway.console.gift_codes.MAX_BYTES", 10)
    large = await upload(visitor, b"code,points\nA-1,1\n")
    assert (large.status_code, "split it" in large.text) == (422, True)
    guess = await visitor.post(
        f"{HOME}/generate", {"name": "Fair", "count": "1000", "points": "5", "length": "6"}
    )
    assert (guess.status_code, "too easy to guess" in guess.text) == (422, True)
    none = await visitor.post(f"{HOME}/generate", {"name": "Fair", "count": "5", "points": "1.5"})
    assert (none.status_code, "how many points" in none.text) == (422, True)
    assert await visitor.running.rows(count) == before


async def test_codes_are_made_printed_and_withdrawn(visitor: Visitor) -> None:
    fields = {"name": "Fair <b>", "count": "30", "points": "5", "prefix": "fair"}
    answer = await visitor.post(f"{HOME}/generate", fields)
    assert "being made" in await visitor.said(answer)
    address = answer.headers["location"]
    again = await visitor.post(f"{HOME}/generate", fields)
    assert again.headers["location"] == address
    other = await visitor.post(f"{HOME}/generate", fields | {"points": "6"})
    assert (other.status_code, "another name" in other.text) == (422, True)
    database = visitor.running.database
    async with database.begin() as connection:
        key = f"gift-codes:generate:{address.rpartition('/')[2]}"
        (errand,) = (await errands.find(connection, [key])).values()
    asked = {name: value for name, value in errand.parameters.items() if name != "by"}
    made = await generate(database, PrintPlan.model_validate(asked), by="t", clock=clock)
    assert f"{HOME}/batches/{made.batch_id}" == address
    await save(visitor)
    page = (await visitor.get(address)).text
    assert "Fair &lt;b&gt;" in page
    assert "add a site" in page
    assert (await visitor.get(f"{address}/sheet-1.pdf")).status_code == 404
    await save(visitor, gift_codes={"redeem_url": "https://shop.example/club"})
    sheet = await visitor.get(f"{address}/sheet-1.pdf")
    assert sheet.headers["content-type"] == "application/pdf"
    assert sheet.content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", sheet.content)) == 2
    assert (await visitor.get(f"{address}/sheet-2.pdf")).status_code == 404
    unsaid = await visitor.post(f"{address}/void", {"reason": " "})
    assert "Say why" in await visitor.said(unsaid)
    asks = await visitor.post(f"{address}/void", {"reason": "stolen"})
    assert "Withdraw 30 codes?" in asks.text
    done = await visitor.post(f"{address}/void", {"reason": "stolen", "confirmed": "yes"})
    assert await visitor.said(done) == "30 codes are withdrawn."
    unused = table(await visitor.get(f"{address}/codes.csv?unused=yes"))
    assert len(unused) == 1


async def test_the_sample_opens_in_a_spreadsheet(visitor: Visitor) -> None:
    rows = table(await visitor.get(f"{HOME}/sample.csv"))
    assert rows[0] == ["code", "points"]
    assert len(rows) == 3


async def test_what_is_not_there_is_said(visitor: Visitor) -> None:
    nobody = UUID(int=7)
    for path in (f"batches/{nobody}", f"uploads/{nobody}", f"uploads/{nobody}/report.csv",
                 f"batches/{nobody}/codes.csv", f"batches/{nobody}/sheet-1.pdf"):  # fmt: skip
        answer = await visitor.get(f"{HOME}/{path}")
        assert answer.status_code == 404
        assert "There is no such" in answer.text


async def test_pages_of_forms_open(visitor: Visitor) -> None:
    for path in ("upload", "generate"):
        page = await visitor.get(f"{HOME}/{path}")
        assert page.status_code == 200, page.text


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("+4912", "+4912"), ("-5", "-5"), ("-1+2", "'-1+2"),
     ("\tx", "'\tx"), ("\uff1dx", "'\uff1dx"), ("A-1", "A-1"), (None, ""), (7, "7")],
)  # fmt: skip
def test_no_cell_is_calculated(value: object, cell: str) -> None:
    assert safe_cell(value) == cell
