"""Looks after one connection's webhook subscriptions, and after whether it is heard at all.

No Prefect here: the flow `subscriptions` calls it, and so do tests.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.kit.account import Account
from connectors.kit.errors import AuthError, ConnectorError
from connectors.kit.manifest import Manifest
from connectors.kit.registry import manifest, slugs
from connectors.kit.subscriptions import Lifecycle, Wanted, ensure, silence, withdraw
from connectors.kit.toll import paying
from flows.clients import account_of
from flows.refusals import refuse
from flows.runtime import Hub
from flows.sending import Trouble
from flows.tolls import toll_of
from loyalty.store import connections, subscriptions
from loyalty.store.subscriptions import Care

logger = logging.getLogger(__name__)

CANARY_TIME = timedelta(minutes=30)
"""How long a test delivery may take; then the silence is real."""

KeepSecret = Callable[[str, str, SecretStr], Awaitable[None]]
"""Writes a secret into a field of a connection's block in Prefect."""


@dataclass(slots=True)
class Looked:
    """What a look at one connection's subscriptions found and did.

    Attributes:
        problem: Why its webhooks may not arrive; empty where all is well.
        troubles: What operations should hear of, told once.
    """

    connection: str
    topics: int = 0
    made: int = 0
    renewed: int = 0
    removed: int = 0
    ends_at: datetime | None = None
    heard_at: datetime | None = None
    problem: str = ""
    troubles: tuple[Trouble, ...] = ()


def looked_after(hub: Hub) -> list[str]:
    """The connections whose subscriptions the hub can keep."""
    return sorted(
        slug
        for slug, stored in hub.clients.stored.items()
        if stored.state == "active"
        and stored.connector in slugs()
        and manifest(stored.connector).subscriptions is not None
        and manifest(stored.connector).webhook is not None
    )


async def look(hub: Hub, slug: str, *, keep_secret: KeepSecret) -> Looked | None:
    """Makes a connection's subscriptions what they should be; None where another is at it."""
    now = hub.clock()
    async with hub.database.begin() as connection:
        care = await subscriptions.take(connection, slug, owner=hub.owner, now=now)
    if care is None:
        return None
    found = Looked(slug, heard_at=care.heard_at)
    address = care.address
    try:
        address = await _ensure(hub, care, found, keep_secret)
    except AuthError as error:
        found.problem = error.message
        if await refuse(hub, slug, error.message):
            found.troubles = (Trouble("refused", slug, error.message),)
    except ConnectorError as error:
        found.problem = f"its webhooks could not be looked after: {error.message}"
    except Exception as error:
        logger.exception("the subscriptions of %s failed", slug)
        found.problem = (
            f"its webhooks could not be looked after ({type(error).__name__}): see the worker's log"
        )
    is_new = await hub.database.persist(
        lambda connection: subscriptions.settle(
            connection,
            care,
            address=address,
            ends_at=found.ends_at,
            problem=found.problem,
            now=hub.clock(),
        )
    )
    if is_new and not found.troubles:
        found.troubles = (Trouble("unheard", slug, found.problem),)
    return found


async def _ensure(hub: Hub, care: Care, found: Looked, keep_secret: KeepSecret) -> str:
    """Does the work; the address that the subscriptions lead to."""
    slug = care.connection
    line = hub.clients.line(slug)
    account = account_of(hub.clients.stored[slug], hub.vault)
    lifecycle = line.manifest.subscriptions
    assert lifecycle is not None
    wanted = _wanted(hub, slug, line.manifest, account)
    found.topics = len(wanted.topics)
    async with line.in_use():
        with paying(toll_of(hub, slug)):
            if care.address and care.address != wanted.address:
                found.removed += await withdraw(lifecycle, line.client, care.address)
            if lifecycle.secret_field and not _has(account, lifecycle.secret_field):
                # Whatever there is was signed with a secret that nobody knows any more.
                found.removed += await withdraw(lifecycle, line.client, wanted.address)
            done = await ensure(lifecycle, line.client, wanted, now=hub.clock())
            found.made, found.renewed = len(done.created), len(done.renewed)
            found.removed += len(done.removed)
            found.ends_at = done.ends_at
            if done.secret is not None and lifecycle.secret_field:
                await _keep(hub, slug, account, lifecycle.secret_field, done.secret, keep_secret)
            found.problem = await _silence(hub, care, lifecycle, line.client, wanted)
    return wanted.address


def _wanted(hub: Hub, slug: str, known: Manifest, account: Account) -> Wanted:
    webhook, lifecycle = known.webhook, known.subscriptions
    assert webhook is not None
    assert lifecycle is not None
    address = webhook.address(f"{hub.settings.base_url}/hooks/{slug}", account)
    secret = getattr(account, webhook.signing_field, None) if webhook.signing_field else None
    return Wanted(address, lifecycle.topics, secret if isinstance(secret, SecretStr) else None)


def _has(account: Account, field: str) -> bool:
    secret = getattr(account, field, None)
    return isinstance(secret, SecretStr) and bool(secret.get_secret_value())


async def _keep(
    hub: Hub, slug: str, account: Account, field: str, secret: SecretStr, keep_secret: KeepSecret
) -> None:
    """Keeps the secret that a vendor made: in the vault at once, and in the block.

    The vault first, since the vendor may be sending already; the block is where operations
    see it, and what the next saving of the block would otherwise forget.
    """
    sealed = hub.vault.seal({**account.plain(), field: secret.get_secret_value()})
    await hub.database.persist(
        lambda connection: connections.reseal(connection, slug, sealed, now=hub.clock())
    )
    await keep_secret(slug, field, secret)


async def _silence(hub: Hub, care: Care, lifecycle: Lifecycle, client: Any, wanted: Wanted) -> str:
    """Why the connection seems to be deaf, in words; empty where it is not, or not yet known."""
    now = hub.clock()
    quiet = silence(lifecycle, care.heard_at, now=now)
    if quiet is None:
        return ""
    since = f"no webhook has come for {_in_words(quiet)}"
    if lifecycle.canary is None:
        return f"{since}, though they are subscribed: look at the vendor's delivery log"
    is_asked = care.canary_at is not None and care.canary_at > now - quiet
    if not is_asked:
        await lifecycle.canary(client, wanted)
        await hub.database.persist(
            lambda connection: subscriptions.note_canary(connection, care, now=now)
        )
        return care.problem
    assert care.canary_at is not None
    if now - care.canary_at < CANARY_TIME:
        return care.problem
    return f"{since}, not even the test delivery that the vendor was asked for"


def _in_words(quiet: timedelta) -> str:
    if quiet.days:
        return f"{quiet.days} days" if quiet.days > 1 else "a day"
    return f"{quiet.seconds // 3600} hours"
