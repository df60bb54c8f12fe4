"""Reads forms within bounds: fields of text, and files that go to disk."""

from __future__ import annotations

import asyncio

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

FIELDS_LIMIT = 256 * 1024
UPLOAD_LIMIT = 260 * 1024 * 1024
MOST_FIELDS = 600
FORM_SECONDS = 10.0
UPLOAD_SECONDS = 600.0
"""How long a form may take to arrive, so that nobody holds connections by sending slowly."""


class FormRefused(Exception):
    """The form is too large or cannot be read; the text says what to do."""


async def read_form(
    request: Request, *, fields_limit: int = FIELDS_LIMIT, upload_limit: int = UPLOAD_LIMIT
) -> FormData:
    """The fields of a form, and its files.

    Args:
        fields_limit: Bytes of a form without files.
        upload_limit: Bytes of a form with files; the files go to disk.

    Raises:
        FormRefused: Not a form, too large, or broken.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raise FormRefused("This is no form: send it from the page.")
    limit = upload_limit if kind == "multipart/form-data" else fields_limit
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise FormRefused(_too_large(limit))
    bounded = Request(request.scope, _counting(request.receive, limit))
    seconds = FORM_SECONDS if limit <= FIELDS_LIMIT else UPLOAD_SECONDS
    try:
        async with asyncio.timeout(seconds):
            return await bounded.form(
                max_files=2, max_fields=MOST_FIELDS, max_part_size=min(limit, FIELDS_LIMIT)
            )
    except TimeoutError:
        raise FormRefused("The form took too long to arrive: send it again.") from None
    except (HTTPException, UnicodeDecodeError, ClientDisconnect) as error:
        raise FormRefused("The form came incomplete or is no form: send it again.") from error


def _counting(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise FormRefused(_too_large(limit))
        return dict(message)

    return counted


def _too_large(limit: int) -> str:
    size = f"{limit // (1024 * 1024)} MB" if limit >= 1024 * 1024 else f"{limit // 1024} kB"
    return f"The form is larger than {size}: send less at once."
