"""The connections: their states, a harmless call through each, budgets, and who serves what."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date

from connectors.kit.action import Capability
from connectors.kit.errors import AuthError, ConnectorError
from connectors.kit.manifest import Client
from connectors.kit.redact import without_people
from connectors.kit.registry import manifest, slugs
from deployments.cli.checks.finding import Finding, note, ok, problem
from deployments.cli.checks.store import Snapshot, key_file
from deployments.cli.desk import open_store
from flows.clients import account_of
from flows.directory import Directory
from flows.sending import budget_name
from loyalty.settings import HubSettings
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.tokens import StoredTokens
from loyalty.store.vault import Vault, VaultError

SECONDS = 10.0
"""How long a vendor may take to answer its check."""

_BLOCK = "renew its credentials block in the Prefect UI"

_SERVE = "make a connection of it ready, or name another in the programme's routes"

_TO_DO = {
    "paused": "resume it when its time has come",
    "refused": _BLOCK,
    "invalid": "correct its credentials block in the Prefect UI",
}


async def check_connections(settings: HubSettings, snapshot: Snapshot) -> list[Finding]:
    """Each connection: its state, and for an active one whether its vendor answers."""
    if not snapshot.connections:
        return [note("connections", "none yet", "add credentials blocks in the Prefect UI")]
    held = _held(snapshot)
    active = [one for one in snapshot.connections if one.state == "active"]
    rest = [_stopped(one, held) for one in snapshot.connections if one.state != "active"]
    try:
        vault = _vault(settings)
    except VaultError as error:
        return [*rest, problem("secret key", str(error), "put it back from your backup")]
    if vault is None:
        says = f"{key_file(settings)} is missing: no credentials can be opened"
        return [*rest, problem("secret key", says, "put it back from your backup")]
    database = open_store(settings)
    try:
        called = await asyncio.gather(*(_call(one, vault, database) for one in active))
    finally:
        await database.aclose()
    return [*rest, *called]


def check_sunsets(snapshot: Snapshot, today: date) -> list[Finding]:
    """Connectors in use whose pinned API version ends within three months."""
    used = {one.connector for one in snapshot.connections if one.state != "absent"}
    warnings = {slug: manifest(slug).sunset_warning(today) for slug in sorted(used & set(slugs()))}
    return [
        note(slug, says, "look for a newer release of the hub")
        for slug, says in warnings.items()
        if says
    ]


def check_subscriptions(settings: HubSettings, snapshot: Snapshot) -> list[Finding]:
    """Whether the hub keeps the vendors' webhook subscriptions, and whose do not arrive."""
    active = [one for one in snapshot.connections if one.state == "active"]
    kept = [
        one
        for one in active
        if one.connector in slugs() and manifest(one.connector).subscriptions is not None
    ]
    if not kept:
        return []
    if not settings.public_url:
        says = f"off for {len(kept)} connections: no vendor knows an address of this hub"
        return [note("subscriptions", says, "set HUB_PUBLIC_URL, or subscribe at the vendors")]
    deaf = [
        problem(
            f"{one.slug} webhooks",
            without_people(one.note),
            "see the vendor's webhook settings; the deployment `subscriptions` tries again hourly",
        )
        for one in kept
        if one.note
    ]
    return deaf or [ok("subscriptions", f"kept for {len(kept)} connections")]


def _vault(settings: HubSettings) -> Vault | None:
    """The vault; None where its key is gone. A new key would open nothing, so none is made."""
    if settings.secret_key.get_secret_value() or key_file(settings).exists():
        return Vault.of(settings.root, settings.secret_key)
    return None


def _held(snapshot: Snapshot) -> Mapping[str, int]:
    held: dict[str, int] = {}
    for one in snapshot.tally:
        if one.state == "held":
            held[one.route] = held.get(one.route, 0) + one.count
    return held


def _stopped(one: StoredConnection, held: Mapping[str, int]) -> Finding:
    count = held.get(one.slug, 0)
    says = f"is {one.state}" + (f": {without_people(one.reason)}" if one.reason else "")
    if count:
        says += f"; {count} deliveries wait for it"
    if one.state in ("absent", "paused") and not count:
        return note(one.slug, says)
    return problem(one.slug, says, _TO_DO.get(one.state, "add its block again in the Prefect UI"))


async def _call(one: StoredConnection, vault: Vault, database: Database) -> Finding:
    if one.connector not in slugs():
        return problem(one.slug, "there is no such connector in this version", "delete its block")
    try:
        account = account_of(one, vault)
        tokens = StoredTokens(database, vault, one.slug)
        client: Client = manifest(one.connector).open(account, tokens=tokens)
    except (ConnectorError, VaultError) as error:
        return problem(one.slug, without_people(str(error)), _BLOCK)
    try:
        return ok(one.slug, without_people(await asyncio.wait_for(client.check(), SECONDS)))
    except TimeoutError:
        says = f"no answer within {SECONDS:.0f} s"
        return problem(one.slug, says, "see the vendor's status page, and that it can be reached")
    except AuthError as error:
        return problem(one.slug, without_people(error.message), _BLOCK)
    except ConnectorError as error:
        return problem(one.slug, without_people(error.message), "try again; then ask its owner")
    except Exception as error:  # noqa: BLE001 - one connector's mistake must not end the check-up
        return problem(
            one.slug, f"its check failed with {type(error).__name__}", "tell the connector's owner"
        )
    finally:
        await client.aclose()


def check_budgets(snapshot: Snapshot) -> list[Finding]:
    """Whether every connection has the budget without which nothing may be sent."""
    findings, complete = [], 0
    for one in snapshot.connections:
        budget = snapshot.budgets.get(budget_name(one.slug))
        if one.state == "absent":
            continue
        if budget is None:
            findings.append(
                problem(
                    f"budget of {one.slug}",
                    "is missing, so nothing can be sent through it",
                    "a worker makes it within 10 s from its Prefect limit: see that one lives",
                )
            )
        elif not budget.is_active:
            says = "is switched off in Prefect: its calls are not limited"
            findings.append(note(f"budget of {one.slug}", says))
        else:
            complete += 1
    if complete and not findings:
        findings.append(ok("budgets", f"{complete} in force"))
    return findings


def check_routes(snapshot: Snapshot) -> list[Finding]:
    """Whether a ready connection serves each capability that the programme routes."""
    directory = Directory({one.slug: one for one in snapshot.connections})
    waiting: dict[str, int] = {}
    for one in snapshot.tally:
        if one.state == "held":
            waiting[one.capability] = waiting.get(one.capability, 0) + one.count
    findings = []
    for name in sorted({*snapshot.programme.routes, *waiting}):
        if name not in set(Capability):
            says = f"the programme routes {name!r}, which is no capability"
            findings.append(problem(f"route {name}", says, "correct the programme's routes"))
            continue
        route = directory.route(Capability(name), snapshot.programme)
        if not route.problem:
            findings.append(ok(f"route {name}", f"served by {route.slug}"))
            continue
        says = without_people(route.problem)
        if waiting.get(name):
            says = f"{waiting[name]} deliveries wait: {says}"
            findings.append(problem(f"route {name}", says, _SERVE))
        else:
            findings.append(note(f"route {name}", f"nothing waits for it yet, but {says}"))
    return findings
