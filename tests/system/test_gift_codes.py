"""A file of gift codes at the running hub's console: a worker works it off and names bad rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from loyalty.store import errands, gift_code_uploads
from tests.running_hub import until
from tests.system.console import Console, signed_in
from tests.system.flow_runs import reaches, table
from tests.system.watch import Watch

HOME = "/console/gift-codes"


async def test_an_uploaded_file_is_worked_off_by_a_run_that_names_the_bad_rows(
    watch: Watch,
) -> None:
    mark = uuid4().hex[:6].upper()
    good = [f"{mark}-{number:02}" for number in range(12)]
    rows = [f"{code},30" for code in good] + ["=1+1,30", f"{mark}-X,much", f"{good[0]},99"]
    async with signed_in(watch.hub, "Ines Ops") as console:
        upload_id = await upload(console, f"Parcels {mark}", rows)
        run_id = await run_of(watch, upload_id)
        run = await reaches(watch, run_id, "COMPLETED")
        assert run["parameters"] == {"upload": str(upload_id)}
        report = (await console.get(f"{HOME}/uploads/{upload_id}/report.csv")).text
    bad = await table(watch, run_id, "import-gift-codes-report")
    assert [row["row"] for row in bad] == [14, 15, 16]
    assert [line.partition(",")[0] for line in report.splitlines()[1:]] == ["14", "15", "16"]
    async with watch.books.begin() as connection:
        found = await gift_code_uploads.find(connection, upload_id)
    assert found is not None
    assert (found.state, found.created, found.rejected) == ("done", 12, 3)
    kept = await watch.rows(
        "select c.points from gift_codes c where c.batch_id = :batch", batch=found.batch_id
    )
    assert [row.points for row in kept] == [30] * 12


async def upload(console: Console, name: str, rows: list[str]) -> UUID:
    """Sends the file as the form does; the upload's id."""
    content = "\n".join(["code,points", *rows]).encode()
    answer = await console.post(
        f"{HOME}/upload", {"name": name}, files={"file": ("codes.csv", content, "text/csv")}
    )
    return UUID(answer.headers["location"].rpartition("/")[2])


async def run_of(watch: Watch, upload_id: UUID) -> str:
    """The run that a worker started for the upload."""
    key = f"gift-codes:upload:{upload_id}"

    async def started() -> Any:
        async with watch.books.begin() as connection:
            errand = (await errands.find(connection, [key]))[key]
        assert errand.state != "failed", errand.problem
        return errand.run_id

    return str(await until(started, 15))
