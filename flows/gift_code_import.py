"""Works off uploaded files of gift codes: block by block, each with the place it has come to.

No Prefect here: the flow `import-gift-codes` calls it, and so do tests and scenarios. A process
that is killed loses the block it was in and nothing else; two that work on one file take turns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import BinaryIO, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.gift_code_file import BadRow, CodeRow, GiftCodeFile, UnusableFile
from loyalty.programme import Programme
from loyalty.store import gift_code_batches, gift_code_uploads
from loyalty.store.database import Database
from loyalty.store.gift_code_batches import NewCode
from loyalty.store.gift_code_uploads import Upload

BLOCK = 5_000
"""Rows of a transaction."""

_IN_MEMORY = 8_000_000
"""Bytes of a file that need no place on the disk."""

Rows = Sequence[CodeRow | BadRow]
Told = Callable[[Upload], Awaitable[None]]


class UnknownUpload(LookupError):
    """There is no such upload, or it has not arrived as a whole."""


async def import_upload(
    database: Database,
    upload_id: UUID,
    programme: Programme,
    *,
    clock: Callable[[], datetime],
    told: Told | None = None,
) -> Upload:
    """Works an upload off from where it stands to its end.

    Args:
        told: Told after every block.

    Returns:
        The upload at its end: done, or refused as a whole for a reason.

    Raises:
        UnknownUpload: There is no such upload, or it is still being received.
    """
    upload = await _find(database, upload_id)
    if upload.state == "receiving":
        raise UnknownUpload(f"the file {upload.name} has not arrived as a whole: upload it again")
    if upload.state in ("done", "refused"):
        return upload
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
        spool = cast("BinaryIO", spooled)
        if await _fetch(database, upload_id, spool) != upload.size:
            problem = "the file has not arrived as a whole: upload it again"
            return await _end(database, upload_id, clock(), problem=problem)
        try:
            file = GiftCodeFile(
                spool,
                template_codes=programme.gift_codes.template_codes,
                unit_scale=programme.unit_scale,
            )
        except UnusableFile as error:
            return await _end(database, upload_id, clock(), problem=str(error))
        await _start(database, upload_id, file.format, clock())
        for block in _blocks(file.rows()):
            upload = await _take(database, upload_id, block, position=file.position)
            if told is not None:
                await told(upload)
    return await _end(database, upload_id, clock())


async def _find(database: Database, upload_id: UUID) -> Upload:
    async with database.begin() as connection:
        upload = await gift_code_uploads.find(connection, upload_id)
    if upload is None:
        raise UnknownUpload(f"there is no upload {upload_id}: see the list of gift codes")
    return upload


async def _fetch(database: Database, upload_id: UUID, spool: BinaryIO) -> int:
    """Brings the file here; how many bytes there are."""
    number = size = 0
    while True:
        async with database.begin() as connection:
            content = await gift_code_uploads.chunk(connection, upload_id, number)
        if content is None:
            return size
        spool.write(content)
        number, size = number + 1, size + len(content)


async def _start(database: Database, upload_id: UUID, file_format: str, now: datetime) -> None:
    """Makes the batch, once, whoever comes first."""

    async def work(connection: AsyncConnection) -> None:
        upload = await gift_code_uploads.find(connection, upload_id, for_update=True)
        if upload is None or upload.state != "waiting":
            return
        batch_id = await gift_code_batches.create(
            connection, upload.plan, origin="upload", by=upload.created_by, now=now
        )
        await gift_code_uploads.start(
            connection, upload_id, batch_id=batch_id, file_format=file_format
        )

    await database.persist(work)


def _blocks(rows: Iterator[CodeRow | BadRow]) -> Iterator[Rows]:
    while block := list(islice(rows, BLOCK)):
        yield block


async def _take(database: Database, upload_id: UUID, block: Rows, *, position: int) -> Upload:
    """Keeps the codes of a block and what was wrong with it, unless that was done already."""

    async def work(connection: AsyncConnection) -> Upload:
        upload = await gift_code_uploads.find(connection, upload_id, for_update=True)
        assert upload is not None
        rows = [one for one in block if one.row > upload.rows_read]
        if upload.state != "importing" or not rows:
            return upload
        created, bad = await _keep(connection, upload, rows)
        await gift_code_uploads.note_problems(connection, upload, bad)
        await gift_code_uploads.advance(
            connection, upload, rows=rows[-1].row, position=position, created=created
        )
        found = await gift_code_uploads.find(connection, upload_id)
        assert found is not None
        return found

    return await database.persist(work)


async def _keep(
    connection: AsyncConnection, upload: Upload, rows: Rows
) -> tuple[int, list[BadRow]]:
    """Keeps the good rows; how many were new, and the bad ones, in the order of the file."""
    assert upload.batch_id is not None
    bad = [one for one in rows if isinstance(one, BadRow)]
    first: dict[str, CodeRow] = {}
    again: list[CodeRow] = []
    for one in rows:
        if isinstance(one, CodeRow) and first.setdefault(one.code, one) is not one:
            again.append(one)
    new = await gift_code_batches.add(
        connection,
        upload.batch_id,
        [NewCode(one.code, one.shown[:100], one.points, one.row) for one in first.values()],
    )
    again += [one for one in first.values() if one.code not in new]
    there = await gift_code_batches.known(connection, sorted({one.code for one in again}))
    for one in again:
        batch_id, row = there[one.code]
        bad.append(BadRow(one.row, one.shown[:60], _why(batch_id == upload.batch_id, row)))
    return len(new), sorted(bad, key=lambda one: one.row)


def _why(is_of_this_file: bool, row: int) -> str:
    if is_of_this_file:
        return f"the same code is in row {row}"
    return "this code was uploaded or made before: it stays as it is, used or not"


async def _end(database: Database, upload_id: UUID, now: datetime, *, problem: str = "") -> Upload:
    await database.persist(
        lambda connection: gift_code_uploads.end(connection, upload_id, now=now, problem=problem)
    )
    return await _find(database, upload_id)
