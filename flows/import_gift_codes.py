"""The flow `import-gift-codes`: works off files of gift codes that were uploaded."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_table_artifact
from pydantic import Field

from flows.gift_code_import import import_upload
from flows.progress_bar import ProgressBar
from flows.runtime import Hub, runtime
from loyalty.store import gift_code_uploads, gift_codes
from loyalty.store.gift_code_uploads import Upload

SHOWN = 200
"""Bad rows in the run's table; the console has them all."""

UploadId = Annotated[str, Field(max_length=36)]


@flow(name="import-gift-codes", persist_result=False)
async def import_gift_codes(upload: UploadId = "") -> None:
    """Works off uploaded files of gift codes: good rows are kept, bad ones are named.

    A run that was stopped is taken up where it was; twice at once does nothing more. Upload files
    in the console or with `hub gift-codes upload`.

    Args:
        upload: The id of an upload. Empty for all that are not worked off yet.
    """
    async with runtime() as hub:
        wanted = [UUID(upload)] if upload else await _unfinished(hub)
        for one in wanted:
            await _work_off(hub, one)


async def _unfinished(hub: Hub) -> list[UUID]:
    """What waits; what stopped arriving long ago is thrown away by the way."""
    async with hub.database.begin() as connection:
        now = hub.clock()
        await gift_code_uploads.discard_unfinished(connection, now=now)
        await gift_codes.forget_old_guards(connection, now=now)
        return await gift_code_uploads.unfinished(connection)


async def _work_off(hub: Hub, upload_id: UUID) -> None:
    bar = ProgressBar("import-gift-codes")
    terms = await hub.terms()

    async def told(upload: Upload) -> None:
        await bar.show(upload.percent, f"{upload.name}: {_figures(upload)}")

    found = await import_upload(
        hub.database, upload_id, terms.programme, clock=hub.clock, told=told
    )
    await told(found)
    log = get_run_logger()
    if found.state == "refused":
        log.error("%s was refused: %s", found.name, found.problem)
    else:
        log.info("%s: %s", found.name, _figures(found))
    await _report(hub, found)


def _figures(upload: Upload) -> str:
    return f"{upload.created:,} codes new, {upload.rejected:,} rows not usable"


async def _report(hub: Hub, upload: Upload) -> None:
    async with hub.database.begin() as connection:
        bad = await gift_code_uploads.problems(connection, upload.id, limit=SHOWN)
    await acreate_table_artifact(
        key="import-gift-codes-report",
        table=[{"row": one.row, "code": one.code, "problem": one.problem} for one in bad],
        description=upload.problem or f"{upload.name}: {_figures(upload)}",
    )
