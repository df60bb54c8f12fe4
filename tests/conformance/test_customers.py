"""A shop that lists its customers lists all of them, from any page on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connectors.kit.customers import CustomerPage
from connectors.kit.webhook import Source
from tests.conformance.bench import Bench, bench, missing, not_needed
from tests.conformance.candidate import Candidate


async def _walk(found: Bench, source: Source, cursor: str = "") -> list[CustomerPage]:
    listing = found.manifest.customers
    assert listing is not None
    return [page async for page in listing.every(found.client, source, cursor=cursor)]


def _ids(pages: Sequence[CustomerPage]) -> set[str | None]:
    return {one.id for page in pages for one in page.customers}


@pytest.mark.criterion("reconcile")
async def test_every_customer_is_listed_and_a_walk_goes_on_from_any_page(one: Candidate) -> None:
    if one.manifest.customers is None:
        not_needed("it has no list of customers")
    source = Source(one.slug, "main")
    async with bench(one) as found:
        try:
            found.sandbox.stage()
        except NotImplementedError as error:
            missing(str(error))
        pages = await _walk(found, source)
        everybody = _ids(pages)
        assert everybody, "the sandbox has customers"
        assert None not in everybody, "every customer has the shop's id"
        assert [reason for page in pages for reason in page.unreadable] == []
        for number, page in enumerate(pages, 1):
            rest = await _walk(found, source, page.cursor)
            assert _ids(pages[:number]) | _ids(rest) == everybody
