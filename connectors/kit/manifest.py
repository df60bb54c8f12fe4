"""What a connector says of itself. The registry, the README tables and the limits come from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from connectors.kit.account import Account
from connectors.kit.action import Action
from connectors.kit.webhook import Webhook


class Status(StrEnum):
    """Where a connector stands in its life."""

    DRAFT = "draft"
    AVAILABLE = "available"
    LEGACY = "legacy"
    DEPRECATED = "deprecated"


class Client(Protocol):
    """Speaks to one account of a vendor; made once per connection and kept."""

    async def check(self) -> str:
        """One harmless call; a sentence about the account, or a ConnectorError."""
        ...

    async def aclose(self) -> None:
        """Gives back sockets and threads."""
        ...


@dataclass(frozen=True, slots=True)
class Limit:
    """A documented rate: `burst` slots, given back at `per_second`.

    Attributes:
        scope: What the vendor counts by: connection, account, endpoint, channel.
        concurrency: How many calls of ours may be under way at once.
        batch_costs_one: Whether a batch call counts as one, whatever its size.
    """

    burst: int
    per_second: float
    source: str
    scope: str = "connection"
    concurrency: int = 8
    batch_costs_one: bool = True


@dataclass(frozen=True, slots=True)
class Manifest:
    """A connector's declaration.

    Attributes:
        slug: The folder's name, and the name in addresses, limits and rules.
        connect: Makes the client of an account.
        api_sunset: When the pinned API version stops; None where the vendor names no day.
        known_limits: What it cannot do or promise, a sentence each.
    """

    slug: str
    name: str
    docs_url: str
    api_version: str
    owner: str
    account: type[Account]
    limit: Limit
    connect: Callable[[Any], Client]
    actions: tuple[Action, ...] = ()
    webhook: Webhook | None = None
    auth: str = ""
    scopes: tuple[str, ...] = ()
    data_classes: tuple[str, ...] = ()
    api_sunset: date | None = None
    status: Status = Status.AVAILABLE
    known_limits: tuple[str, ...] = ()

    def action(self, name: str) -> Action:
        """The action of that name; KeyError with the names there are."""
        for one in self.actions:
            if one.name == name:
                return one
        names = ", ".join(one.name for one in self.actions) or "none"
        raise KeyError(f"{self.slug} has no action {name!r}; it has: {names}")
