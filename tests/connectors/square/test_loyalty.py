"""Square's loyalty programme: who is meant, what is asked for, and how refusals are understood."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.action import Job
from connectors.kit.capabilities import PointsChange
from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    RateLimited,
    ScopeError,
)
from connectors.kit.sandbox import Fault
from connectors.square.inputs import LoyaltyEnrolment, PurchasePoints, RewardChoice, RewardUse
from connectors.square.loyalty import (
    accumulate_points,
    change_points,
    create_loyalty_account,
    create_reward,
    redeem_reward,
)
from connectors.square.records import id_of

MILA = "LOYAL-7001"


def points(amount: int, key: str = "job", **whom: str) -> Job:
    return Job(key, PointsChange.model_validate({"points": amount, **whom}))


async def test_a_person_is_found_by_id_telephone_or_email(till: Any) -> None:
    client = till.open()
    for number, whom in enumerate(
        (
            {"customer_id": "7001"},
            {"phone": "+15005550123"},
            {"email": "mila.brandt@shop.example"},
            {"customer_id": "of another account", "phone": "+15005550123"},
        )
    ):
        assert (await change_points(client, points(10, f"job-{number}", **whom))).vendor_id
    assert [one["account"] for one in till.sandbox.records] == [MILA] * 4
    assert till.sandbox.loyalty.accounts[MILA]["balance"] == 540


async def test_who_is_in_no_programme_is_not_found(till: Any) -> None:
    client = till.open()
    for whom in (
        {"customer_id": "7999"},
        {"phone": "+15005550000"},
        {"email": "nobody@shop.example"},
        {"external_id": "m-1"},
    ):
        with pytest.raises(NotFound, match="enrol them by telephone"):
            await change_points(client, points(10, **whom))
    assert not till.sandbox.records


async def test_the_same_job_counts_once_and_another_content_under_its_key_is_told(
    till: Any,
) -> None:
    client = till.open()
    first = await change_points(client, points(10, customer_id="7001"))
    assert (await change_points(client, points(10, customer_id="7001"))) == first
    with pytest.raises(Conflict, match="IDEMPOTENCY_KEY_REUSED"):
        await change_points(client, points(11, customer_id="7001"))
    assert till.sandbox.loyalty.accounts[MILA]["balance"] == 510


async def test_a_long_key_becomes_one_that_square_takes(till: Any) -> None:
    client = till.open()
    await change_points(client, points(10, "k" * 300, customer_id="7001"))
    body = json.loads(till.traffic[-1].request)
    assert len(body["idempotency_key"]) == 36
    assert "kkk" not in body["idempotency_key"]


async def test_below_zero_only_where_the_account_allows_it(till: Any) -> None:
    with pytest.raises(InvalidRequest, match="negative"):
        await change_points(till.open(), points(-501, customer_id="7001"))
    client = till.open(allow_negative_points=True)
    assert (await change_points(client, points(-501, "job-2", customer_id="7001"))).vendor_id
    assert till.sandbox.loyalty.accounts[MILA]["balance"] == -1
    await change_points(client, points(5, "job-3", customer_id="7001"))
    assert "allow_negative_balance" not in json.loads(till.traffic[-1].request)


async def test_points_of_an_order_are_left_to_square(till: Any) -> None:
    client = till.open()
    for given, expected in (
        ({"order_id": "ORD1"}, {"order_id": "ORD1"}),
        ({"points": 7}, {"points": 7}),
    ):
        bought = PurchasePoints.model_validate({"customer_id": "7001", **given})
        await accumulate_points(client, Job(f"job-{given}", bought))
        body = json.loads(till.traffic[-1].request)
        assert (body["accumulate_points"], body["location_id"]) == (expected, "LHAFENSTRASSE")


async def test_the_location_of_the_action_goes_before_the_accounts(till: Any) -> None:
    bought = PurchasePoints(customer_id="7001", points=1, location_id="LNORTH")
    await accumulate_points(till.open(), Job("job", bought))
    assert json.loads(till.traffic[-1].request)["location_id"] == "LNORTH"
    nowhere = till.open(location_id="")
    asked = len(till.traffic)
    for run, given in (
        (accumulate_points, PurchasePoints(customer_id="7001", points=1)),
        (redeem_reward, RewardUse(reward_id="REWARD-1")),
    ):
        with pytest.raises(InvalidRequest, match="wants to know the location"):
            await run(nowhere, Job("job-2", given))
    assert len(till.traffic) == asked


async def test_a_purchase_that_earns_nothing_is_no_error(till: Any) -> None:
    client = till.open()
    till.sandbox.faults.append(Fault(status=200, body="{}", path="accumulate"))
    bought = PurchasePoints(customer_id="7001", order_id="ORD1")
    assert (await accumulate_points(client, Job("job", bought))).vendor_id == ""


async def test_who_is_enrolled_stays_as_they_are(till: Any) -> None:
    client = till.open()
    known = Job("job", LoyaltyEnrolment(phone="+15005550123"))
    assert (await create_loyalty_account(client, known)).vendor_id == MILA
    assert not till.sandbox.records
    new = Job("job-2", LoyaltyEnrolment(phone="+15005550199", customer_id="7002"))
    made = (await create_loyalty_account(client, new)).vendor_id
    account = till.sandbox.loyalty.accounts[made]
    assert (account["program_id"], account["customer_id"]) == ("PROGRAM-1", "7002")


async def test_a_reward_costs_points_and_is_used_once(till: Any) -> None:
    client = till.open()
    choice = RewardChoice(customer_id="7001", reward_tier_id="TIER-CAKE", order_id="ORD1")
    made = (await create_reward(client, Job("job", choice))).vendor_id
    assert till.sandbox.loyalty.accounts[MILA]["balance"] == 250
    use = RewardUse(reward_id=made)
    used = await redeem_reward(client, Job("job-2", use))
    assert await redeem_reward(client, Job("job-2", use)) == used
    with pytest.raises(InvalidRequest, match="redeemed already"):
        await redeem_reward(client, Job("job-3", use))
    with pytest.raises(NotFound):
        await redeem_reward(client, Job("job-4", RewardUse(reward_id="../rewards")))


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (PurchasePoints, {"customer_id": "7001"}),
        (PurchasePoints, {"customer_id": "7001", "points": 1, "order_id": "ORD1"}),
        (PurchasePoints, {"customer_id": "7001", "points": 0}),
        (PurchasePoints, {"points": 1}),
        (LoyaltyEnrolment, {"phone": "0500 555"}),
        (RewardChoice, {"customer_id": "7001"}),
        (RewardUse, {"reward_id": ""}),
    ],
)
def test_an_input_that_says_too_little_or_too_much_is_refused(
    model: Any, fields: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(fields)


CODES: list[tuple[int, str, type[ConnectorError]]] = [
    (401, "ACCESS_TOKEN_EXPIRED", AuthError),
    (403, "INSUFFICIENT_SCOPES", ScopeError),
    (404, "NOT_FOUND", NotFound),
    (400, "CUSTOMER_NOT_FOUND", NotFound),
    (400, "IDEMPOTENCY_KEY_REUSED", Conflict),
    (400, "INVALID_VALUE", InvalidRequest),
    (429, "RATE_LIMITED", RateLimited),
]


async def test_squares_own_codes_say_what_to_do(till: Any) -> None:
    client = till.open()
    for status, code, kind in CODES:
        error = {"category": "X", "code": code, "detail": "No.", "field": "query.limit"}
        body = json.dumps({"errors": [error]})
        till.sandbox.faults.append(Fault(status=status, body=body))
        with pytest.raises(ConnectorError) as caught:
            await client.check()
        assert type(caught.value) is kind
        assert caught.value.vendor_code == code
        assert "query.limit" in str(caught.value)


@pytest.mark.parametrize("record", [None, {}, {"id": ""}, {"id": 7}, []])
def test_an_answer_without_an_id_is_no_success(record: Any) -> None:
    with pytest.raises(ConnectorBug):
        id_of(record)
