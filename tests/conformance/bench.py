"""A connector at work: its own client, against its own stand-in, over real HTTP."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest
from pydantic import SecretStr

from connectors.kit.account import Account
from connectors.kit.action import Action, Job
from connectors.kit.manifest import Manifest
from connectors.kit.sandbox import VendorSandbox
from tests.conformance.candidate import Candidate
from tests.connectors.contract import Exchange, record_traffic
from tests.connectors.serving import served

RECORDED: dict[str, list[Exchange]] = {}
"""What went over the wire in the tests so far, by slug, for the contract's sake."""


def missing(reason: str) -> NoReturn:
    """Ends a test whose criterion the connector does not meet: it stays below that tier."""
    pytest.skip(f"missing: {reason}")


def not_needed(reason: str) -> NoReturn:
    """Ends a test whose criterion does not concern the connector: it counts as met."""
    pytest.skip(f"not needed: {reason}")


@dataclass
class Bench:
    """One connector's client and stand-in."""

    manifest: Manifest
    sandbox: VendorSandbox
    account: Account
    client: Any
    base_url: str

    def job(self, action: Action, key: str = "shopify/main:order.paid:1001:thanks") -> Job:
        """A job with an example that the stand-in takes; ends the test where there is none."""
        try:
            found = self.sandbox.example(action)
        except KeyError as error:
            missing(str(error.args[0]))
        return Job(f"{key}:{action.name}", action.input.model_validate(found.model_dump()))


@asynccontextmanager
async def bench(one: Candidate, *, is_healthy: bool = True) -> AsyncIterator[Bench]:
    """The connector at work while the context is open; its traffic is recorded if healthy."""
    sandbox = one.sandbox()
    exchanges = record_traffic(sandbox) if is_healthy else []
    async with served(sandbox) as base_url:
        account = one.manifest.account.model_validate(sandbox.account_at(base_url))
        client: Any = one.manifest.open(account)
        try:
            yield Bench(one.manifest, sandbox, account, client, base_url)
        finally:
            await client.aclose()
            RECORDED.setdefault(one.slug, []).extend(exchanges)


def wrong_account(found: Bench) -> Account:
    """The account with credentials that are well-formed and not the right ones."""
    fields = found.sandbox.account_at(found.base_url)
    plain = found.account.plain()
    wrong = dict(found.sandbox.wrong) or {
        name: f"{plain[name][:-4]}0000"
        for name in type(found.account).model_fields
        if isinstance(getattr(found.account, name), SecretStr)
    }
    return found.manifest.account.model_validate({**fields, **wrong})


def nowhere() -> str:
    """An address on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"
