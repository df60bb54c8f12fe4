"""The pages: the script of one line, the panel in a frame, the portal, and the link by e-mail."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.answers import SECURITY_HEADERS, Refused
from gateway.widget import offering, reading
from gateway.widget.desk import Desk, PlainRoute, Visit, Visiting, desk_of
from gateway.widget.sessions import BY_LINK, digest
from gateway.widget.signing_in import CODE_LASTS, new_code, person_of
from gateway.widget.wording import Wording
from loyalty.links import LinkInvalid, LinkKind
from loyalty.sites import Site
from loyalty.store import sign_ins
from loyalty.store.sign_ins import SignIn

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_YEAR = "public, max-age=31536000, immutable"
_SHORT = "public, max-age=300"
_BARE_SITE = Site(id="hub", name="Loyalty Hub", languages=("en", "de", "fr"))
"""Whose words a page has that belongs to no site: a link that cannot be read."""

FILES = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir())}
VERSION = sha256(b"".join(FILES.values())).hexdigest()[:12]

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

router = APIRouter(route_class=PlainRoute, include_in_schema=False)


@router.get("/widget/files/{name}")
async def file(name: str, request: Request) -> Response:
    """A file of the page, for good where the address has its version."""
    found = FILES.get(name)
    if found is None:
        raise Refused(404, "unknown_address", "there is no such file", "Ask for another one.")
    kept = _YEAR if request.query_params.get("v") == VERSION else "no-cache"
    headers = {**SECURITY_HEADERS, "cache-control": kept}
    return Response(found, media_type=_TYPES[Path(name).suffix], headers=headers)


@router.get("/widget/{site}.js")
async def loader(site: str, request: Request) -> Response:
    """The script that a shop's page names in one line, with the site's settings in it."""
    desk = desk_of(request)
    found = await desk.boards.site(site)
    settings = _for_loader(found, desk.house.settings.base_url)
    body = b"(" + FILES["loader.js"].strip().rstrip(b";") + b")(" + _embedded(settings) + b");\n"
    tag = f'"{sha256(body).hexdigest()[:20]}"'
    # Any page may load the script; it says nothing that the page does not show anyway.
    headers = {
        **SECURITY_HEADERS,
        "cache-control": _SHORT,
        "etag": tag,
        "cross-origin-resource-policy": "cross-origin",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=_TYPES[".js"], headers=headers)


def _for_loader(site: Site, base_url: str) -> dict[str, Any]:
    labels = {tag: Wording(site, tag) for tag in site.languages}
    return {
        "site": site.id,
        "hub": base_url,
        "title": site.name,
        "side": "left" if site.position == "bottom-left" else "right",
        "brand": site.brand,
        "ink": site.ink,
        "words": {
            tag: {"open": w.say("open"), "close": w.say("close")} for tag, w in labels.items()
        },
        "vouches": site.vouches != "none",
        "customer_url": site.customer_url,
    }


@router.get("/widget/{site}/")
async def panel(visit: Visiting) -> Response:
    """The app as the shop's page frames it."""
    return await _app(visit, mode="panel", framed_by=visit.site.origins)


@router.get("/portal/{site}")
async def portal(visit: Visiting) -> Response:
    """The app as a page of its own."""
    return await _app(visit, mode="portal", framed_by=())


async def _app(visit: Visit, *, mode: str, framed_by: tuple[str, ...]) -> Response:
    """The page with all that its first tab shows: nothing more is asked for before it is there."""
    site, wording, programme = visit.site, visit.wording, visit.board.programme
    settings = {
        "site": site.id,
        "name": site.name,
        "mode": mode,
        "language": wording.language,
        "brand": site.brand,
        "ink": site.ink,
        "scale": programme.unit_scale,
        "zone": programme.zone,
        "origins": list(site.origins),
        "tabs": offering.tabs(visit.board),
        "words": wording.for_browser(),
        "me": await reading.who(visit),
        "ways": reading.ways(visit),
    }
    page = _TEMPLATES.get_template("app.html").render(
        wording=wording,
        site=site,
        mode=mode,
        version=VERSION,
        settings=_embedded(settings).decode(),
    )
    return HTMLResponse(page, headers=_headers(framed_by))


def _embedded(settings: dict[str, Any]) -> bytes:
    """JSON that is safe inside a script: nothing in it can end the element or a line."""
    text = orjson.dumps(settings).decode()
    for one in "<>&\u2028\u2029":
        text = text.replace(one, f"\\u{ord(one):04x}")
    return text.encode()


def _headers(framed_by: tuple[str, ...]) -> dict[str, str]:
    ancestors = " ".join(framed_by) or "'none'"
    return {
        **SECURITY_HEADERS,
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
        "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
        f"frame-ancestors {ancestors}; require-trusted-types-for 'script'; trusted-types 'none'",
        "referrer-policy": "no-referrer",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cross-origin-resource-policy": "cross-origin" if framed_by else "same-origin",
    }


def _wording(site: Site, request: Request) -> Wording:
    asked = request.query_params.get("lang", "")[:35]
    accepted = request.headers.get("accept-language", "")[:200].split(",")[0].partition(";")[0]
    return Wording(site, site.language(asked or accepted))


# --- the link by e-mail ----------------------------------------------------------------------


@router.get("/s/{token}")
async def link(token: str, request: Request) -> Response:
    """Shows whom the link signs in, and a button. Opening it changes nothing: scanners do."""
    desk = desk_of(request)
    found = await _asked(desk, token)
    if found is None or found.used_at is not None or found.expires_at <= desk.now():
        return await _refused_link(desk, found, request)
    site = await desk.boards.site(found.site)
    wording = Wording(site, site.language(found.locale))
    return _page("link.html", wording, site, email=found.email)


@router.post("/s/{token}")
async def follow_link(token: str, request: Request) -> Response:
    """Uses the link up and signs in: here, and with the code that goes back, in the shop."""
    desk = desk_of(request)
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refused(403, "foreign", "this form is another site's", "Open the link again.")
    found = await _asked(desk, token)
    code = new_code()
    if found is not None:
        async with desk.house.database.begin() as connection:
            used = await sign_ins.use(
                connection,
                found.id,
                code=digest(code),
                code_expires_at=desk.now() + CODE_LASTS,
                now=desk.now(),
            )
    if found is None or used is None:
        return await _refused_link(desk, found, request)
    session = await desk.sessions.begin(person_of(used), used.site, lasts=BY_LINK)
    site = await desk.boards.site(used.site)
    wording = Wording(site, site.language(used.locale))
    answer = _page(
        "done.html",
        wording,
        site,
        carries=used.carries,
        portal=f"/portal/{site.id}?{urlencode({'lang': wording.language})}",
        shop=f"{site.home}#hub-sign-in={code}" if site.home else "",
    )
    desk.sessions.keep(answer, session, lasts=BY_LINK)
    return answer


async def _asked(desk: Desk, token: str) -> SignIn | None:
    """What the link was made for; None where it is not one of ours."""
    try:
        id = UUID(str(desk.house.links.read(LinkKind.SIGN_IN, token).get("i", "")))
    except (LinkInvalid, ValueError):
        return None
    async with desk.house.database.begin() as connection:
        return await sign_ins.find(connection, id)


async def _refused_link(desk: Desk, found: SignIn | None, request: Request) -> Response:
    """Says kindly that the link is over, in the words of its site where that is known."""
    sites = (await desk.boards.latest()).programme.sites
    site = next((one for one in sites if found and one.id == found.site), _BARE_SITE)
    wording = Wording(site, site.language(found.locale)) if found else _wording(site, request)
    return _page(
        "over.html", wording, site, status=410, portal=f"/portal/{site.id}" if found else ""
    )


def _page(
    template: str, wording: Wording, site: Site, *, status: int = 200, **values: Any
) -> HTMLResponse:
    text = _TEMPLATES.get_template(template).render(
        wording=wording, site=site, version=VERSION, **values
    )
    headers = _headers(())
    return HTMLResponse(text, status, headers=headers)
