"""Every action at work: what it returns, what a second time does, what batches answer."""

from __future__ import annotations

import pytest

from connectors.kit.action import Action, Idempotency, Job, Sent
from connectors.kit.errors import AuthError
from connectors.kit.manifest import Manifest
from tests.conformance.bench import bench, not_needed, wrong_account
from tests.conformance.candidate import Candidate

ONLY_LISTENS = "it only listens"


@pytest.mark.criterion("authentication")
async def test_the_check_names_the_account(one: Candidate) -> None:
    async with bench(one) as found:
        said = await found.client.check()
        assert said.endswith(".")
        assert not any(secret in said for secret in _revealed(found.account))


@pytest.mark.criterion("authentication")
async def test_wrong_credentials_are_refused(one: Candidate) -> None:
    async with bench(one) as found:
        client = found.manifest.open(wrong_account(found))
        try:
            with pytest.raises(AuthError) as caught:
                await client.check()
        finally:
            await client.aclose()
        assert len(str(caught.value)) > 10


def _revealed(account: object) -> list[str]:
    from connectors.kit.redact import secrets_of

    return secrets_of(account)  # type: ignore[arg-type]


@pytest.mark.criterion("delivery")
def test_it_does_something_or_only_listens(one: Candidate) -> None:
    if not one.manifest.actions:
        not_needed(ONLY_LISTENS)
    assert all(action.sample for action in one.manifest.actions)


@pytest.mark.criterion("delivery")
async def test_an_action_does_its_work(one: Candidate, action: Action) -> None:
    async with bench(one) as found:
        sent = await action.run(found.client, found.job(action))
        assert type(sent) is action.output
        assert found.sandbox.records, "the stand-in recorded nothing"


@pytest.mark.criterion("delivery")
async def test_each_of_a_batch_has_its_own_outcome(one: Candidate, action: Action) -> None:
    if action.run_batch is None:
        not_needed("it has no batches")
    async with bench(one) as found:
        for count in (0, 1, 3):
            jobs = [found.job(action, f"key-{count}-{n}") for n in range(count)]
            outcomes = await action.run_batch(found.client, jobs)
            assert len(outcomes) == count
            assert all(isinstance(outcome, Sent) for outcome in outcomes)


@pytest.mark.criterion("repeats")
def test_it_repeats_nothing_where_it_does_nothing(one: Candidate) -> None:
    if not one.manifest.actions:
        not_needed(ONLY_LISTENS)


@pytest.mark.criterion("repeats")
async def test_a_second_time_keeps_the_promise(one: Candidate, action: Action) -> None:
    if action.idempotency is Idempotency.NONE:
        assert _is_admitted(one.manifest, action)
        return
    async with bench(one) as found:
        job = found.job(action)
        if action.find is not None:
            assert await action.find(found.client, job) is None
        first = await action.run(found.client, job)
        if action.find is not None:
            second = await action.find(found.client, job)
            assert second is not None
        else:
            second = await action.run(found.client, Job(job.key, job.input))
        assert second.vendor_id == first.vendor_id


def _is_admitted(one: Manifest, action: Action) -> bool:
    """What nobody can repeat safely has to be said among the known limits."""
    told = " ".join(one.known_limits).lower()
    return any(word in told for word in ("idempot", "twice", "again", "resend", "repeat"))
