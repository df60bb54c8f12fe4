"""Every refusal of a vendor becomes the error that says what happens next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.kit.errors import (
    AuthError,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.sandbox import Fault
from tests.conformance.bench import Bench, bench, nowhere
from tests.conformance.candidate import CANARY, Candidate

pytestmark = pytest.mark.criterion("errors")

JSON = '{"message": "no", "detail": "no"}'
HTML = "<!doctype html><title>We will be back</title>"

TABLE: dict[int, tuple[type[ConnectorError], ...]] = {
    400: (InvalidRequest,),
    401: (AuthError,),
    402: (QuotaExceeded,),
    403: (ScopeError, AuthError, RateLimited, QuotaExceeded, InvalidRequest),
    422: (InvalidRequest,),
    429: (RateLimited, QuotaExceeded),
    500: (OutcomeUnknown, Transient),
    502: (Transient,),
    503: (Transient,),
}
"""What a status may become; vendors use 403 for much, and what was only read may be read again."""


async def _call(found: Bench) -> None:
    """The first action where there is one, otherwise the check."""
    if found.manifest.actions:
        action = found.manifest.actions[0]
        await action.run(found.client, found.job(action))
    else:
        await found.client.check()


async def _error(found: Bench, fault: Fault) -> ConnectorError:
    found.sandbox.faults[:] = [fault]
    with pytest.raises(ConnectorError) as caught:
        await _call(found)
    found.sandbox.faults.clear()
    return caught.value


async def test_each_status_becomes_its_error(one: Candidate) -> None:
    _skip_unless_http(one)
    async with bench(one, is_healthy=False) as found:
        for status, kinds in TABLE.items():
            error = await _error(found, Fault(status=status, body=JSON, times=9))
            assert isinstance(error, kinds), f"{status}: {error!r}"
            assert error.message
            assert CANARY not in f"{error!r}"


async def test_a_pause_lasts_as_long_as_the_vendor_says(one: Candidate) -> None:
    _skip_unless_http(one)
    async with bench(one, is_healthy=False) as found:
        error = await _error(found, Fault(status=429, body=JSON, retry_after="7", times=9))
        if type(error) is RateLimited:
            assert error.retry_after is None or error.retry_after >= timedelta(seconds=7)


async def test_a_page_for_people_is_not_taken_for_an_answer(one: Candidate) -> None:
    _skip_unless_http(one)
    async with bench(one, is_healthy=False) as found:
        error = await _error(found, Fault(status=200, body=HTML, times=9))
        assert isinstance(error, (ConnectorBug, OutcomeUnknown))


async def test_where_nobody_listens_nothing_was_done(one: Candidate) -> None:
    _skip_unless_http(one)
    async with bench(one, is_healthy=False) as found:
        fields = found.sandbox.account_at(nowhere())
        client = found.manifest.open(found.manifest.account.model_validate(fields))
        try:
            with pytest.raises(Transient):
                await _call(Bench(found.manifest, found.sandbox, found.account, client, ""))
        finally:
            await client.aclose()


def _skip_unless_http(one: Candidate) -> None:
    if "errors" in one.manifest.exempt:
        pytest.skip(f"not needed: {one.manifest.exempt['errors']}")
