"""Wix: its tokens, orders and refunds, points, coupons, contacts, and the derived contract."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.action import Job
from connectors.kit.capabilities import CouponIssue, CustomerChange, PointsChange
from connectors.kit.errors import AuthError, Conflict, InvalidRequest, NotFound
from connectors.kit.payload import read
from connectors.kit.poll import Page
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.webhook import BadSignature, InboundRequest, NoticeKind, Source, Unreadable
from connectors.wix.account import WixAccount
from connectors.wix.client import WixClient
from connectors.wix.manifest import MANIFEST
from connectors.wix.orders import contact_events, order_events
from connectors.wix.payloads import OrderPayload
from connectors.wix.sandbox import API_KEY, SANDBOX_ACCOUNT, WixSandbox
from connectors.wix.stand_in import INSTANCE, claims_of, order_of, refund_of
from connectors.wix.stand_in_key import token
from connectors.wix.triggers import REMOVED, WEBHOOK, decode, verify
from loyalty.events import Channel, ConsentState, Event, EventType
from tests.connectors.contract import complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
HERE = Source("wix", "main")
NOW = datetime.now(UTC).replace(microsecond=0)
WHEN = "2026-11-20T10:15:00.000Z"
LATER = "2026-11-20T11:15:00.000Z"
TOPIC = "wix.ecom.v1.order_approved"


def account(base_url: str = "https://site.example", **fields: Any) -> WixAccount:
    return WixAccount.model_validate({**SANDBOX_ACCOUNT, "base_url": base_url, **fields})


async def run(name: str, client: WixClient, given: Any, key: str = "job-1") -> Any:
    return await MANIFEST.action(name).run(client, Job(key, given))


# --- webhooks --------------------------------------------------------------------------------


def hook(body: bytes, **more: Any) -> InboundRequest:
    query = {"token": str(SANDBOX_ACCOUNT["hook_token"])}
    return replace(InboundRequest("POST", "https://hub.example", {}, body, NOW, query), **more)


def claims(**changes: Any) -> dict[str, Any]:
    return {**claims_of(TOPIC, {"entityId": "1"}, NOW, "event-1"), **changes}


def test_a_signed_token_is_taken_and_read() -> None:
    request = hook(token(claims()))
    verify(request, account())
    payload = decode(request.body)
    assert WEBHOOK.topic(request, payload) == TOPIC
    assert WEBHOOK.delivery_id(request, payload) == "event-1"
    as_object = token(claims(data={"eventType": TOPIC, "instanceId": INSTANCE}))
    verify(hook(as_object), account())
    assert WEBHOOK.topic(request, decode(as_object)) == TOPIC


def _encoded(part: Any) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


GOOD = token(claims())
HEADER, CLAIMS, SIGNATURE = GOOD.split(b".")
FORGED = {
    "changed claims": b".".join((HEADER, _encoded(claims(iat=1)), SIGNATURE)),
    "no signature": b".".join((_encoded({"alg": "none"}), CLAIMS, b"")),
    "another algorithm": token(claims(), header={"alg": "HS256"}),
    "cut": GOOD[:-4],
    "two parts": b".".join((HEADER, CLAIMS)),
    "no token": b'{"eventType": "x"}',
    "nothing": b"",
    "not base64": b"a!.b!.c!",
}


@pytest.mark.parametrize("what", FORGED)
def test_what_wix_did_not_sign_is_refused(what: str) -> None:
    with pytest.raises(BadSignature):
        verify(hook(FORGED[what]), account())


@pytest.mark.parametrize(
    ("changes", "hours", "taken"),
    [
        ({}, 0, True),
        ({}, 47, True),
        ({"exp": None}, 71, True),
        ({"exp": None}, 73, False),
        ({"exp": int(NOW.timestamp()) + 60}, 1, False),
        ({"iat": None, "exp": None}, 0, False),
        ({"iat": int(NOW.timestamp()) + 3600}, 0, False),
        ({"iat": "soon"}, 0, False),
        ({"exp": True}, 0, False),
        ({"iat": 10**30}, 0, False),
    ],
)
def test_a_token_is_good_for_a_time(changes: dict[str, Any], hours: int, taken: bool) -> None:
    request = hook(token(claims(**changes)), received_at=NOW + timedelta(hours=hours))
    if taken:
        verify(request, account())
    else:
        with pytest.raises(BadSignature):
            verify(request, account())


def test_another_site_of_the_same_app_is_refused() -> None:
    other = account(instance_id="5a1d0000-0000-4000-8000-0000000000ff")
    with pytest.raises(BadSignature, match="another site"):
        verify(hook(GOOD), other)


def test_without_a_usable_key_nothing_is_taken() -> None:
    for pem in ("", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"):
        with pytest.raises(BadSignature, match="public key"):
            verify(hook(GOOD), account(public_pem=pem))


@pytest.mark.parametrize("body", [b"", b"a.b.c", b"\xff.\xff.\xff", HEADER + b"..", token([])])  # type: ignore[arg-type]
def test_what_cannot_be_read_says_so(body: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(body)


def test_a_removed_app_is_a_notice() -> None:
    notice = WEBHOOK.triggers[REMOVED].notice
    assert notice is not None
    found = notice({}, hook(GOOD))
    assert found is not None
    assert found.kind is NoticeKind.REVOKED


# --- the account -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"app_secret": None}, {"instance_id": ""}, {"app_id": "x"}, {"public_pem": "abc"},
        {"hook_token": "short"}, {"currency": "euro"},
    ],
)  # fmt: skip
def test_an_account_that_cannot_work_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        account(**fields)


# --- orders and contacts ---------------------------------------------------------------------


def told(order: dict[str, Any], refunds: Sequence[dict[str, Any]] = ()) -> list[Event]:
    return list(order_events(read(OrderPayload, order), HERE, refunds=refunds))


def placed(**changes: Any) -> dict[str, Any]:
    return {**order_of("4501", "7001", WHEN, WHEN), **changes}


@pytest.mark.parametrize(
    ("payment", "status", "expected"),
    [
        ("PAID", "APPROVED", ["order.paid"]),
        ("PARTIALLY_REFUNDED", "APPROVED", ["order.paid"]),
        ("FULLY_REFUNDED", "APPROVED", ["order.paid"]),
        ("NOT_PAID", "APPROVED", []),
        ("PENDING", "APPROVED", []),
        ("PARTIALLY_PAID", "APPROVED", []),
        ("PAID", "REJECTED", []),
        ("PAID", "CANCELED", ["order.cancelled"]),
        ("NOT_PAID", "INITIALIZED", []),
    ],
)
def test_an_order_counts_when_it_is_paid(payment: str, status: str, expected: list[str]) -> None:
    events = told(placed(paymentStatus=payment, status=status))
    assert [event.type.value for event in events] == expected


def test_an_order_adds_up_net_of_tax_and_discounts() -> None:
    line = {
        "id": "1",
        "quantity": 2,
        "price": {"amount": "12.10"},
        "totalPriceBeforeTax": {"amount": "18.00"},
        "taxInfo": {"totalTax": {"amount": "3.78"}},
    }
    cost = {"cost": {"totalPriceBeforeTax": {"amount": "4.00"}}}
    summary = {
        "shipping": {"amount": "4.84"},
        "tax": {"amount": "4.62"},
        "total": {"amount": "25.62"},
    }
    (event,) = told(
        placed(lineItems=[line], shippingInfo=cost, priceSummary=summary,
               appliedDiscounts=[{"coupon": {"code": "MILA-1"}}, {}])
    )  # fmt: skip
    order = event.data
    net = sum((one.net for one in order.lines), Decimal(0))
    assert net + order.shipping + order.tax - order.discount == order.total == Decimal("25.62")
    assert (order.discount, order.codes, order.number) == (Decimal("1.00"), ("MILA-1",), "10042")
    assert event.subject == "wix/main:customer:7001"


def test_pieces_given_back_take_back_their_share() -> None:
    *_, event = told(placed(), [refund_of("r-1", LATER)])
    assert event.type is EventType.ORDER_REFUNDED
    assert (event.data.amount, event.key) == (Decimal("12.00"), "r-1")
    assert [(one.line_id, one.quantity, one.amount) for one in event.data.lines] == [
        ("l-4501", 1, Decimal("12.00"))
    ]
    failed = refund_of("r-2", LATER, status="FAILED")
    assert [one.type for one in told(placed(), [failed])] == [EventType.ORDER_PAID]


def test_only_what_somebody_said_is_a_consent() -> None:
    record = {
        "id": "7001",
        "createdDate": WHEN,
        "updatedDate": LATER,
        "primaryEmail": {"email": "m@shop.example", "subscriptionStatus": "UNSUBSCRIBED"},
        "primaryPhone": {"e164Phone": "+15005550123", "subscriptionStatus": "PENDING"},
        "info": {"birthdate": "1990-02-30", "labelKeys": {"items": ["custom.gold"]}},
    }
    created, updated = contact_events(record, HERE)
    assert created.data.consents == {Channel.EMAIL: ConsentState.WITHDRAWN}
    assert (created.data.phone, created.data.birthday) == ("+15005550123", None)
    assert created.data.tags == ("custom.gold",)
    assert (created.key, updated.key) == ("7001", "7001:2026-11-20T11:15:00+00:00")


# --- at work ---------------------------------------------------------------------------------


@pytest.fixture
def sandbox() -> WixSandbox:
    return WixSandbox()


@pytest.fixture
async def client(serve: Serve, sandbox: WixSandbox) -> AsyncIterator[WixClient]:
    one = WixClient(account(await serve(sandbox)))
    yield one
    await one.aclose()


async def test_a_withdrawn_token_is_renewed_once(client: WixClient, sandbox: WixSandbox) -> None:
    await client.check()
    sandbox.token = "another"
    assert "answers" in await client.check()
    assert sandbox.calls["POST /wix/oauth2/token"] == 2


async def test_an_api_key_needs_no_token(serve: Serve, sandbox: WixSandbox) -> None:
    url = await serve(sandbox)
    key = {"app_secret": None, "site_id": INSTANCE}
    for value, error in ((API_KEY, None), ("wrong-key", AuthError)):
        one = WixClient(account(url, api_key=value, **key))
        if error:
            with pytest.raises(error):
                await one.check()
        else:
            await one.check()
        await one.aclose()
    assert sandbox.calls["POST /wix/oauth2/token"] == 0


@pytest.mark.parametrize("points", [120, -20])
async def test_points_are_booked_once_and_found_again(
    client: WixClient, sandbox: WixSandbox, points: int
) -> None:
    action = MANIFEST.action("change_points")
    assert action.find is not None
    sandbox.join("7001")["points"]["balance"] = 50
    job = Job(
        "job-1", PointsChange(email="mila.brandt@shop.example", points=points, reason="x" * 150)
    )
    assert await action.find(client, job) is None
    done: Any = await action.run(client, job)
    assert done.balance == 50 + points
    for _ in range(3):
        sandbox.book("a-7001", 5, "EARN", description="Wix's own")
    assert await action.find(client, job) == done
    assert await action.find(client, Job("job-2", job.input)) is None
    assert len(sandbox.transactions[0]["description"]) <= 100


async def test_somebody_new_becomes_a_member(client: WixClient, sandbox: WixSandbox) -> None:
    done = await run("change_points", client, PointsChange(phone="+15005550123", points=7))
    assert (done.balance, list(sandbox.accounts)) == (7, ["a-7001"])
    with pytest.raises(Conflict):  # the vendor's own key, should it ever be sent twice
        await run("change_points", client, PointsChange(customer_id="7001", points=7))


async def test_points_that_cannot_be_are_refused(client: WixClient, sandbox: WixSandbox) -> None:
    for points, error in ((10**8, InvalidRequest), (-5, InvalidRequest)):
        with pytest.raises(error):
            await run("change_points", client, PointsChange(customer_id="7001", points=points))
    with pytest.raises(NotFound):
        await run("change_points", client, PointsChange(email="no@shop.example", points=5))


def coupon(**changes: Any) -> CouponIssue:
    plain: dict[str, Any] = {"email": "m@shop.example", "code": "MILA-1", "kind": "amount",
                             "value": Decimal("5.50"), "currency": "EUR",
                             "starts_at": datetime(2026, 11, 1, tzinfo=UTC)}  # fmt: skip
    return CouponIssue(**{**plain, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"moneyOffAmount": 5.5, "scope": {"namespace": "stores"}}),
        ({"kind": "percent", "value": Decimal(15)}, {"percentOffRate": 15}),
        ({"minimum": Decimal("30.00")}, {"minimumSubtotal": 30}),
        ({"kind": "free_shipping", "value": Decimal(0)}, {"freeShipping": True}),
        ({"ends_at": datetime(2026, 12, 1, tzinfo=UTC)}, {"expirationTime": "1796083200000"}),
    ],
)
async def test_a_coupon_is_sent_as_it_was_meant(
    client: WixClient, sandbox: WixSandbox, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    await run("issue_coupon", client, coupon(**changes))
    made = sandbox.coupons["MILA-1"]["specification"]
    assert {name: made[name] for name in expected} == expected
    assert (made["startTime"], made["usageLimit"]) == ("1793491200000", 1)
    assert not {"scope", "minimumSubtotal"} <= set(made)


async def test_a_coupon_that_cannot_be_is_refused(client: WixClient) -> None:
    for wrong in (coupon(code="A" * 21), coupon(currency="USD")):
        with pytest.raises(InvalidRequest):
            await run("issue_coupon", client, wrong)


async def test_labels_and_fields_are_written_and_the_others_kept(
    client: WixClient, sandbox: WixSandbox
) -> None:
    info = sandbox.contacts["7001"]["info"]
    info["extendedFields"]["items"] = {"custom.old": "1", "custom.gone": "2", "members.x": "3"}
    info["labelKeys"]["items"] = ["custom.silver", "custom.tea"]
    change = CustomerChange(email="mila.brandt@shop.example", add_tags=("gold",),
                            remove_tags=("silver",),
                            fields={"points": 120, "gone": None})  # fmt: skip
    for _ in range(2):
        assert (await run("update_contact", client, change)).vendor_id == "7001"
    assert sandbox.contacts["7001"]["revision"] == 2
    assert info["extendedFields"]["items"] == {
        "custom.old": "1", "custom.gone": "", "custom.points": "120",
    }  # fmt: skip
    assert sorted(info["labelKeys"]["items"]) == ["custom.gold", "custom.tea"]


async def test_a_contact_that_changed_meanwhile_is_a_conflict(
    client: WixClient, sandbox: WixSandbox
) -> None:
    sandbox.faults = [Fault(status=409, path="/contacts/7001", times=9)]
    with pytest.raises(Conflict):
        await run("update_contact", client, CustomerChange(customer_id="7001", fields={"a": 1}))


# --- polling ---------------------------------------------------------------------------------


async def polled(client: WixClient, cursor: str = "") -> list[Page]:
    assert MANIFEST.poll is not None
    return [
        page async for page in MANIFEST.poll.changed_since(client, HERE, cursor=cursor, now=NOW)
    ]


def keys(pages: list[Page]) -> list[str]:
    return [event.business_key for page in pages for event in page.events]


async def test_redemptions_at_wix_are_told_unless_it_is_switched_off(
    serve: Serve, sandbox: WixSandbox
) -> None:
    url = await serve(sandbox)
    sandbox.stage()
    sandbox.book("a-7002", 30, "EARN", description="[hub abc]")
    sandbox.book("a-lost", 30, "REDEEM")
    for tells in (True, False):
        one = WixClient(account(url, tells_redemptions=tells))
        pages = await polled(one)
        await one.aclose()
        redeemed = [key for key in keys(pages) if ":reward.redeemed:" in key]
        assert len(redeemed) == int(tells)
        assert sum(len(page.unreadable) for page in pages) == int(tells)


async def test_an_unreadable_order_does_not_stop_the_others(
    client: WixClient, sandbox: WixSandbox
) -> None:
    when = (NOW - timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for name, changes in (("a", {"priceSummary": {}}), ("b", {"currency": "XXQ"}), ("c", {})):
        sandbox.orders[name] = {**order_of(name, "7001", when, when), **changes}
    pages = await polled(client, "2026-01-01T00:00:00+00:00")
    assert [key for key in keys(pages) if ":order." in key] == ["wix/main:order.paid:c"]
    assert [one.split(":")[0] for page in pages for one in page.unreadable] == ["a", "b"]
    assert {page.cursor for page in pages[:-1]} == {"2026-01-01T00:00:00+00:00"}
    assert pages[-1].cursor == NOW.isoformat()


# --- the derived contract --------------------------------------------------------------------


async def test_the_calls_fit_the_derived_contract(serve: Serve, sandbox: WixSandbox) -> None:
    spec = contract("specs/wix/openapi.json")
    exchanges = record_traffic(sandbox)
    one = WixClient(account(await serve(sandbox)))
    sandbox.stage()
    await polled(one)
    for points in (20, -5):
        await run(
            "change_points", one, PointsChange(customer_id="7001", points=points), str(points)
        )
    action = MANIFEST.action("change_points")
    assert action.find is not None
    assert await action.find(one, Job("20", PointsChange(customer_id="7001", points=20)))
    change = CustomerChange(customer_id="7001", add_tags=("gold",), fields={"points": 1})
    await run("update_contact", one, change)
    await one.check()
    await one.aclose()
    known = ("/contacts/v4/contacts", "/loyalty-")
    held = [exchange for exchange in exchanges if exchange.path.startswith(known)]
    wrong = {text for exchange in held for text in complaints_about(spec, exchange)}
    assert sorted(wrong) == []
    assert len(held) > 10
