"""What can be downloaded of gift codes: the sample, lists, reports, sheets to print."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from gateway.answers import SECURITY_HEADERS
from gateway.console.points import shown_points
from gateway.console.visit import Turned, Visit, Visitor
from loyalty.csv_export import csv_rows
from loyalty.gift_code_file import sample
from loyalty.gift_code_plans import MOST_CARDS
from loyalty.store import gift_code_batches, gift_code_uploads, rulebook
from loyalty.store.gift_code_batches import Batch, Listed

router = APIRouter()


@router.get("/sample.csv")
async def sample_file(visit: Visit) -> Response:
    """The file that people fill in."""
    return _download(sample().encode("utf-8-sig"), "gift-codes.csv", "text/csv; charset=utf-8")


@router.get("/batches/{batch_id}/codes.csv")
async def codes(visit: Visit, batch_id: UUID, unused: str = "") -> Response:
    """The codes of a batch, all or those that can still be used."""
    batch = await _known(visit, batch_id)
    only_unused = unused == "yes"
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        what = {"unused_only": only_unused, "as": "list"}
        await visit.note(connection, "gift_codes.exported", batch.name, what)
    rows = _code_rows(visit, batch, only_unused=only_unused, scale=programme.unit_scale)
    return _streamed(rows, f"{_file_name(batch.name)}.csv")


async def _code_rows(
    visit: Visitor, batch: Batch, *, only_unused: bool, scale: int
) -> AsyncIterator[bytes]:
    yield "\ufeff".encode() + csv_rows([("code", "points", "uses", "state")]).encode()
    beyond = 0
    while True:
        async with visit.house.database.begin() as connection:
            found = await gift_code_batches.codes(
                connection, batch.id, beyond=beyond, only_unused=only_unused
            )
        if not found:
            return
        beyond = found[-1].id
        yield csv_rows(
            [
                (
                    one.shown,
                    shown_points(one.points, scale).replace("\u202f", ""),
                    one.uses,
                    one.state,
                )
                for one in found
            ]
        ).encode()


@router.get("/uploads/{upload_id}/report.csv")
async def report(visit: Visit, upload_id: UUID) -> Response:
    """The rows that could not be used, each with its reason."""
    async with visit.house.database.begin() as connection:
        found = await gift_code_uploads.find(connection, upload_id)
    if found is None:
        raise Turned(404, "There is no such upload", "The list of gift codes has all there are.")
    return _streamed(_report_rows(visit, upload_id), f"{_file_name(found.name)}-report.csv")


async def _report_rows(visit: Visitor, upload_id: UUID) -> AsyncIterator[bytes]:
    yield "\ufeff".encode() + csv_rows([("row", "code", "problem")]).encode()
    beyond = 0
    while True:
        async with visit.house.database.begin() as connection:
            found = await gift_code_uploads.problems(connection, upload_id, beyond=beyond)
        if not found:
            return
        beyond = found[-1].row
        yield csv_rows([(one.row, one.code, one.problem) for one in found]).encode()


@router.get("/batches/{batch_id}/sheet-{number}.pdf")
async def sheet(visit: Visit, batch_id: UUID, number: int) -> Response:
    """Cards to print and cut: so many of the unused codes, counted from 1."""
    batch = await _known(visit, batch_id)
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        page = programme.gift_codes.redeem_page(
            base_url=visit.house.settings.base_url, sites=[one.id for one in programme.sites]
        )
        found = await gift_code_batches.part(
            connection, batch.id, offset=(number - 1) * MOST_CARDS, limit=MOST_CARDS
        )
        if not found or not page:
            raise Turned(404, "There is no such sheet", "The batch's page has all there are.")
        await visit.note(connection, "gift_codes.exported", batch.name, {"as": f"sheet {number}"})
    pdf = await asyncio.to_thread(
        _pdf, batch, found, page=page, scale=programme.unit_scale, now=visit.now
    )
    return _download(pdf, f"{_file_name(batch.name)}-{number}.pdf", "application/pdf")


def _pdf(batch: Batch, codes: list[Listed], *, page: str, scale: int, now: datetime) -> bytes:
    from loyalty.gift_code_sheet import Card, sheet  # drawing takes a second to load

    cards = [
        Card(one.shown, f"{shown_points(one.points, scale)} points".replace("\u202f", " "))
        for one in codes
    ]
    until = f"until {batch.valid_to:%d.%m.%Y}" if batch.valid_to else ""
    return sheet(cards, page=page, title=batch.name, until=until, now=now)


async def _known(visit: Visitor, batch_id: UUID) -> Batch:
    async with visit.house.database.begin() as connection:
        found = await gift_code_batches.find(connection, str(batch_id))
    if found is None:
        raise Turned(404, "There is no such batch", "The list of gift codes has all there are.")
    return found


def _file_name(name: str) -> str:
    """A name that every header and every disk can hold."""
    kept = "".join(one if one.isascii() and one.isalnum() else "-" for one in name)
    return kept.strip("-")[:60] or "gift-codes"


def _headers(name: str) -> dict[str, str]:
    return {**SECURITY_HEADERS, "content-disposition": f'attachment; filename="{name}"'}


def _download(content: bytes, name: str, kind: str) -> Response:
    return Response(content, media_type=kind, headers=_headers(name))


def _streamed(rows: AsyncIterator[bytes], name: str) -> Response:
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=_headers(name))
