"""Files of gift codes that somebody uploads: kept in pieces until they are worked off.

Whatever row the work has come to is written with the codes of the rows before it, so that it goes
on there whoever takes it up again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.gift_code_file import BadRow
from loyalty.gift_code_plans import BatchPlan
from loyalty.store.ids import new_id
from loyalty.store.tables import (
    gift_code_upload_chunks,
    gift_code_upload_problems,
    gift_code_uploads,
)

MAX_BYTES = 210_000_000
CHUNK = 1_048_576
MOST_PROBLEMS = 100_000
"""Bad rows that are kept with their reasons; the others are only counted."""

State = Literal["receiving", "waiting", "importing", "done", "refused"]


class TooLarge(ValueError):
    """The file is larger than can be taken; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file and how far it is worked off.

    Attributes:
        size: Of the file, in bytes; `bytes_read` of them are worked off.
        rows_read: The row of the file that the work has come to.
        created: Codes that came of it; `rejected` rows could not be used.
        format: Encoding and separator, once they are known.
        problem: Why the whole file was refused.
    """

    id: UUID
    name: str
    state: State
    plan: BatchPlan
    size: int
    bytes_read: int
    rows_read: int
    created: int
    rejected: int
    format: str
    problem: str
    created_by: str
    created_at: datetime
    batch_id: UUID | None = None
    ended_at: datetime | None = None

    @property
    def percent(self) -> float:
        """How much of the file is worked off."""
        if self.state == "done":
            return 100.0
        return round(min(self.bytes_read / self.size, 1) * 100, 1) if self.size else 0.0


# --- receiving -----------------------------------------------------------------------------------


async def begin(
    connection: AsyncConnection, name: str, plan: BatchPlan, *, by: str, now: datetime
) -> UUID:
    """Opens an upload; its content follows with `append`."""
    upload_id = new_id(now)
    await connection.execute(
        gift_code_uploads.insert().values(
            id=upload_id,
            name=name[:200] or "upload",
            plan=plan.model_dump(mode="json"),
            created_by=by,
            created_at=now,
        )
    )
    return upload_id


_GROW = text("""
update gift_code_uploads set size = size + :more where id = :id and state = 'receiving'
returning size
""")


async def append(connection: AsyncConnection, upload_id: UUID, number: int, content: bytes) -> None:
    """Keeps a piece of the file; the same piece twice is kept once.

    Raises:
        TooLarge: All pieces together are larger than a file may be.
    """
    statement = insert(gift_code_upload_chunks).values(
        upload_id=upload_id, number=number, content=content
    )
    done = await connection.execute(statement.on_conflict_do_nothing())
    if not done.rowcount:
        return
    size = (await connection.execute(_GROW, {"id": upload_id, "more": len(content)})).scalar()
    if size is None:
        raise LookupError("this upload takes no more content")
    if size > MAX_BYTES:
        raise TooLarge(f"the file is larger than {MAX_BYTES // 1_000_000} MB: split it")


async def complete(connection: AsyncConnection, upload_id: UUID) -> None:
    """Says that the whole file is there: from now on it may be worked off."""
    await connection.execute(
        text(
            "update gift_code_uploads set state = 'waiting' where id = :id and state = 'receiving'"
        ),
        {"id": upload_id},
    )


async def discard(connection: AsyncConnection, upload_id: UUID) -> None:
    """Throws a file away that did not arrive as a whole."""
    await connection.execute(
        text("delete from gift_code_uploads where id = :id and state = 'receiving'"),
        {"id": upload_id},
    )


async def discard_unfinished(connection: AsyncConnection, *, now: datetime) -> int:
    """Throws away what stopped arriving more than a day ago; returns how many files."""
    done = await connection.execute(
        text("delete from gift_code_uploads where state = 'receiving' and created_at < :before"),
        {"before": now - timedelta(days=1)},
    )
    return done.rowcount


async def chunk(connection: AsyncConnection, upload_id: UUID, number: int) -> bytes | None:
    """A piece of the file, counted from 0; None behind the last."""
    found = await connection.execute(
        text("select content from gift_code_upload_chunks where upload_id = :id and number = :n"),
        {"id": upload_id, "n": number},
    )
    content = found.scalar_one_or_none()
    return None if content is None else bytes(content)


# --- working off ---------------------------------------------------------------------------------


async def find(
    connection: AsyncConnection, upload_id: UUID, *, for_update: bool = False
) -> Upload | None:
    """An upload; `for_update` lets nobody else work on it before the commit."""
    lock = " for update" if for_update else ""
    row = (
        await connection.execute(
            text(f"select * from gift_code_uploads where id = :id{lock}"),  # noqa: S608
            {"id": upload_id},
        )
    ).first()
    return None if row is None else _upload(row)


def _upload(row: Any) -> Upload:
    return Upload(**dict(row._mapping) | {"plan": BatchPlan.model_validate(row.plan)})


async def unfinished(connection: AsyncConnection) -> list[UUID]:
    """The uploads that are there and not worked off, oldest first."""
    rows = await connection.execute(
        text("""
            select id from gift_code_uploads where state in ('waiting', 'importing')
            order by created_at, id
        """)
    )
    return list(rows.scalars())


async def listing(connection: AsyncConnection, *, limit: int = 50) -> list[Upload]:
    """The uploads, newest first."""
    rows = await connection.execute(
        text("select * from gift_code_uploads order by created_at desc, id limit :limit"),
        {"limit": limit},
    )
    return [_upload(row) for row in rows]


async def start(
    connection: AsyncConnection, upload_id: UUID, *, batch_id: UUID, file_format: str
) -> None:
    """The file can be read: its rows are worked off from now on, into this batch."""
    await connection.execute(
        text("""
            update gift_code_uploads set state = 'importing', batch_id = :batch, format = :format
            where id = :id and state = 'waiting'
        """),
        {"id": upload_id, "batch": batch_id, "format": file_format},
    )


async def advance(
    connection: AsyncConnection, upload: Upload, *, rows: int, position: int, created: int
) -> None:
    """Notes how far the work has come."""
    await connection.execute(
        text("""
            update gift_code_uploads
            set rows_read = :rows, bytes_read = :bytes, created = created + :created
            where id = :id
        """),
        {"id": upload.id, "rows": rows, "bytes": position, "created": created},
    )


async def note_problems(
    connection: AsyncConnection, upload: Upload, problems: Sequence[BadRow]
) -> None:
    """Adds to the report; what is more than it takes is only counted."""
    kept = problems[: max(MOST_PROBLEMS - upload.rejected, 0)]
    if kept:
        rows = [
            {"upload_id": upload.id, "row_no": one.row, "code": one.code, "problem": one.problem}
            for one in kept
        ]
        await connection.execute(insert(gift_code_upload_problems).on_conflict_do_nothing(), rows)
    await connection.execute(
        text("update gift_code_uploads set rejected = rejected + :more where id = :id"),
        {"id": upload.id, "more": len(problems)},
    )


async def end(
    connection: AsyncConnection,
    upload_id: UUID,
    *,
    now: datetime,
    problem: str = "",
) -> None:
    """Closes an upload and lets go of its content: done, or refused for a reason."""
    await connection.execute(
        text("""
            update gift_code_uploads set state = :state, problem = :problem, ended_at = :now,
                bytes_read = case when :state = 'done' then size else bytes_read end
            where id = :id and state in ('waiting', 'importing')
        """),
        {
            "id": upload_id,
            "state": "refused" if problem else "done",
            "problem": problem,
            "now": now,
        },
    )
    await connection.execute(
        text("delete from gift_code_upload_chunks where upload_id = :id"), {"id": upload_id}
    )


async def problems(
    connection: AsyncConnection, upload_id: UUID, *, beyond: int = 0, limit: int = 5_000
) -> list[BadRow]:
    """The report: bad rows in the order of the file, from behind a row on."""
    rows = await connection.execute(
        text("""
            select row_no, code, problem from gift_code_upload_problems
            where upload_id = :id and row_no > :beyond order by row_no limit :limit
        """),
        {"id": upload_id, "beyond": beyond, "limit": limit},
    )
    return [BadRow(row.row_no, row.code, row.problem) for row in rows]
