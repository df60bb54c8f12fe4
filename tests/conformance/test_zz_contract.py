"""The traffic of the other tests fits what the vendors publish; it comes last by its name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.bench import RECORDED, bench, missing, not_needed
from tests.conformance.candidate import Candidate
from tests.connectors.contract import Exchange, complaints_about, contract

pytestmark = pytest.mark.criterion("contract")


async def test_the_traffic_fits_the_published_contract(one: Candidate) -> None:
    if "contract" in one.manifest.exempt:
        not_needed(one.manifest.exempt["contract"])
    if not one.manifest.contracts:
        missing("its manifest names no contract")
    published = sorted(one.manifest.contracts, key=lambda found: -len(found.base))
    specs = [(found.base, contract(found.path)) for found in published]
    async with bench(one) as found:
        await found.client.check()
    wrong: set[str] = set()
    for exchange in RECORDED[one.slug]:
        if 200 <= exchange.status < 300:
            wrong |= set(_complaints(specs, exchange))
    assert sorted(wrong) == []


def _complaints(specs: list[tuple[str, dict[str, Any]]], exchange: Exchange) -> list[str]:
    for base, spec in specs:
        if exchange.path.startswith(base):
            return complaints_about(spec, exchange, base=base)
    return [f"{exchange.method} {exchange.path} is in none of the contracts"]
