"""Serves the few static files of the pages: no listing, no path but the known names."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.answers import SECURITY_HEADERS

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
YEAR = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@router.get("/static/{name}")
async def static_file(name: str, request: Request) -> Response:
    """A static file; for good where the address has its fingerprint (`?v=`)."""
    found = FILES.get(name)
    if found is None:
        return Response("There is no such file.", 404, headers=dict(SECURITY_HEADERS))
    kept = YEAR if "v" in request.query_params else "no-cache"
    headers = {**SECURITY_HEADERS, "cache-control": kept}
    return Response(found, media_type=TYPES[Path(name).suffix], headers=headers)


FILES = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}
