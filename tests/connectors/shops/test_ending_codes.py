"""A code is issued, ended and ended again: at every shop that can do it, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kit.action import Capability, Job
from connectors.kit.capabilities import CouponEnd
from connectors.kit.errors import AuthError, RateLimited
from connectors.kit.examples import EXAMPLES
from connectors.kit.registry import all_manifests
from connectors.kit.sandbox import Fault, VendorSandbox
from flows.directory import action_for
from tests.conformance.candidate import Candidate
from tests.connectors.conftest import Serve

ENDING = [
    one.slug
    for one in all_manifests()
    if any(action.capability is Capability.COUPON_END for action in one.actions)
]


def test_the_three_shops_can() -> None:
    assert {"shopify", "woocommerce", "bigcommerce"} <= set(ENDING)


@pytest.fixture(params=ENDING)
def slug(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def opened(serve: Serve, slug: str) -> tuple[VendorSandbox, Any]:
    sandbox = Candidate(slug).sandbox()
    manifest = Candidate(slug).manifest
    account = manifest.account.model_validate(sandbox.account_at(await serve(sandbox)))
    assert manifest.connect is not None
    return sandbox, manifest.connect(account)


def writes(sandbox: VendorSandbox) -> list[str]:
    return [one["kind"] for one in sandbox.records]


async def test_a_code_is_ended_and_ending_it_again_is_harmless(serve: Serve, slug: str) -> None:
    sandbox, client = await opened(serve, slug)
    issue, end = action_for(slug, Capability.COUPON), action_for(slug, Capability.COUPON_END)
    assert issue is not None
    assert end is not None
    assert end.idempotency.may_resend
    coupon: Any = EXAMPLES[Capability.COUPON]
    issued = await issue.run(client, Job("k:issue", coupon))
    for _ in range(2):
        ended = await end.run(client, Job("k:end", CouponEnd(code=coupon.code)))
        assert ended.vendor_id == issued.vendor_id
    assert len(writes(sandbox)) == 3
    await client.aclose()


async def test_a_code_that_is_not_there_counts_as_ended(serve: Serve, slug: str) -> None:
    sandbox, client = await opened(serve, slug)
    end = action_for(slug, Capability.COUPON_END)
    assert end is not None
    found = await end.run(client, Job("k", CouponEnd(code="NEVER-WAS")))
    assert (found.vendor_id, writes(sandbox)) == ("", [])
    await client.aclose()


@pytest.mark.parametrize(("status", "error"), [(401, AuthError), (429, RateLimited)])
async def test_a_refusal_is_never_taken_for_a_code_that_is_not_there(
    serve: Serve, slug: str, status: int, error: type[Exception]
) -> None:
    sandbox, client = await opened(serve, slug)
    end = action_for(slug, Capability.COUPON_END)
    assert end is not None
    sandbox.faults.append(Fault(status=status, times=9))
    with pytest.raises(error):
        await end.run(client, Job("k", CouponEnd(code="MILA-4700")))
    assert writes(sandbox) == []
    await client.aclose()
