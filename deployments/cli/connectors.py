"""`hub connectors`: what the hub can speak to, what it promises there, and what is configured."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError

from connectors.kit.action import Action, Idempotency
from connectors.kit.manifest import Manifest
from connectors.kit.new import CannotMake, make, with_references
from connectors.kit.quality import grade
from connectors.kit.registry import all_manifests
from deployments.cli.answers import Failure, answering, say, show_fields, unusable, write_json
from deployments.cli.desk import open_store, read_settings
from flows.runtime import wall_clock
from loyalty.settings import HubSettings
from loyalty.store import connections
from loyalty.store.connections import StoredConnection
from loyalty.store.database import StoreAway

Configured = dict[str, list[StoredConnection]]

PROMISES = {
    Idempotency.NATIVE_KEY: "the vendor does it once, whatever is sent again",
    Idempotency.UPSERT: "doing it again changes nothing",
    Idempotency.SEARCH_FIRST: "looked up before it is sent again",
    Idempotency.NONE: "never sent again by itself",
}


@answering
def run_connectors(*, as_json: bool) -> int:
    """Lists the connectors; their connections too, where the store can be reached."""
    configured = asyncio.run(_configured(read_settings()))
    if as_json:
        found = [_document(one, configured) for one in all_manifests()]
        write_json({"connectors": found, "is_store_reachable": configured is not None})
        return 0
    for one in all_manifests():
        _tell(one, configured)
    if configured is None:
        say("Which are configured is not known: the store cannot be reached. `hub up` starts it.")
    return 0


@answering
def run_new(slug: str, name: str) -> int:
    """Makes the folder of a connector and says what comes next."""
    try:
        made = make(slug, name)
        with_references(slug)
    except CannotMake as error:
        raise unusable(str(error)) from None
    for path in made:
        say(f"wrote {path}")
    say(f"Next: pytest tests/conformance -k {slug}, and docs/adding-a-connector.md.")
    return 0


async def _configured(settings: HubSettings) -> Configured | None:
    """The connections by connector; None where there is no store to ask."""
    try:
        database = open_store(settings)
    except Failure:
        return None
    try:
        async with database.begin() as connection:
            rows = await connections.load(connection)
    except (StoreAway, asyncpg.PostgresError, DBAPIError):
        return None
    finally:
        await database.aclose()
    found: Configured = {}
    for one in rows:
        found.setdefault(one.connector, []).append(one)
    return found


def _document(one: Manifest, configured: Configured | None) -> dict[str, Any]:
    triggers = one.webhook.triggers.values() if one.webhook else ()
    earned = grade(one, today=_today())
    return {
        "slug": one.slug,
        "name": one.name,
        "status": one.status.value,
        "docs_url": one.docs_url,
        "api_version": one.api_version,
        "api_sunset": one.api_sunset.isoformat() if one.api_sunset else None,
        "sunset_warning": one.sunset_warning(_today()),
        "tier": earned.tier.value,
        "missing_for_next_tier": dict(earned.missing),
        "polls": [kind.value for kind in one.poll.event_types] if one.poll else [],
        "keeps_subscriptions": one.subscriptions is not None,
        "triggers": [
            {
                "vendor_event": trigger.vendor_event,
                "title": trigger.title,
                "events": [kind.value for kind in trigger.event_types],
                "rings": trigger.rings,
            }
            for trigger in triggers
        ],
        "actions": [_action(action) for action in one.actions],
        "limit": {
            "burst": one.limit.burst,
            "per_second": one.limit.per_second,
            "scope": one.limit.scope,
            "concurrency": one.limit.concurrency,
            "source": one.limit.source,
        },
        "known_limits": one.known_limits,
        "connections": None if configured is None else _connections(one, configured),
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        "name": action.name,
        "title": action.title,
        "capability": action.capability.value if action.capability else None,
        "idempotency": action.idempotency.value,
        "class": action.action_class.value,
        "batch_size": action.batch_size,
    }


def _connections(one: Manifest, configured: Configured) -> list[dict[str, str]]:
    return [
        {"name": stored.name, "state": stored.state, "reason": stored.reason}
        for stored in configured.get(one.slug, [])
    ]


def _tell(one: Manifest, configured: Configured | None) -> None:
    status = "" if one.status.value == "available" else f" ({one.status.value})"
    say(f"{one.slug} · {one.name}{status}")
    fields: list[tuple[str, object]] = [_tier(one)]
    fields += [
        ("  in", f"{trigger.vendor_event}: {trigger.title}")
        for trigger in (one.webhook.triggers.values() if one.webhook else ())
    ]
    if one.poll:
        fields.append(("  asked", f"every {one.poll.every}, for what the webhooks missed"))
    for action in one.actions:
        serves = f", serves {action.capability.value}" if action.capability else ""
        fields.append(("  out", f"{action.name}{serves}; {PROMISES[action.idempotency]}"))
    limit = one.limit
    rate = f"{limit.burst} at once, then {limit.per_second:g} a second, per {limit.scope}"
    fields.append(("  limit", rate))
    ends = f", ends on {one.api_sunset}" if one.api_sunset else ""
    fields.append(("  version", f"{one.api_version}{ends}"))
    if warning := one.sunset_warning(_today()):
        fields.append(("  warning", warning))
    fields += [("  known limit", text) for text in one.known_limits]
    if configured is not None:
        for stored in configured.get(one.slug, []):
            why = f": {stored.reason}" if stored.reason else ""
            fields.append(("  connection", f"{stored.name} is {stored.state}{why}"))
        if one.slug not in configured:
            fields.append(("  connection", "none yet: add its block in the Prefect UI"))
    show_fields(fields)
    say("")


def _tier(one: Manifest) -> tuple[str, object]:
    earned = grade(one, today=_today())
    lacks = "; ".join(f"{name}: {why}" for name, why in earned.missing.items())
    return "  tier", earned.tier.value + (f" (for the next: {lacks})" if lacks else "")


def _today() -> date:
    return wall_clock().date()
