"""Bodies that are too large, too slow, packed, or not what they should be."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from gateway import reading
from tests.gateway.conftest import Running

MIB = 1024 * 1024

GOOD_OR_KEPT = {
    "truncated": (b'{"sales": [1, 2', 422, "is not JSON"),
    "empty": (b"", 422, "is not JSON"),
    "latin-1": ('{"sales": [], "note": "Zoë"}'.encode("latin-1"), 422, "not UTF-8"),
    "utf-16": ('{"sales": []}'.encode("utf-16"), 422, "not UTF-8"),
    "byte order mark": (b'\xef\xbb\xbf{"sales": [1]}', 202, ""),
    "form": (b"sales=1&note=x", 422, "is not JSON"),
    "duplicate keys": (b'{"sales": [1], "sales": [2]}', 422, "stands twice"),
    "NaN": (b'{"sales": [NaN]}', 422, "NaN"),
    "lone surrogate": (b'{"sales": ["\\ud83d"]}', 422, "half a character"),
    "emoji": ('{"sales": ["1"], "note": "😀 Zoë"}'.encode(), 202, ""),
    "huge integer": (b'{"sales": [' + b"9" * 5000 + b"]}", 422, ""),
    "huge exponent": (b'{"sales": [1e999999999]}', 422, "out of range"),
    "deep": (b"[" * 100_000, 422, "nested"),
    "not an object": (b"[1, 2]", 422, "JSON object"),
    "null": (b"null", 422, "JSON object"),
    "key too long": (b'{"sales": ["' + b"k" * 300 + b'"]}', 422, "200 characters"),
}


@pytest.mark.parametrize(("body", "status", "error"), GOOD_OR_KEPT.values(), ids=list(GOOD_OR_KEPT))
async def test_a_strange_body_is_read_or_kept_for_inspection(
    hub: Running, body: bytes, status: int, error: str
) -> None:
    answer = await hub.post(body)
    assert answer.status_code == status, answer.text
    assert error in answer.json().get("error", "")
    kept = await hub.rows("select body from rejects")
    assert [bytes(row.body) for row in kept] == ([body] if status == 422 else [])


@pytest.mark.parametrize(
    "body",
    [b'{"sales": ["a\\u0000b"]}', b'{"sales": ["1"], "note": "a\\u0000b"}'],
    ids=["in the key", "in a text"],
)
async def test_what_the_database_cannot_store_is_422_and_kept(hub: Running, body: bytes) -> None:
    answer = await hub.post(body)
    assert answer.status_code == 422
    assert "cannot be stored" in answer.json()["error"]
    assert [bytes(row.body) for row in await hub.rows("select body from rejects")] == [body]


async def test_ten_thousand_sales_in_one_webhook_are_accepted(
    hub: Running, sale: Callable[..., bytes]
) -> None:
    body = sale(*range(10_000))
    assert len(body) > 64 * 1024
    answer = await hub.post(body)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 10_000)
    (row,) = await hub.rows(
        "select count(*) as events, count(raw) as copies, sum(length(raw)) as bytes from inbox"
    )
    assert (row.events, row.copies, row.bytes) == (10_000, 1, len(body))


async def test_a_body_of_exactly_one_mebibyte_is_read(hub: Running) -> None:
    body = b'{"sales": [], "note": "' + b"x" * MIB
    body = body[: MIB - 2] + b'"}'
    assert len(body) == MIB
    assert (await hub.post(body)).status_code == 202


async def test_a_body_that_is_too_large_is_413(hub: Running) -> None:
    answer = await hub.post(b"x" * (MIB + 1))
    assert answer.status_code == 413
    assert "1048576" in answer.json()["error"]


async def test_a_declared_length_is_refused_before_the_body_is_sent(hub: Running) -> None:
    head = b"POST /hooks/till/main HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(head)
    async with asyncio.timeout(1):
        answer = await reader.readuntil(b"\r\n")
    assert b"413" in answer
    writer.close()


async def _mebibytes(count: int, sent: list[int]) -> AsyncIterator[bytes]:
    for _ in range(count * 16):
        sent.append(64 * 1024)
        yield b"x" * 64 * 1024


async def test_a_body_in_chunks_is_counted_as_it_comes(hub: Running) -> None:
    answer = await hub.client.post("/hooks/till/main", content=_mebibytes(2, []))
    assert answer.status_code == 413


async def test_the_hub_hangs_up_on_a_sender_that_does_not_stop(hub: Running) -> None:
    sent: list[int] = []
    try:
        answer = await hub.client.post("/hooks/till/main", content=_mebibytes(64, sent))
        assert answer.status_code == 413
    except (httpx.WriteError, httpx.ReadError):
        pass  # it was cut off while it was still writing: refused all the same
    assert sum(sent) < 48 * MIB


async def test_a_body_in_small_chunks_is_put_together(
    hub: Running, sale: Callable[..., bytes]
) -> None:
    body = sale(1, 2, 3)

    async def chunks() -> AsyncIterator[bytes]:
        for place in range(0, len(body), 7):
            yield body[place : place + 7]
            await asyncio.sleep(0.001)

    headers = hub.signed(body)
    answer = await hub.client.post("/hooks/till/main", content=chunks(), headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 3)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, identity"])
async def test_a_packed_body_is_415(
    hub: Running, sale: Callable[..., bytes], encoding: str
) -> None:
    packed = gzip.compress(sale(1))
    answer = await hub.post(packed, headers={"content-encoding": encoding})
    assert answer.status_code == 415
    assert await hub.rows("select 1 from rejects") == []


async def test_a_body_that_does_not_come_is_408(
    hub: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = hub.app._hooks._reader
    monkeypatch.setattr(reader, "_seconds", 0.2)
    answer = await hub.raw(
        b"POST /hooks/till/main HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc", seconds=5
    )
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_sender_that_hangs_up_is_counted_and_leaves_nothing(hub: Running) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(b"POST /hooks/till/main HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
    await asyncio.sleep(0.05)
    writer.close()
    await asyncio.sleep(0.05)
    metrics = (await hub.client.get("/metrics")).text
    assert 'connection="main",outcome="hung_up",vendor="till"} 1.0' in metrics


async def test_large_bodies_together_stay_within_the_room(
    hub: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = hub.app._hooks._reader
    assert reader._room == reading.ROOM
    monkeypatch.setattr(reader, "_room", 300_000)
    answer = await hub.post(b"x" * 900_000)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert reader._held == 0
    monkeypatch.undo()
    assert (await hub.post(b'{"sales": []}')).status_code == 202
