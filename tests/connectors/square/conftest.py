"""A sandbox of Square's that is served, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.square.account import SquareAccount
from connectors.square.client import SquareClient
from connectors.square.sandbox import SquareSandbox
from tests.connectors.contract import record_traffic


class Till:
    """One sandbox; `open` makes clients, `traffic` is what they asked and heard."""

    def __init__(self) -> None:
        self.sandbox = SquareSandbox()
        self.traffic = record_traffic(self.sandbox)
        self.base_url = ""
        self.clients: list[SquareClient] = []

    def open(self, **changes: Any) -> SquareClient:
        fields = {**self.sandbox.account_at(self.base_url), **changes}
        self.clients.append(SquareClient(SquareAccount.model_validate(fields)))
        return self.clients[-1]


@pytest.fixture
async def till(serve: Any) -> AsyncIterator[Till]:
    found = Till()
    found.base_url = await serve(found.sandbox)
    yield found
    for client in found.clients:
        await client.aclose()
