"""Gift codes in the console: batches, uploads with their reports, codes to print."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from gateway.console.gift_code_files import router as files
from gateway.console.points import read_points
from gateway.console.visit import Turned, Visit, Visitor
from loyalty.gift_code_plans import MOST_CARDS, MOST_CODES, BatchPlan, PrintPlan
from loyalty.store import errands, gift_code_batches, gift_code_uploads, rulebook
from loyalty.store.gift_code_batches import Batch
from loyalty.store.gift_code_uploads import CHUNK, MAX_BYTES, TooLarge

ADDRESS = "/console/gift-codes"
UPLOADS_SHOWN = 10
PROBLEMS_SHOWN = 100
_AT_WORK = ("waiting", "importing")
_LIMITS = (
    "valid_from", "valid_to", "max_uses", "per_member", "batch_uses", "batch_per_member",
)  # fmt: skip

router = APIRouter(prefix=ADDRESS)
router.include_router(files)


@router.get("")
async def listing(visit: Visit) -> HTMLResponse:
    """All batches and the latest uploads."""
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        batches = await gift_code_batches.listing(connection)
        uploads = await gift_code_uploads.listing(connection, limit=UPLOADS_SHOWN)
    return visit.page(
        "gift_codes/list.html",
        batches=batches,
        uploads=uploads,
        scale=programme.unit_scale,
        is_at_work=any(one.state in _AT_WORK for one in uploads)
        or any(one.codes < one.wanted for one in batches),
    )


# --- uploads


@router.get("/upload")
async def upload_form(visit: Visit) -> HTMLResponse:
    """The form for a file."""
    return _upload_page(visit)


@router.post("/upload")
async def upload(visit: Visit) -> Response:
    """Keeps the file and has it worked off."""
    file = visit.upload("file")
    if file is None:
        return _upload_page(visit, problem="Choose a file.", status=422)
    name = " ".join((file.filename or "").split())[:100]
    try:
        plan = BatchPlan.model_validate(_given(visit) | {"name": visit.text("name") or name})
    except ValidationError as error:
        return _upload_page(visit, problem=_in_words(error), status=422)
    try:
        upload_id = await _keep(visit, file, plan, name=name)
    except TooLarge as error:
        return _upload_page(visit, problem=f"{str(error).capitalize()}.", status=422)
    return visit.go(f"{ADDRESS}/uploads/{upload_id}", said="The file is there; it is worked off.")


async def _keep(visit: Visitor, file: UploadFile, plan: BatchPlan, *, name: str) -> UUID:
    """Puts the file into the store piece by piece, and asks for the work in the last transaction.

    Raises:
        TooLarge: Nothing of it is kept.
    """
    house, by = visit.house, f"console:{visit.who}"
    if (file.size or 0) > MAX_BYTES:
        raise TooLarge(f"the file is larger than {MAX_BYTES // 1_000_000} MB: split it")
    async with house.database.begin() as connection:
        upload_id = await gift_code_uploads.begin(connection, name, plan, by=by, now=visit.now)
    number = 0
    while content := await file.read(CHUNK):
        async with house.database.begin() as connection:
            await gift_code_uploads.append(connection, upload_id, number, content)
        number += 1
    async with house.database.begin() as connection:
        await gift_code_uploads.complete(connection, upload_id)
        await visit.note(connection, "gift_codes.uploaded", str(upload_id), {"name": name})
        await errands.ask(
            connection,
            deployment="import-gift-codes",
            parameters={"upload": str(upload_id)},
            key=f"gift-codes:upload:{upload_id}",
            now=visit.now,
        )
    return upload_id


@router.get("/uploads/{upload_id}")
async def uploaded(visit: Visit, upload_id: UUID) -> HTMLResponse:
    """How far a file is, and what was wrong with its rows."""
    async with visit.house.database.begin() as connection:
        found = await gift_code_uploads.find(connection, upload_id)
        if found is None:
            raise Turned(
                404, "There is no such upload", "The list of gift codes has all there are."
            )
        problems = await gift_code_uploads.problems(connection, upload_id, limit=PROBLEMS_SHOWN)
    return visit.page(
        "gift_codes/upload.html",
        upload=found,
        problems=problems,
        is_at_work=found.state in _AT_WORK,
    )


def _upload_page(visit: Visitor, *, problem: str = "", status: int = 200) -> HTMLResponse:
    return visit.page(
        "gift_codes/new_upload.html",
        status=status,
        problem=problem,
        given=visit.text,
        most=MAX_BYTES // 1_000_000,
    )


# --- codes to print


@router.get("/generate")
async def generate_form(visit: Visit) -> HTMLResponse:
    """The form for codes to print."""
    return _print_page(visit)


@router.post("/generate")
async def generate(visit: Visit) -> Response:
    """Has codes made; the same form sent twice makes them once."""
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
    points = read_points(visit.text("points"), programme.unit_scale)
    if points is None:
        return _print_page(visit, problem="Say how many points a code is worth.", status=422)
    names = ("name", "count", "prefix", "length")
    asked = {one: visit.text(one) for one in names if visit.text(one)}
    try:
        plan = PrintPlan.model_validate(_given(visit) | asked | {"points": points})
    except ValidationError as error:
        return _print_page(visit, problem=_in_words(error), status=422)
    async with visit.house.database.begin() as connection:
        try:
            batch_id = await gift_code_batches.create_once(
                connection, plan, by=f"console:{visit.who}", now=visit.now
            )
        except ValueError as error:
            return _print_page(visit, problem=f"{str(error).capitalize()}.", status=422)
        await visit.note(connection, "gift_codes.generated", plan.name, {"codes": plan.count})
        await errands.ask(
            connection,
            deployment="generate-gift-codes",
            parameters=plan.model_dump(mode="json") | {"by": f"console:{visit.who}"},
            key=f"gift-codes:generate:{batch_id}",
            now=visit.now,
        )
    return visit.go(f"{ADDRESS}/batches/{batch_id}", said="The codes are being made.")


def _print_page(visit: Visitor, *, problem: str = "", status: int = 200) -> HTMLResponse:
    return visit.page(
        "gift_codes/new_print.html",
        status=status,
        problem=problem,
        given=visit.text,
        most=MOST_CODES,
    )


# --- a batch


@router.get("/batches/{batch_id}")
async def batch(visit: Visit, batch_id: UUID) -> HTMLResponse:
    """What became of a batch."""
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        found = await _known(visit, batch_id)
    page = programme.gift_codes.redeem_page(
        base_url=visit.house.settings.base_url, sites=[one.id for one in programme.sites]
    )
    return visit.page(
        "gift_codes/batch.html",
        batch=found,
        scale=programme.unit_scale,
        zone=programme.zone,
        is_at_work=found.codes < found.wanted,
        sheets=range(1, -(-found.unused // MOST_CARDS) + 1) if page else (),
        has_page=bool(page),
        cards=MOST_CARDS,
    )


@router.post("/batches/{batch_id}/void")
async def void(visit: Visit, batch_id: UUID) -> Response:
    """Withdraws the codes that nobody has used, after asking once more."""
    found, reason = await _known(visit, batch_id), visit.text("reason", longest=200)
    back = f"{ADDRESS}/batches/{batch_id}"
    if not reason:
        return visit.go(back, said="Say why the codes are withdrawn.", tone="bad")
    if not visit.is_confirmed:
        return visit.ask(
            f"Withdraw {found.unused} codes?",
            f"Nobody can use the unused codes of {found.name} any more. Points that were given "
            "stay. This cannot be taken back.",
            fields={"reason": reason},
            word=f"Withdraw {found.unused} codes",
            back=back,
        )
    async with visit.house.database.begin() as connection:
        count = await gift_code_batches.void_unused(
            connection, found, by=f"console:{visit.who}", reason=reason, now=visit.now
        )
    return visit.go(back, said=f"{count} codes are withdrawn.")


async def _known(visit: Visitor, batch_id: UUID) -> Batch:
    async with visit.house.database.begin() as connection:
        found = await gift_code_batches.find(connection, str(batch_id))
    if found is None:
        raise Turned(404, "There is no such batch", "The list of gift codes has all there are.")
    return found


def _given(visit: Visitor) -> dict[str, str]:
    return {name: visit.text(name) for name in _LIMITS if visit.text(name)}


def _in_words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    place = str(first["loc"][0]).replace("_", " ") if first["loc"] else ""
    said = f"{place}: {message}" if place else message
    return f"{said[0].upper()}{said[1:]}."
