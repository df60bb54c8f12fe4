"""The stand-ins' control addresses and planned faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.sandbox import VendorSandbox

Serve = Callable[[VendorSandbox], Awaitable[str]]


class Shop(VendorSandbox):
    """Records every order."""

    slug = "shop"

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/orders", self._create, methods=["POST"])]

    async def _create(self, request: Request) -> Response:
        entry = self.record("order", id=len(self.records) + 1, **await request.json())
        return JSONResponse(entry, status_code=201)


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def order(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/orders", json={"total": "9.99"})


async def plan(client: httpx.AsyncClient, **fault: Any) -> None:
    assert (await client.post("/_sandbox/faults", json=[fault])).status_code == 204


async def test_records_are_shown_by_kind_and_forgotten_on_request(serve: Serve, shop: Shop) -> None:
    async with httpx.AsyncClient(base_url=await serve(shop)) as client:
        await order(client)
        seen = (await client.get("/_sandbox/records", params={"kind": "order"})).json()
        assert seen["records"] == [{"kind": "order", "id": 1, "total": "9.99"}]
        assert seen["calls"] == {"POST /shop/orders": 1}
        other = (await client.get("/_sandbox/records", params={"kind": "sms"})).json()
        assert other["records"] == []
        await client.delete("/_sandbox/records")
        assert not shop.records


async def test_a_fault_before_the_work_leaves_nothing_done(serve: Serve, shop: Shop) -> None:
    async with httpx.AsyncClient(base_url=await serve(shop)) as client:
        await plan(client, status=503, times=2, retry_after="9", body="down")
        answers = [await order(client) for _ in range(3)]
        assert [one.status_code for one in answers] == [503, 503, 201]
        assert answers[0].headers["retry-after"] == "9"
        assert answers[0].text == "down"
        assert len(shop.records) == 1


async def test_a_fault_after_the_work_hides_that_it_was_done(serve: Serve, shop: Shop) -> None:
    async with httpx.AsyncClient(base_url=await serve(shop)) as client:
        await plan(client, status=500, when="after")
        assert (await order(client)).status_code == 500
        assert len(shop.records) == 1


async def test_a_fault_applies_only_to_its_path(serve: Serve, shop: Shop) -> None:
    async with httpx.AsyncClient(base_url=await serve(shop)) as client:
        await plan(client, status=503, path="/customers")
        assert (await order(client)).status_code == 201
        await client.request("DELETE", "/_sandbox/faults")
        assert shop.faults == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_status_0_never_answers_until_the_caller_hangs_up(
    serve: Serve, shop: Shop, when: str
) -> None:
    async with httpx.AsyncClient(base_url=await serve(shop), timeout=0.3) as client:
        await plan(client, status=0, when=when)
        with pytest.raises(httpx.ReadTimeout):
            await order(client)
        assert len(shop.records) == (1 if when == "after" else 0)
        await asyncio.sleep(0.05)
        assert (await order(client)).status_code == 201


async def test_a_late_answer_comes_after_hang_seconds(serve: Serve, shop: Shop) -> None:
    async with httpx.AsyncClient(base_url=await serve(shop)) as client:
        await plan(client, status=503, hang_seconds=0.2)
        started = time.perf_counter()
        assert (await order(client)).status_code == 503
        assert time.perf_counter() - started >= 0.2
