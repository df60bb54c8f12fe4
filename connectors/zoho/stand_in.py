"""How Zoho CRM words its answers: records by pages, outcomes by record, refusals."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

PAGE = 2
"""Small, so that every walk has to follow a token."""
Reply = dict[str, Any]


def page(records: list[Reply], request: Request) -> Response:
    """A page of records, or 204 where there are none."""
    if not records:
        return Response(status_code=204)
    start = int(request.query_params.get("page_token", 0))
    size = min(int(request.query_params.get("per_page", 200)), PAGE)
    more = start + size < len(records)
    info: Reply = {"per_page": size, "more_records": more, "count": size}
    info |= {"next_page_token": str(start + size) if more else None}
    return JSONResponse({"data": records[start : start + size], "info": info})


def data(told: list[Reply], *, status: int = 200) -> Response:
    """What became of each record; 207 where some were refused, 400 where all were."""
    failed = [one for one in told if one["status"] == "error"]
    if failed:
        status = 400 if len(failed) == len(told) else 207
    return JSONResponse({"data": told}, status_code=status)


def succeeded(record_id: str, action: str) -> Reply:
    """A record that was written."""
    told = {"code": "SUCCESS", "status": "success", "message": "done", "action": action}
    return {**told, "details": {"id": record_id}}


def failed(code: str, message: str, field: str) -> Reply:
    """A record that was refused."""
    return {"code": code, "status": "error", "message": message, "details": {"api_name": field}}


def refused(status: int, code: str, message: str) -> Response:
    """A call that was refused."""
    told = {"code": code, "details": {}, "message": message, "status": "error"}
    return JSONResponse(told, status_code=status)
