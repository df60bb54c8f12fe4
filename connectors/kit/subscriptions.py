"""Webhook subscriptions kept at the vendor: made once, renewed in time, never twice.

n8n's duplicates came of a careless "does it exist": here a subscription counts as ours by its
address, and as the same one by its address and topics. What points elsewhere is not touched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class Wanted:
    """What there should be: these topics, delivered to this address.

    Attributes:
        secret: What the vendor should sign with, where it lets us choose.
    """

    address: str
    topics: tuple[str, ...]
    secret: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as the vendor tells it.

    Attributes:
        expires_at: When it ends by itself; None where it does not.
        is_active: False where the vendor switched it off after failures.
        secret: Only in the answer to its creation, where the vendor makes the secret.
    """

    id: str
    address: str
    topics: tuple[str, ...]
    expires_at: datetime | None = None
    is_active: bool = True
    secret: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """How a vendor's subscriptions are looked after.

    Attributes:
        topics: What to subscribe; the manifest's triggers by default leave nothing out.
        listed: Every subscription of this account or app, ours and others', all pages.
        create: Makes one. Where `one_per_topic`, it is called with one topic at a time.
        delete: Removes one by id; NotFound means it is gone already, which is as good.
        renew: Extends one; None where the vendor's never expire.
        renew_before: How long before its end a subscription is renewed.
        secret_field: The account's field that takes the secret the vendor made.
        canary: Asks the vendor for a test delivery to the address, where it has one.
        silent_after: No word for so long, on a connection that was heard before, is suspicious.
    """

    topics: tuple[str, ...]
    listed: Callable[[Any], Awaitable[Sequence[Subscription]]]
    create: Callable[[Any, Wanted], Awaitable[Subscription]]
    delete: Callable[[Any, str], Awaitable[None]]
    renew: Callable[[Any, Subscription], Awaitable[Subscription]] | None = None
    renew_before: timedelta = timedelta(days=1)
    one_per_topic: bool = True
    secret_field: str = ""
    canary: Callable[[Any, Wanted], Awaitable[None]] | None = None
    silent_after: timedelta | None = None


@dataclass(slots=True)
class Ensured:
    """What `ensure` found and did.

    Attributes:
        current: What stands now, for the wanted address.
        ends_at: When the first of them ends; None where none does.
        secret: The secret a vendor made at a creation, to be kept in `secret_field`.
    """

    current: list[Subscription] = field(default_factory=list)
    created: list[Subscription] = field(default_factory=list)
    renewed: list[Subscription] = field(default_factory=list)
    removed: list[Subscription] = field(default_factory=list)

    @property
    def ends_at(self) -> datetime | None:
        ends = [one.expires_at for one in self.current if one.expires_at is not None]
        return min(ends, default=None)

    @property
    def secret(self) -> SecretStr | None:
        return next((one.secret for one in self.created if one.secret is not None), None)


async def ensure(lifecycle: Lifecycle, client: Any, wanted: Wanted, *, now: datetime) -> Ensured:
    """Makes what is wanted so, and only so: doing it twice leaves one of each.

    Duplicates, dead ones and topics nobody wants any more are removed, what is missing is
    made, and what ends soon is renewed.

    Raises:
        ConnectorError: The vendor failed; whatever was done stays, and a second call goes on.
    """
    done = Ensured()
    there = [one for one in await lifecycle.listed(client) if one.address == wanted.address]
    kept: dict[tuple[str, ...], Subscription] = {}
    targets = _targets(lifecycle, wanted)
    for one in sorted(there, key=lambda one: (one.is_active, one.id), reverse=True):
        topics = tuple(sorted(one.topics))
        is_over = one.expires_at is not None and one.expires_at <= now
        if topics in targets and topics not in kept and one.is_active and not is_over:
            kept[topics] = one
        else:
            await remove(lifecycle, client, one.id)
            done.removed.append(one)
    for topics, one in kept.items():
        if lifecycle.renew and one.expires_at and one.expires_at - now <= lifecycle.renew_before:
            kept[topics] = await lifecycle.renew(client, one)
            done.renewed.append(kept[topics])
    for topics in sorted(targets - set(kept)):
        made = await lifecycle.create(client, Wanted(wanted.address, topics, wanted.secret))
        kept[topics] = made
        done.created.append(made)
    done.current = list(kept.values())
    return done


async def withdraw(lifecycle: Lifecycle, client: Any, address: str) -> int:
    """Removes every subscription that points to the address; how many there were."""
    there = [one for one in await lifecycle.listed(client) if one.address == address]
    for one in there:
        await remove(lifecycle, client, one.id)
    return len(there)


async def remove(lifecycle: Lifecycle, client: Any, subscription_id: str) -> None:
    """Deletes one; that it is gone already is as good."""
    try:
        await lifecycle.delete(client, subscription_id)
    except NotFound:
        return


def silence(
    lifecycle: Lifecycle, last_heard_at: datetime | None, *, now: datetime
) -> timedelta | None:
    """For how long nothing was heard, where that is suspicious; None where all is well."""
    if lifecycle.silent_after is None or last_heard_at is None:
        return None
    quiet = now - last_heard_at
    return quiet if quiet > lifecycle.silent_after else None


def _targets(lifecycle: Lifecycle, wanted: Wanted) -> set[tuple[str, ...]]:
    topics = tuple(sorted(set(wanted.topics)))
    return {(topic,) for topic in topics} if lifecycle.one_per_topic else {topics}
