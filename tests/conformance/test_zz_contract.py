"""The traffic of the other tests fits what the vendors publish; it comes last by its name."""

from __future__ import annotations

import pytest

from tests.conformance.bench import RECORDED, bench, missing
from tests.conformance.candidate import Candidate
from tests.connectors.contract import complaints_about, contract

pytestmark = pytest.mark.criterion("contract")


async def test_the_traffic_fits_the_published_contract(one: Candidate) -> None:
    if "contract" in one.manifest.exempt:
        pytest.skip(f"not needed: {one.manifest.exempt['contract']}")
    if not one.manifest.contract:
        missing("its manifest names no contract")
    spec = contract(one.manifest.contract)
    async with bench(one) as found:
        await found.client.check()
    good = [exchange for exchange in RECORDED[one.slug] if 200 <= exchange.status < 300]
    wrong = {
        complaint
        for exchange in good
        for complaint in complaints_about(spec, exchange, base=one.manifest.contract_base)
    }
    assert sorted(wrong) == []
