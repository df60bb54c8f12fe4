"""What a webhook's sender is answered, and what is stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway.conftest import Running

Sale = Callable[..., bytes]


async def test_a_signed_webhook_is_stored_with_its_bytes_and_answered_with_its_keys(
    hub: Running, sale: Sale
) -> None:
    answer = await hub.post(sale(1, 2), headers={"x-till-delivery": "delivery-1"})
    assert (answer.status_code, answer.json()) == (
        202,
        {
            "accepted": 2,
            "duplicates": 0,
            "events": ["till/main:order.cancelled:1", "till/main:order.cancelled:2"],
        },
    )
    rows = await hub.rows("select key, raw, delivery_id, trigger, state from inbox order by id")
    assert [tuple(row) for row in rows] == [
        ("1", sale(1, 2), "delivery-1", "refunds", "waiting"),
        ("2", sale(1, 2), "delivery-1", "refunds", "waiting"),
    ]


async def test_the_same_webhook_three_times_and_twice_at_once_is_one_row(
    hub: Running, sale: Sale
) -> None:
    for delivery in ("a", "b", "a"):
        await hub.post(sale(7), headers={"x-till-delivery": delivery})
    together = await asyncio.gather(hub.post(sale(8)), hub.post(sale(8)))
    assert sorted(one.json()["accepted"] for one in together) == [0, 1]
    assert sorted(one.json()["duplicates"] for one in together) == [0, 1]
    assert [one.status_code for one in together] == [202, 202]
    assert [row.key for row in await hub.rows("select key from inbox order by key")] == ["7", "8"]


async def test_a_key_that_stands_twice_in_one_webhook_is_one_event(
    hub: Running, sale: Sale
) -> None:
    answer = await hub.post(sale(5, 5))
    assert (answer.json()["accepted"], answer.json()["duplicates"]) == (1, 1)


async def test_a_commit_rings_the_bell_with_the_trigger(hub: Running, sale: Sale) -> None:
    import asyncpg

    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(hub.database.url.replace("+asyncpg", ""))
    await listener.add_listener("hub_inbox", lambda *args: heard.put_nowait(args[3]))
    await hub.post(sale(1))
    assert await asyncio.wait_for(heard.get(), 5) == "refunds"
    await hub.post(sale(1))
    await asyncio.sleep(0.05)
    assert heard.empty(), "a duplicate wakes nobody"
    await listener.close()


async def test_a_webhook_without_events_is_accepted(hub: Running, sale: Sale) -> None:
    answer = await hub.post(sale())
    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)


async def test_an_unknown_topic_is_acknowledged_and_not_stored(hub: Running) -> None:
    answer = await hub.post(b"{}", topic="stock/changed")
    assert answer.status_code == 202
    assert answer.json() == {"status": "ignored", "topic": "stock/changed"}
    assert await hub.rows("select 1 from inbox union all select 1 from rejects") == []


@pytest.mark.parametrize(
    "path", ["/hooks/till/other", "/hooks/nobody/main", "/hooks/till", "/hooks/", "/hooks/a/b/c"]
)
async def test_an_unknown_connection_is_404_with_what_to_do(
    hub: Running, path: str, sale: Sale
) -> None:
    answer = await hub.post(sale(1), path=path)
    assert answer.status_code == 404
    assert "/hooks/{vendor}/{connection}" in answer.json()["hint"]
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"x-till-signature": "00"}, "does not match"),
        ({"x-till-signature": ""}, "missing"),
        ({"x-till-signature": "\xe9\xff"}, "does not match"),
        ({"x-till-timestamp": ""}, "missing"),
        ({"x-till-crash": "verify"}, "could not be checked"),
    ],
    ids=["wrong", "missing", "not ASCII", "no timestamp", "the check itself fails"],
)
async def test_an_unproven_request_is_401_and_leaves_no_trace(
    hub: Running, sale: Sale, spoil: dict[str, str], reason: str
) -> None:
    headers = {**hub.signed(sale(1)), **spoil}
    encoded = [(name, value.encode("latin-1")) for name, value in headers.items()]
    answer = await hub.client.post("/hooks/till/main", content=sale(1), headers=encoded)
    assert answer.status_code == 401
    assert reason in answer.json()["error"]
    assert "hub verify-webhook" in answer.json()["hint"]
    assert await hub.rows("select 1 from inbox union all select 1 from rejects") == []


async def test_a_changed_body_is_401(hub: Running, sale: Sale) -> None:
    headers = hub.signed(sale(1))
    answer = await hub.client.post("/hooks/till/main", content=sale(2), headers=headers)
    assert answer.status_code == 401


async def test_a_replayed_old_signature_is_401(hub: Running, sale: Sale) -> None:
    headers = hub.signed(sale(1))
    hub.clock.fixed = datetime.now(UTC) + timedelta(minutes=6)
    answer = await hub.client.post("/hooks/till/main", content=sale(1), headers=headers)
    assert answer.status_code == 401
    assert "timestamp" in answer.json()["error"]


async def test_the_signed_address_is_the_configured_one_never_the_host_header(
    hub: Running, sale: Sale
) -> None:
    answer = await hub.post(sale(1), headers={"host": "evil.example"})
    assert answer.status_code == 202


async def test_the_query_string_belongs_to_the_signed_address(hub: Running, sale: Sale) -> None:
    assert (await hub.post(sale(1), path="/hooks/till/main?a=1&b=%20x")).status_code == 202
    headers = hub.signed(sale(2), path="/hooks/till/main?a=1")
    answer = await hub.client.post("/hooks/till/main?a=2", content=sale(2), headers=headers)
    assert answer.status_code == 401


async def test_a_header_that_stands_twice_is_joined(hub: Running, sale: Sale) -> None:
    headers = [*hub.signed(sale(1)).items(), ("x-till-delivery", "a"), ("X-Till-Delivery", "b")]
    answer = await hub.client.post("/hooks/till/main", content=sale(1), headers=headers)
    assert answer.status_code == 202
    assert [row.delivery_id for row in await hub.rows("select delivery_id from inbox")] == ["a, b"]


# --- handshakes ------------------------------------------------------------------------------


async def test_a_handshake_by_get_is_answered(hub: Running) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "till-canary-token-77b1"}
    answer = await hub.client.get("/hooks/till/main", params={**query, "hub.challenge": "4711"})
    assert (answer.status_code, answer.text) == (200, "4711")
    assert answer.headers["content-type"] == "text/plain"
    head = await hub.client.head("/hooks/till/main", params={**query, "hub.challenge": "4711"})
    assert (head.status_code, head.content) == (200, b"")


async def test_a_handshake_with_a_wrong_token_is_401(hub: Running) -> None:
    query = {"hub.verify_token": "guess", "hub.challenge": "4711"}
    answer = await hub.client.get("/hooks/till/main", params=query)
    assert answer.status_code == 401
    assert "4711" not in answer.text


async def test_a_handshake_by_post_is_answered_before_the_signature_is_asked_for(
    hub: Running,
) -> None:
    body = b'{"type": "url_verification", "challenge": "abc"}'
    answer = await hub.client.post("/hooks/till/main", content=body)
    assert (answer.status_code, answer.text) == (200, "abc")


async def test_a_broken_handshake_does_not_lose_signed_events(hub: Running, sale: Sale) -> None:
    signed = hub.signed(sale(1))
    answer = await hub.client.post(
        "/hooks/till/main", content=sale(1), headers={**signed, "x-till-crash": ""}
    )
    assert answer.status_code == 202
    crash = await hub.client.post(
        "/hooks/till/main", content=sale(1), headers={**signed, "x-till-crash": "handshake"}
    )
    assert crash.status_code == 401, "the till's check fails too, and that fails closed"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_that_is_no_handshake_is_405(hub: Running, method: str) -> None:
    answer = await hub.client.request(method, "/hooks/till/main")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


# --- content that cannot be understood -------------------------------------------------------


async def test_an_unreadable_webhook_is_422_and_kept_for_inspection(hub: Running) -> None:
    body = b'{"sales": "none"}'
    answer = await hub.post(body, headers={"authorization": "Bearer till-canary-bearer"})
    assert answer.status_code == 422
    assert answer.json()["error"] == "sales: a list was expected"
    (row,) = await hub.rows("select * from rejects")
    assert (row.connector, row.connection, row.body) == ("till", "main", body)
    assert row.problem == "sales: a list was expected"
    assert row.headers["x-till-signature"], "what proves it is kept"
    assert "till-canary-bearer" not in str(row.headers)


async def test_a_parser_that_fails_unexpectedly_loses_nothing_and_tells_no_data(
    hub: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await hub.post(b'{"email": "lovelace@person.example"}', topic="broken")
    assert answer.status_code == 422
    assert "the till connector could not read it (KeyError at " in answer.json()["error"]
    (row,) = await hub.rows("select problem, body from rejects")
    assert row.body == b'{"email": "lovelace@person.example"}'
    for told in (answer.text, row.problem, caplog.text):
        assert "lovelace" not in told
    assert "parse_broken" in caplog.text, "the log says where"


async def test_a_wrong_field_is_named_without_its_content(hub: Running) -> None:
    answer = await hub.post(b'{"email": "lovelace@person.example"}', topic="mismatch")
    assert answer.status_code == 422
    assert "surprise: Extra inputs are not permitted" in answer.json()["error"]
    assert "lovelace" not in answer.text


async def test_answers_are_not_cached_and_not_sniffed(hub: Running, sale: Sale) -> None:
    for answer in (await hub.post(sale(1)), await hub.client.get("/hooks/till/main")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
