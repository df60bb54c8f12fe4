"""Every way of paging comes to an end: the vendor's own, or an error that says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.errors import ConnectorBug
from connectors.kit.http import HttpClient
from connectors.kit.paging import (
    Bounds,
    PagingError,
    by_cursor,
    by_link,
    by_next_url,
    by_offset,
    by_page,
    next_link,
    same_host,
)
from connectors.kit.sandbox import VendorSandbox
from tests.connectors.conftest import Serve

SIZE = 2


class Shelf(VendorSandbox):
    """Holds numbers, and tells them in pages of two, in every way there is."""

    slug = "shelf"

    def __init__(self, count: int, *, loops: bool = False, elsewhere: str = "") -> None:
        super().__init__()
        self.numbers = list(range(count))
        self.loops = loops
        self.elsewhere = elsewhere

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/{way}", self._tell)]

    async def _tell(self, request: Request) -> Response:
        query = request.query_params
        start = int(query.get("cursor") or query.get("offset") or 0)
        if "page" in query:
            start = (int(query["page"]) - 1) * SIZE
        found = self.numbers[start : start + SIZE]
        following = SIZE if self.loops else start + SIZE
        is_last = start + SIZE >= len(self.numbers) and not self.loops
        here = str(request.url.replace(query=None))
        base = self.elsewhere or here
        reply: dict[str, Any] = {"data": {"items": found}, "meta": {"next": None}, "next": None}
        headers = {}
        if not is_last:
            reply |= {"meta": {"next": following}, "next": f"{base}?cursor={following}"}
            headers["Link"] = (
                f'<{here}?cursor={max(start - SIZE, 0)}>; rel="previous", '
                f'<{base}?cursor={following}>; rel="next"'
            )
        return JSONResponse(reply, headers=headers)


PLACE = {"items": "data.items"}
WAYS: dict[str, Any] = {
    "cursor": lambda http, **more: by_cursor(http, "/x", cursor="meta.next", **PLACE, **more),
    "link": lambda http, **more: by_link(http, "/x", **PLACE, **more),
    "next url": lambda http, **more: by_next_url(http, "/x", url="next", **PLACE, **more),
    "page": lambda http, **more: by_page(http, "/x", per_page=SIZE, **PLACE, **more),
    "offset": lambda http, **more: by_offset(http, "/x", per_page=SIZE, **PLACE, **more),
}
FOLLOWING = ("cursor", "link", "next url")


async def _all(pages: AsyncIterator[Sequence[Any]]) -> list[Any]:
    return [item async for page in pages for item in page]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6], ids="{} items".format)
@pytest.mark.parametrize("way", WAYS)
async def test_everything_is_told_once(serve: Serve, way: str, count: int) -> None:
    http = HttpClient(await serve(Shelf(count)))
    assert await _all(WAYS[way](http)) == list(range(count))
    await http.aclose()


@pytest.mark.parametrize("way", FOLLOWING)
async def test_a_cursor_that_repeats_stops_with_an_error(serve: Serve, way: str) -> None:
    http = HttpClient(await serve(Shelf(6, loops=True)))
    with pytest.raises(PagingError, match="repeats after"):
        await _all(WAYS[way](http))
    await http.aclose()


@pytest.mark.parametrize("bounds", [Bounds(pages=2), Bounds(items=5)], ids=["pages", "items"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_bound_is_an_error_and_no_silent_cut(
    serve: Serve, way: str, bounds: Bounds
) -> None:
    http = HttpClient(await serve(Shelf(9)))
    with pytest.raises(PagingError, match="more than"):
        await _all(WAYS[way](http, bounds=bounds))
    await http.aclose()


@pytest.mark.parametrize("way", ["link", "next url"])
async def test_a_next_page_at_another_host_is_not_followed(serve: Serve, way: str) -> None:
    shelf = Shelf(6, elsewhere="http://169.254.169.254/latest")
    http = HttpClient(await serve(shelf))
    with pytest.raises(PagingError, match="at another host"):
        await _all(WAYS[way](http))
    assert sum(shelf.calls.values()) == 1
    await http.aclose()


async def test_a_reply_without_the_list_is_a_bug(serve: Serve) -> None:
    http = HttpClient(await serve(Shelf(1)))
    with pytest.raises(ConnectorBug, match=r"no list at 'data\.orders'"):
        await _all(by_page(http, "/x", items="data.orders"))
    await http.aclose()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('<https://a.example/1>; rel="previous", <https://a.example/3>; rel="next"', "3"),
        ('<https://a.example/3>; rel=next; title="x"', "3"),
        ('<https://a.example/3>; rel="last next"', "3"),
        ('<https://a.example/1>; rel="prev"', None),
        ("", None),
    ],
)
def test_only_the_next_link_counts(header: str, found: str | None) -> None:
    address = next_link({"Link": header})
    assert address == (f"https://a.example/{found}" if found else None)


@pytest.mark.parametrize(
    "other", ["//b.example/x", "http://a.example/x", "https://a.example:8443/"]
)
def test_another_scheme_port_or_host_is_another_host(other: str) -> None:
    with pytest.raises(PagingError):
        same_host("https://a.example/y", other)
    assert same_host("https://a.example/y", "/x?p=2") == "https://a.example/x?p=2"
