"""`hub gift-codes`: what there is, written out, and withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from deployments.cli.answers import (
    Failure,
    answering,
    counted,
    moment,
    say,
    show_rows,
    unusable,
    write_json,
)
from deployments.cli.desk import Desk, actor, at_desk
from deployments.cli.gift_code_desk import (
    batch_named,
    points_shown,
    programme_of,
    upload_plain,
    write_file,
)
from flows.runtime import wall_clock
from loyalty.csv_export import csv_rows
from loyalty.gift_code_plans import MOST_CARDS
from loyalty.programme import Programme
from loyalty.store import audit, gift_code_batches, gift_code_uploads
from loyalty.store.gift_code_batches import Batch, Listed
from loyalty.store.gift_code_uploads import Upload

SHOWN = 20


@answering
def run_export(batch: str, out: Path, *, only_unused: bool, as_json: bool) -> int:
    """Writes a list, or sheets of the unused codes."""
    kind = out.suffix.lower()
    if kind not in (".csv", ".pdf"):
        raise unusable(f"{out} ends in neither .csv nor .pdf", "name the file after what it is")

    async def work(desk: Desk) -> tuple[Batch, list[Listed], Programme, str]:
        found, programme = await batch_named(desk, batch), await programme_of(desk)
        wants_unused = only_unused or kind == ".pdf"
        async with desk.database.begin() as connection:
            await audit.note(
                connection,
                actor=actor(),
                action="gift_codes.exported",
                subject=found.name,
                now=desk.now,
                detail={"as": kind},
            )
            listed = gift_code_batches.all_codes(connection, found.id, only_unused=wants_unused)
            codes = [one async for one in listed]
        page = programme.gift_codes.redeem_page(
            base_url=desk.settings.base_url, sites=[one.id for one in programme.sites]
        )
        return found, codes, programme, page

    found, codes, programme, page = at_desk(work)
    scale = programme.unit_scale
    if kind == ".csv":
        rows = [(one.shown, points_shown(one.points, scale), one.uses, one.state) for one in codes]
        write_file(out, csv_rows([("code", "points", "uses", "state"), *rows]).encode("utf-8-sig"))
        files = [out]
    else:
        files = _print(found, codes, out, page=page, scale=scale)
    names = [str(one) for one in files]
    if as_json:
        write_json({"codes": len(codes), "files": names})
    else:
        say(f"{counted(len(codes), 'code')} in {', '.join(names) or 'no file'}.")
    return 0


def _print(
    batch: Batch, codes: Sequence[Listed], out: Path, *, page: str, scale: int
) -> list[Path]:
    """One file for so many cards; more get numbers."""
    from loyalty.gift_code_sheet import Card, sheet  # drawing takes a second to load

    if not page:
        raise Failure(
            "a QR code needs a page to open",
            "add a site to the programme, or set gift_codes.redeem_url",
        )
    parts = [codes[at : at + MOST_CARDS] for at in range(0, len(codes), MOST_CARDS)]
    files = []
    for number, part in enumerate(parts, 1):
        path = out if len(parts) == 1 else out.with_stem(f"{out.stem}-{number}")
        cards = [Card(one.shown, f"{points_shown(one.points, scale)} points") for one in part]
        until = f"until {batch.valid_to:%d.%m.%Y}" if batch.valid_to else ""
        content = sheet(cards, page=page, title=batch.name, until=until, now=wall_clock())
        write_file(path, content)
        files.append(path)
    return files


@answering
def run_status(*, as_json: bool) -> int:
    """Lists batches and uploads."""

    async def work(desk: Desk) -> tuple[list[Batch], list[Upload]]:
        async with desk.database.begin() as connection:
            return (
                await gift_code_batches.listing(connection),
                await gift_code_uploads.listing(connection, limit=SHOWN),
            )

    batches, uploads = at_desk(work)
    if as_json:
        write_json(
            {
                "batches": [asdict(one) | {"unused": one.unused} for one in batches],
                "uploads": [upload_plain(one) for one in uploads],
            }
        )
        return 0
    show_rows(
        ("batch", "codes", "unused", "withdrawn", "used", "valid to", "made"),
        [
            (one.name, one.codes, one.unused, one.withdrawn, one.uses, one.valid_to or "",
             moment(one.created_at))
            for one in batches
        ],
    )  # fmt: skip
    show_rows(
        ("upload", "state", "done", "new", "bad rows", "problem"),
        [
            (one.name, one.state, f"{one.percent} %", one.created, one.rejected, one.problem)
            for one in uploads
        ],
    )
    return 0


@answering
def run_void(batch: str, *, reason: str, is_agreed: bool, as_json: bool) -> int:
    """Withdraws unused codes."""
    if not reason.strip():
        raise unusable("a withdrawal needs a reason", "say why with --reason")

    async def work(desk: Desk) -> int:
        found = await batch_named(desk, batch)
        if not is_agreed:
            raise Failure(
                f"this would withdraw {counted(found.unused, 'unused code')} of {found.name}",
                "say --yes to do it; it cannot be taken back",
            )
        async with desk.database.begin() as connection:
            return await gift_code_batches.void_unused(
                connection, found, by=actor(), reason=reason, now=desk.now
            )

    count = at_desk(work)
    if as_json:
        write_json({"withdrawn": count})
    else:
        say(f"{counted(count, 'code')} withdrawn.")
    return 0
