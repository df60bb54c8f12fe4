"""The Twilio client, through the real SDK, against the sandbox."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.action import Job
from connectors.kit.capabilities import SmsMessage
from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.twilio.account import TwilioAccount
from connectors.twilio.client import TwilioClient
from connectors.twilio.manifest import MANIFEST
from connectors.twilio.sandbox import INVALID, SANDBOX_ACCOUNT, UNSUBSCRIBED, TwilioSandbox

Serve = Callable[[VendorSandbox], Awaitable[str]]
SEND = MANIFEST.action("send_sms").run
VENDORS = Path(__file__).resolve().parents[3].parent / "shared" / "vendors"
CANARY = "canary-twilio-5b1e"


def job(to: str = "+4915550100200", body: str = "You have 120 points. 🎁") -> Job:
    return Job("shopify/main:order.paid:1:sms", SmsMessage(to=to, body=body))


def client(base_url: str, *, timeout_seconds: float = 10.0, **fields: Any) -> TwilioClient:
    account = TwilioAccount(**{**SANDBOX_ACCOUNT, "base_url": base_url, **fields})
    return TwilioClient(account, timeout_seconds=timeout_seconds)


async def failure(one: TwilioClient, sent: Job | None = None) -> ConnectorError:
    try:
        with pytest.raises(ConnectorError) as caught:
            await SEND(one, sent or job())
        return caught.value
    finally:
        await one.aclose()


async def test_a_text_reaches_twilio_as_it_was_written(serve: Serve) -> None:
    sandbox = TwilioSandbox()
    one = client(await serve(sandbox), status_callback="https://hub.example/hooks/twilio/main")
    sent = await SEND(one, job())
    await one.aclose()
    record = sandbox.records[0]
    assert sent.vendor_id == record["id"]
    assert (record["to"], record["body"]) == ("+4915550100200", "You have 120 points. 🎁")
    assert record["sender"] == "+15005550006"
    assert record["status_callback"] == "https://hub.example/hooks/twilio/main"


async def test_a_messaging_service_takes_the_place_of_a_number(serve: Serve) -> None:
    sandbox = TwilioSandbox()
    service = "MG" + "0" * 32
    one = client(await serve(sandbox), from_number="", messaging_service_sid=service)
    await SEND(one, job())
    await one.aclose()
    assert sandbox.records[0]["service"] == service
    assert sandbox.records[0]["sender"] is None


async def test_texts_side_by_side_each_get_their_own_answer(serve: Serve) -> None:
    sandbox = TwilioSandbox()
    one = client(await serve(sandbox))
    bodies = [f"text {number}" for number in range(40)]
    sent = await asyncio.gather(*[SEND(one, job(body=body)) for body in bodies])
    await one.aclose()
    by_id = {record["id"]: record["body"] for record in sandbox.records}
    assert [by_id[answer.vendor_id] for answer in sent] == bodies


async def test_check_names_the_account(serve: Serve) -> None:
    one = client(await serve(TwilioSandbox()))
    assert await one.check() == "Twilio account 'Sandbox' answers; it is active."
    await one.aclose()


async def test_check_refuses_a_wrong_token(serve: Serve) -> None:
    one = client(await serve(TwilioSandbox()), auth_token="wrong")
    with pytest.raises(AuthError, match="Authenticate") as caught:
        await one.check()
    await one.aclose()
    assert caught.value.vendor_code == "20003"


@pytest.mark.parametrize(("to", "code"), [(INVALID, "21211"), (UNSUBSCRIBED, "21610")])
async def test_a_number_that_may_not_be_texted_is_an_invalid_request(
    serve: Serve, to: str, code: str
) -> None:
    error = await failure(client(await serve(TwilioSandbox())), job(to))
    assert type(error) is InvalidRequest
    assert error.vendor_code == code
    assert to not in str(error)


async def test_the_sandboxes_limit_becomes_a_pause(serve: Serve) -> None:
    one = client(await serve(TwilioSandbox(calls_per_second=1)))
    await SEND(one, job())
    error = await failure(one)
    assert type(error) is RateLimited
    assert error.vendor_code == "20429"


STATUSES = [
    (301, ConnectorBug), (400, InvalidRequest), (401, AuthError), (402, QuotaExceeded),
    (403, ScopeError), (404, NotFound), (409, Conflict), (422, InvalidRequest),
    (429, RateLimited), (500, OutcomeUnknown), (502, Transient), (503, Transient),
    (504, OutcomeUnknown),
]  # fmt: skip


@pytest.mark.parametrize(("status", "expected"), STATUSES)
async def test_a_status_becomes_the_error_that_says_what_happens_next(
    serve: Serve, status: int, expected: type[ConnectorError]
) -> None:
    sandbox = TwilioSandbox()
    sandbox.faults.append(Fault(status=status, body="<html>no</html>"))
    error = await failure(client(await serve(sandbox)))
    assert type(error) is expected
    assert error.status == status


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (20003, 403, AuthError), (20005, 401, AuthError), (21611, 400, RateLimited),
        (63038, 429, QuotaExceeded), (21606, 400, InvalidRequest), (20404, 404, InvalidRequest),
    ],
)  # fmt: skip
async def test_twilios_own_code_outranks_the_status(
    serve: Serve, code: int, status: int, expected: type[ConnectorError]
) -> None:
    sandbox = TwilioSandbox()
    body = json.dumps({"code": code, "message": "why", "status": status})
    sandbox.faults.append(Fault(status=status, body=body))
    error = await failure(client(await serve(sandbox)))
    assert type(error) is expected
    assert error.vendor_code == str(code)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), (None, None), ("date", 30)], ids=["seconds", "none", "date"]
)
async def test_the_pause_is_as_long_as_twilio_says(
    serve: Serve, header: str | None, seconds: int | None
) -> None:
    sandbox = TwilioSandbox()
    if header == "date":
        header = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    sandbox.faults.append(Fault(status=429, retry_after=header))
    error = await failure(client(await serve(sandbox)))
    assert isinstance(error, RateLimited)
    if seconds is None:
        assert error.retry_after is None
    else:
        assert error.retry_after is not None
        assert seconds - 3 <= error.retry_after.total_seconds() <= seconds


@pytest.mark.parametrize("body", ["<html>Log in</html>", "[]", "{}", '{"sid": null}', "7"])
async def test_a_reply_outside_the_documentation_is_a_connector_bug(
    serve: Serve, body: str
) -> None:
    sandbox = TwilioSandbox()
    sandbox.faults.append(Fault(status=200, body=body))
    assert type(await failure(client(await serve(sandbox)))) is ConnectorBug


async def test_a_refused_connection_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert type(await failure(client(f"http://127.0.0.1:{port}"))) is Transient


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_answer_leaves_the_outcome_unknown_and_is_not_repeated(
    serve: Serve, when: Any
) -> None:
    sandbox = TwilioSandbox()
    base = await serve(sandbox)
    sandbox.faults.append(Fault(status=0, when=when))
    assert type(await failure(client(base, timeout_seconds=0.3))) is OutcomeUnknown
    assert sum(sandbox.calls.values()) == 1


async def test_no_secret_shows_in_any_text(serve: Serve) -> None:
    sandbox = TwilioSandbox()
    sandbox.faults.append(Fault(status=400, body=json.dumps({"message": f"bad {CANARY}"})))
    one = client(await serve(sandbox), auth_token=CANARY)
    error = await failure(one)
    shown = f"{one!r} {vars(one)} {one._account!r} {error} {error!r} {vars(error)}"
    assert CANARY not in shown


@pytest.mark.parametrize(
    "fields",
    [
        {"account_sid": "AC1"},
        {"auth_token": "two words"},
        {"auth_token": "line\nbreak"},
        {"auth_token": ""},
        {"from_number": ""},
        {"messaging_service_sid": "MG" + "0" * 32},
        {"api_key_sid": "SK" + "0" * 32},
        {"base_url": "ftp://api.twilio.com"},
        {"from_number": "+1 500"},
    ],
)
def test_an_account_that_cannot_work_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        TwilioAccount(**{**SANDBOX_ACCOUNT, **fields})
    assert SANDBOX_ACCOUNT["auth_token"] not in str(caught.value)


def _published_message() -> dict[str, Any]:
    path = VENDORS / "specs" / "twilio" / "openapi.json"
    if not path.exists():
        pytest.skip("Twilio's published contract is not beside this checkout")
    document: dict[str, Any] = json.loads(path.read_text())
    return document


async def test_the_sandbox_answers_as_the_published_contract_says(serve: Serve) -> None:
    document = _published_message()
    sample = Path("connectors/twilio/samples/send_sms.response.json")
    message = json.loads((Path(__file__).parents[3] / sample).read_text())
    from connectors.twilio.sandbox import _resource

    entry = {"id": message["sid"], "to": "+15", "body": "x", "sender": "+1", "service": None}
    documented = document["components"]["schemas"]["api.v2010.account.message"]["properties"]
    assert set(message) == set(documented) == set(_resource(entry))
