"""The HTTP client of every connector, against sockets that misbehave in every known way."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import aiohttp
import httpx
import pytest
import pytest_asyncio

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
from connectors.kit.http import MAX_REPLY_BYTES, HttpClient, HttpReply
from connectors.kit.http_errors import error_for_status, retry_after, transport_error

CANARY = "canary-key-7f3a91"
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
Listen = Callable[[Answer], Awaitable[str]]


@pytest_asyncio.fixture
async def listen() -> AsyncIterator[Listen]:
    """`base_url = await listen(answer)`: a raw TCP server that reads one request per answer."""
    async with AsyncExitStack() as stack:

        async def start(answer: Answer) -> str:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    while head := await reader.readuntil(b"\r\n\r\n"):
                        await answer(head, writer)
                except (asyncio.IncompleteReadError, ConnectionError):
                    pass
                finally:
                    writer.close()

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            stack.callback(server.close)
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        yield start


def says(reply: bytes) -> Answer:
    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)

    return answer


def reply(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def outcome(base_url: str, method: str = "POST", **options: object) -> ConnectorError:
    client = HttpClient(
        base_url, headers={"Authorization": f"Bearer {CANARY}"}, timeout=httpx.Timeout(0.3)
    )
    try:
        with pytest.raises(ConnectorError) as caught:
            await client.send(method, "/orders", json={"a": 1}, **options)  # type: ignore[arg-type]
        return caught.value
    finally:
        await client.aclose()


STATUSES = [
    (301, ConnectorBug), (400, InvalidRequest), (401, AuthError), (402, QuotaExceeded),
    (403, ScopeError), (404, NotFound), (408, Transient), (409, Conflict), (410, InvalidRequest),
    (422, InvalidRequest), (429, RateLimited), (500, OutcomeUnknown), (502, Transient),
    (503, Transient), (504, OutcomeUnknown),
]  # fmt: skip


@pytest.mark.parametrize(("status", "expected"), STATUSES)
async def test_a_status_becomes_the_error_that_says_what_happens_next(
    listen: Listen, status: int, expected: type[ConnectorError]
) -> None:
    base = await listen(says(reply(status, b'{"message":"no"}', X_Request_Id="req-1")))
    error = await outcome(base)
    assert type(error) is expected
    assert error.status == status
    assert error.request_id == "req-1"


async def test_a_failed_read_is_safe_to_repeat_where_a_failed_write_is_not(listen: Listen) -> None:
    base = await listen(says(reply(500)))
    assert type(await outcome(base, "GET")) is Transient
    assert type(await outcome(base, "POST", writes=False)) is Transient
    assert type(await outcome(base, "POST")) is OutcomeUnknown


async def test_a_refused_connection_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert type(await outcome(f"http://127.0.0.1:{port}")) is Transient


async def test_an_unknown_host_is_transient() -> None:
    assert type(await outcome("http://nowhere.invalid")) is Transient


async def hang_up(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset(head: bytes, writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    assert isinstance(transport, asyncio.WriteTransport)
    transport.abort()


async def never(head: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def drip(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(40):
        await asyncio.sleep(0.05)
        writer.write(b" ")


async def half(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    writer.close()


async def garbage(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01 this is not HTTP\r\n\r\n")


@pytest.mark.parametrize("answer", [hang_up, reset, never, drip, half, garbage])
async def test_a_write_whose_answer_is_lost_has_an_unknown_outcome(
    listen: Listen, answer: Answer
) -> None:
    base = await listen(answer)
    assert type(await outcome(base, "POST")) is OutcomeUnknown
    assert type(await outcome(base, "GET")) is Transient


@pytest.mark.parametrize("address", ["ftp://shop.example", "http://"])
async def test_an_address_that_cannot_be_used_is_an_invalid_request(address: str) -> None:
    assert type(await outcome(address)) is InvalidRequest


async def test_a_reply_above_the_cap_is_refused_without_being_kept(listen: Listen) -> None:
    base = await listen(says(reply(200, b"x" * (MAX_REPLY_BYTES + 1))))
    assert "8 MiB" in str(await outcome(base))


@pytest.mark.parametrize("rounds", [1, 2, 3])
async def test_a_gzip_bomb_is_refused_without_being_unpacked(listen: Listen, rounds: int) -> None:
    bomb = b"\0" * (64 * 1024 * 1024)
    for _ in range(rounds):
        bomb = gzip.compress(bomb)
    base = await listen(says(reply(200, bomb, Content_Encoding=", ".join(["gzip"] * rounds))))
    assert type(await outcome(base)) is ConnectorBug


async def test_many_small_bombs_in_one_reply_are_refused(listen: Listen) -> None:
    base = await listen(
        says(reply(200, gzip.compress(b"\0" * 1_000_000) * 12, Content_Encoding="gzip"))
    )
    assert "8 MiB" in str(await outcome(base))


async def test_a_packed_reply_is_unpacked(listen: Listen) -> None:
    packed = gzip.compress(b'{"a":') + gzip.compress(b"1}")
    base = await listen(says(reply(200, packed, Content_Encoding="gzip")))
    client = HttpClient(base)
    assert (await client.send("GET", "/")).json() == {"a": 1}
    await client.aclose()


@pytest.mark.parametrize("packed", [gzip.compress(b"{}" * 99, mtime=0)[:-9], b"not gzip at all"])
async def test_a_broken_packing_is_the_vendors_bug(listen: Listen, packed: bytes) -> None:
    base = await listen(says(reply(200, packed, Content_Encoding="gzip")))
    assert type(await outcome(base)) is ConnectorBug


async def test_a_refusal_keeps_its_meaning_even_where_its_body_is_broken(listen: Listen) -> None:
    base = await listen(says(reply(429, b"not gzip", Content_Encoding="gzip", Retry_After="7")))
    error = await outcome(base)
    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(seconds=7)


async def test_html_with_status_200_is_the_vendors_bug(listen: Listen) -> None:
    client = HttpClient(await listen(says(reply(200, b"<html>Log in</html>"))))
    answer = await client.send("GET", "/")
    for read in (answer.json, answer.exact_json):
        with pytest.raises(ConnectorBug):
            read()
    await client.aclose()


def test_amounts_of_a_reply_keep_each_digit() -> None:
    answer = HttpReply(200, {}, b'{"total": 0.12345678901234567891, "points": 7}')
    assert answer.exact_json() == {"total": Decimal("0.12345678901234567891"), "points": 7}
    with pytest.raises(ConnectorBug, match="stands twice"):
        HttpReply(200, {}, b'{"total": 1, "total": 2}').exact_json()


async def test_a_redirect_is_not_followed(listen: Listen) -> None:
    seen: list[bytes] = []

    async def elsewhere(head: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(head)

    target = await listen(elsewhere)
    base = await listen(says(reply(302, b"", Location=f"{target}/stolen")))
    assert type(await outcome(base, "GET")) is ConnectorBug
    assert seen == []


async def test_cookies_of_one_reply_are_not_sent_with_the_next_call(listen: Listen) -> None:
    heads: list[bytes] = []

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        heads.append(head.lower())
        writer.write(reply(200, Set_Cookie="session=1; Path=/"))

    client = HttpClient(await listen(answer))
    await client.send("GET", "/a")
    await client.send("GET", "/b")
    await client.aclose()
    assert len(heads) == 2
    assert b"cookie" not in heads[1]


async def test_an_echoed_credential_never_reaches_the_error(listen: Listen) -> None:
    body = f'{{"error":"bad key {CANARY} of ann@shop.example"}}'.encode()
    error = await outcome(await listen(says(reply(401, body))))
    assert CANARY not in f"{error} {error!r} {vars(error)}"
    assert "ann@" not in str(error)
    assert "bad key [redacted]" in str(error)


async def test_an_html_error_page_is_named_not_quoted() -> None:
    error = error_for_status(502, body=b"<!doctype html><title>Bad gateway</title>")
    assert str(error) == "the vendor is not available (502): an HTML page"


NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30), ("0.5", 0.5), ("-5", 0), ("1e9", 86_400), ("inf", 86_400), (" 7 ", 7),
        ("Sat, 21 Nov 2026 12:00:20 GMT", 20), ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
        ("Sat, 21 Nov 2099 12:00:00 GMT", 86_400), ("Sat, 21 Nov 2026 12:00:20 -0000", 20),
        ("nan", None), ("soon", None), ("", None),
        ("Sat, 21 Nov 2026 12:00:20 +99999999999999999999", None),
    ],
)  # fmt: skip
def test_retry_after_reads_seconds_and_dates_and_survives_nonsense(
    value: str, seconds: float | None
) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert retry_after({"Retry-After": value}, NOW) == expected
    assert retry_after({"x-retry-after": value}, NOW) == expected


def test_retry_after_is_none_where_the_vendor_does_not_say() -> None:
    assert retry_after({}, NOW) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError("x"), Transient),
        (httpx.ReadTimeout("x"), OutcomeUnknown),
        (aiohttp.ConnectionTimeoutError(), Transient),
        (aiohttp.ServerDisconnectedError(), OutcomeUnknown),
        (aiohttp.SocketTimeoutError(), OutcomeUnknown),
        (TimeoutError(), OutcomeUnknown),
        (aiohttp.InvalidURL("http://"), InvalidRequest),
    ],
)
def test_transport_errors_of_both_libraries_are_understood(
    error: Exception, expected: type[ConnectorError]
) -> None:
    assert type(transport_error(error, writes=True)) is expected


# --- whom it speaks to, and how much it takes -------------------------------------------------


async def test_credentials_never_go_to_another_host() -> None:
    client = HttpClient("https://api.vendor.example/v1", headers={"Authorization": "Bearer s3cret"})
    for url in ("https://evil.example/v1", "http://api.vendor.example/v1", "http://127.0.0.1/"):
        with pytest.raises(ConnectorBug, match=r"speaks to 'api\.vendor\.example' alone"):
            await client.send("GET", url)
    assert client.url_of("https://api.vendor.example/v2") == "https://api.vendor.example/v2"
    await client.aclose()


@pytest.mark.parametrize("token", ["line\nbreak", "line\r\nX-Evil: 1", "nul\x00", "tab\t"])
async def test_a_token_with_a_line_break_is_refused_before_any_call(token: str) -> None:
    with pytest.raises(AuthError, match="copied wrongly") as caught:
        HttpClient("https://api.vendor.example", headers={"Authorization": f"Bearer {token}"})
    assert token not in str(caught.value)
    client = HttpClient("https://api.vendor.example")
    with pytest.raises(AuthError):
        await client.send("GET", "/", headers={"X-Token": token})
    await client.aclose()
