"""Walks through what a vendor answers in pages: five ways, one set of bounds.

Every way ends with the vendor's own end mark, and none can go on for ever: a step that comes
back a second time stops with an error that says so, pages and items are capped, and an address
for the next page is followed only where it leads to the same host.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from connectors.kit.errors import ConnectorBug
from connectors.kit.http import HttpClient

Step = TypeVar("Step", bound=Hashable)
Item = TypeVar("Item")

Fetched = tuple[Sequence[Item], Step | None]
"""The items of one page, and the step to the next; None at the end."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a walk may go. Reaching a bound is an error, never a silent cut."""

    pages: int = 1_000
    items: int = 100_000


BOUNDS = Bounds()


class PagingError(ConnectorBug):
    """The vendor's pages do not come to an end as they should; the text says how."""


async def walk(
    fetch: Callable[[Step], Awaitable[Fetched[Item, Step]]],
    first: Step,
    *,
    bounds: Bounds = BOUNDS,
) -> AsyncIterator[Sequence[Item]]:
    """Page after page, from `first` on.

    For vendors that none of the ready ways fits (GraphQL cursors, SDKs).

    Args:
        fetch: Gets the page at a step, and says which step comes next (None: this was the last).

    Raises:
        PagingError: A step repeats, or a bound is reached.
    """
    seen = {first}
    step: Step | None = first
    pages = items = 0
    while step is not None:
        found, step = await fetch(step)
        pages, items = pages + 1, items + len(found)
        if items > bounds.items:
            raise PagingError(
                f"the vendor answered with more than {bounds.items} items: narrow the question"
            )
        yield found
        if step is None:
            return
        if step in seen:
            raise PagingError(
                f"the vendor's cursor {str(step)[:60]!r} repeats after {pages} pages: the walk "
                "was stopped, since it would never end"
            )
        if pages >= bounds.pages:
            raise PagingError(f"the vendor has more than {bounds.pages} pages: narrow the question")
        seen.add(step)


async def by_cursor(
    http: HttpClient,
    path: str,
    *,
    items: str,
    cursor: str,
    param: str = "cursor",
    params: Mapping[str, str] | None = None,
    bounds: Bounds = BOUNDS,
) -> AsyncIterator[Sequence[Any]]:
    """Pages whose reply holds the cursor of the next one.

    Args:
        items: Where the list stands in the reply, `data.customers`; empty: the reply is it.
        cursor: Where the next cursor stands, `meta.next`; missing, null, empty or 0 is the end.
        param: The query parameter that takes it.
    """

    async def fetch(step: str) -> Fetched[Any, str]:
        query = {**(params or {}), **({param: step} if step else {})}
        reply = (await http.send("GET", path, params=query)).json()
        following = dig(reply, cursor)
        return listed(reply, items), str(following) if following not in (None, "", False) else None

    async for page in walk(fetch, "", bounds=bounds):
        yield page


async def by_link(
    http: HttpClient,
    path: str,
    *,
    items: str = "",
    params: Mapping[str, str] | None = None,
    bounds: Bounds = BOUNDS,
) -> AsyncIterator[Sequence[Any]]:
    """Pages linked by a `Link` header (RFC 8288), of which only rel="next" is followed."""

    async def fetch(step: str) -> Fetched[Any, str]:
        reply = await http.send("GET", step, params=params if step == path else None)
        here = http.url_of(step)
        following = next_link(reply.headers)
        return listed(reply.json(), items), same_host(here, following) if following else None

    async for page in walk(fetch, path, bounds=bounds):
        yield page


async def by_next_url(
    http: HttpClient,
    path: str,
    *,
    items: str,
    url: str,
    params: Mapping[str, str] | None = None,
    bounds: Bounds = BOUNDS,
) -> AsyncIterator[Sequence[Any]]:
    """Pages whose reply holds the address of the next one, whole or from the root.

    Args:
        url: Where that address stands, `next_page_uri`; missing, null or empty is the end.
    """

    async def fetch(step: str) -> Fetched[Any, str]:
        reply = (await http.send("GET", step, params=params if step == path else None)).json()
        following = dig(reply, url)
        here = http.url_of(step)
        return listed(reply, items), same_host(here, str(following)) if following else None

    async for page in walk(fetch, path, bounds=bounds):
        yield page


async def by_page(  # noqa: PLR0913 - each names one habit of a vendor
    http: HttpClient,
    path: str,
    *,
    items: str = "",
    page: str = "page",
    size: str = "per_page",
    per_page: int = 100,
    first: int = 1,
    params: Mapping[str, str] | None = None,
    bounds: Bounds = BOUNDS,
) -> AsyncIterator[Sequence[Any]]:
    """Numbered pages; a page that is not full is the last."""

    async def fetch(step: int) -> Fetched[Any, int]:
        query = {**(params or {}), page: str(step), size: str(per_page)}
        found = listed((await http.send("GET", path, params=query)).json(), items)
        return found, step + 1 if len(found) >= per_page else None

    async for one in walk(fetch, first, bounds=bounds):
        yield one


async def by_offset(  # noqa: PLR0913 - each names one habit of a vendor
    http: HttpClient,
    path: str,
    *,
    items: str = "",
    offset: str = "offset",
    size: str = "limit",
    per_page: int = 100,
    first: int = 0,
    params: Mapping[str, str] | None = None,
    bounds: Bounds = BOUNDS,
) -> AsyncIterator[Sequence[Any]]:
    """Pages by how many items came before; a page that is not full is the last."""

    async def fetch(step: int) -> Fetched[Any, int]:
        query = {**(params or {}), offset: str(step), size: str(per_page)}
        found = listed((await http.send("GET", path, params=query)).json(), items)
        return found, step + len(found) if len(found) >= per_page else None

    async for one in walk(fetch, first, bounds=bounds):
        yield one


# --- parts -----------------------------------------------------------------------------------

_LINK = re.compile(r"<([^>]*)>([^<]*)")


def next_link(headers: Mapping[str, str]) -> str | None:
    """The address with rel="next" in a Link header; never the one with rel="previous"."""
    value = next((text for name, text in headers.items() if name.lower() == "link"), "")
    for address, parameters in _LINK.findall(value):
        if re.search(r';\s*rel\s*=\s*"?[^";,]*\bnext\b', parameters, re.IGNORECASE):
            return str(address)
    return None


def same_host(here: str, following: str) -> str:
    """The next address in full; PagingError where it leads to another host or scheme."""
    found = urljoin(here, following)
    mine, theirs = urlsplit(here), urlsplit(found)
    if (mine.scheme, mine.netloc.lower()) != (theirs.scheme, theirs.netloc.lower()):
        raise PagingError(
            f"the vendor's next page is at another host ({theirs.netloc[:80]!r}): not followed, "
            "since the credentials would go there too"
        )
    return found


def dig(reply: Any, place: str) -> Any:
    """What stands at `meta.next` of a reply; None where there is nothing."""
    found = reply
    for name in place.split(".") if place else ():
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def listed(reply: Any, place: str) -> Sequence[Any]:
    """The list at a place of a reply; ConnectorBug where there is none."""
    found = dig(reply, place)
    if not isinstance(found, list):
        raise ConnectorBug(f"the vendor's reply has no list at {place or 'its top'!r}")
    return found
