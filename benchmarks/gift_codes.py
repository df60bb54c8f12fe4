"""A million gift codes: imported, printed and used, on a real PostgreSQL.

The import runs in a process of its own, whose memory is watched; it is killed (SIGKILL) twice on
the way and goes on. Run: python -m benchmarks.gift_codes [rows]
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from uuid import UUID

import psutil

from flows.gift_code_import import import_upload
from flows.gift_code_printing import generate
from loyalty.gift_code_plans import BatchPlan, PrintPlan
from loyalty.programme import Programme
from loyalty.store import gift_code_batches, gift_code_uploads, gift_codes
from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres
from loyalty.store.gift_code_uploads import Upload
from loyalty.store.migrate import migrate

ROWS, PRINTED, LOOKUPS = 1_000_000, 100_000, 500
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def clock() -> datetime:
    """The instant of the benchmark."""
    return NOW


def main(rows: int) -> None:
    """Starts a PostgreSQL of its own and prints the figures."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as home:
        server = EmbeddedPostgres(Path(home))
        server.start()
        try:
            server.create_databases()
            server.psql("create database codes;")
            asyncio.run(measure(server.url("codes"), rows))
        finally:
            server.stop()


async def measure(url: str, rows: int) -> None:
    """Imports, prints, looks up."""
    database = Database(url)
    await migrate(database)
    started = perf_counter()
    upload_id, size = await _upload(database, rows)
    print(f"{rows:,} rows, {size / 1e6:.1f} MB: received in {perf_counter() - started:.1f} s")
    await _import(database, url, upload_id, rows)
    started = perf_counter()
    plan = PrintPlan(name="Fair", count=PRINTED, points=50)
    await generate(database, plan, by="bench", clock=clock)
    took = perf_counter() - started
    print(f"{PRINTED:,} codes printed in {took:.1f} s, {PRINTED / took:,.0f} a second")
    await _look_up(database)
    await database.aclose()


def _pieces(rows: int) -> Iterator[bytes]:
    """A file of a spreadsheet's kind; every thousandth row is bad, every thousandth is double."""
    yield b"code,points\r\n"
    for start in range(0, rows, 50_000):
        yield b"".join(_row(n) for n in range(start, min(start + 50_000, rows)))


def _row(n: int) -> bytes:
    worth = b"none" if n % 1000 == 7 else b"100"
    return b"PARCEL-%07d,%b\r\n" % (n - 1 if n % 1000 == 9 else n, worth)


async def _upload(database: Database, rows: int) -> tuple[UUID, int]:
    size = 0
    async with database.begin() as connection:
        plan = BatchPlan(name="Parcels")
        upload_id = await gift_code_uploads.begin(connection, "p.csv", plan, by="bench", now=NOW)
    for number, piece in enumerate(_pieces(rows)):
        async with database.begin() as connection:
            await gift_code_uploads.append(connection, upload_id, number, piece)
        size += len(piece)
    async with database.begin() as connection:
        await gift_code_uploads.complete(connection, upload_id)
    return upload_id, size


async def _import(database: Database, url: str, upload_id: UUID, rows: int) -> None:
    peak, kills, seconds = 0.0, 0, 0.0
    while True:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.gift_codes", "import", url]
        started = perf_counter()
        process = subprocess.Popen([*command, str(upload_id)])
        marks = [rows // 3, rows * 2 // 3]
        while process.poll() is None:
            await asyncio.sleep(0.2)
            peak = max(peak, _memory_mb(process.pid))
            upload = await _state(database, upload_id)
            if kills < len(marks) and upload.rows_read > marks[kills]:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
        seconds += perf_counter() - started
        upload = await _state(database, upload_id)
        if upload.state == "done":
            break
    bad = rows // 1000
    expected = (rows - 2 * bad, 2 * bad)
    assert (upload.created, upload.rejected) == expected, upload
    async with database.begin() as connection:
        count = await connection.exec_driver_sql("select count(*) from gift_codes")
        assert count.scalar_one() == upload.created
    print(
        f"imported in {seconds:.1f} s, {rows / seconds:,.0f} rows a second, killed {kills} times; "
        f"{upload.created:,} codes, {upload.rejected:,} bad rows; peak {peak:.0f} MB of memory"
    )


def _memory_mb(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0


async def _state(database: Database, upload_id: UUID) -> Upload:
    async with database.begin() as connection:
        found = await gift_code_uploads.find(connection, upload_id)
    assert found is not None
    return found


async def _look_up(database: Database) -> None:
    """What a redemption asks the store besides the books: shapes, the code and who guesses."""
    took = []
    for number in range(LOOKUPS):
        started = perf_counter()
        async with database.begin() as connection:
            await gift_codes.shapes(connection)
            book = await gift_codes.lock(
                connection, [f"PARCEL{number * 100:07}"], holders=[], guards=["member:1"]
            )
            assert book.codes
        took.append((perf_counter() - started) * 1000)
    print(
        f"looked up and locked: p50 {median(took):.2f} ms, p95 {quantiles(took, n=20)[-1]:.2f} ms"
    )
    started = perf_counter()
    async with database.begin() as connection:
        batches = await gift_code_batches.listing(connection)
    assert sum(one.codes for one in batches) > PRINTED
    print(f"batches listed with their counts in {(perf_counter() - started) * 1000:.1f} ms")


async def _work_off(url: str, upload_id: UUID) -> None:
    database = Database(url)
    await import_upload(database, upload_id, Programme(), clock=clock)
    await database.aclose()


if __name__ == "__main__":
    if sys.argv[1:2] == ["import"]:
        asyncio.run(_work_off(sys.argv[2], UUID(sys.argv[3])))
    else:
        begun = time.perf_counter()
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
        print(f"{time.perf_counter() - begun:.0f} s in all")
