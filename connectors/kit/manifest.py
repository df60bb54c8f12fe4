"""What a connector says of itself. The registry, the README tables and the limits come from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from connectors.kit.account import Account
from connectors.kit.action import Action
from connectors.kit.poll import Poll
from connectors.kit.subscriptions import Lifecycle
from connectors.kit.webhook import Webhook

if TYPE_CHECKING:
    from connectors.kit.customers import CustomerList
    from connectors.kit.oauth import TokenStore

SUNSET_NOTICE = timedelta(days=90)
"""How long before its end an API version is warned of."""


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

    In any one second there are never more than the larger of the two. Over a longer window of
    the vendor's, burst and rate come together: keep `burst + per_second * seconds` below its
    figure.

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
class Contract:
    """A file that the vendor publishes, and which calls it is about.

    Attributes:
        path: Below the folder of the contracts, `specs/klaviyo/openapi.json`.
        base: What stands before its paths in the connector's calls, `/v1`; of several
            contracts the one with the longest base that fits is the call's.
    """

    path: str
    base: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A connector's declaration.

    Attributes:
        slug: The folder's name, and the name in addresses, limits and rules.
        connect: Makes the client of an account.
        api_sunset: When the pinned API version stops; None where the vendor names no day.
        known_limits: What it cannot do or promise, a sentence each.
        poll: Asks what changed; every shop, till and CRM that can be asked has one.
        customers: How all customers of a shop are asked for, for campaigns that invite them.
        subscriptions: Looks after the webhook subscriptions at the vendor.
        connect_with: In place of `connect`, for clients whose OAuth token is kept by the hub.
        contracts: What the vendor publishes of the calls that the connector makes.
        exempt: Criteria of the quality scale that do not apply, by name, with the reason.
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
    poll: Poll | None = None
    customers: CustomerList | None = None
    subscriptions: Lifecycle | None = None
    connect_with: Callable[[Any, TokenStore], Client] | None = None
    contracts: tuple[Contract, ...] = ()
    exempt: Mapping[str, str] = field(default_factory=dict)

    def open(self, account: Any, *, tokens: TokenStore | None = None) -> Client:
        """The client of an account.

        Args:
            tokens: Where its OAuth token is kept; without, it lives as long as the client.
        """
        if self.connect_with is None:
            return self.connect(account)
        from connectors.kit.oauth import MemoryTokens

        return self.connect_with(account, tokens or MemoryTokens())

    def sunset_warning(self, today: date) -> str:
        """What to say about the pinned API version's end; empty where it is far or unknown."""
        if self.api_sunset is None or self.api_sunset - today > SUNSET_NOTICE:
            return ""
        left = (self.api_sunset - today).days
        when = f"ends in {left} days" if left > 0 else "has ended"
        return (
            f"{self.slug}: the API version {self.api_version} {when} ({self.api_sunset}): move "
            "the connector to a newer one"
        )

    def action(self, name: str) -> Action:
        """The action of that name; KeyError with the names there are."""
        for one in self.actions:
            if one.name == name:
                return one
        names = ", ".join(one.name for one in self.actions) or "none"
        raise KeyError(f"{self.slug} has no action {name!r}; it has: {names}")
