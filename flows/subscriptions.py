"""The flow `subscriptions`: keeps the webhook subscriptions at vendors, and says who is deaf."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from pydantic import Field, SecretStr

from connectors.kit.redact import without_people
from flows.report import leave_table, tell_of_trouble
from flows.runtime import Hub, runtime
from flows.subscribing import Looked, look, looked_after
from flows.tables import Row

AT_ONCE = 4

Connections = Annotated[list[str], Field(max_length=100)]


@flow(name="subscriptions", persist_result=False)
async def subscriptions(
    connections: Connections = [],  # noqa: B006 - Prefect shows the default in the form
) -> None:
    """Makes the vendors' webhook subscriptions what they should be: each once, none that ended.

    What cannot be made, and who has been silent for too long, is shown on the hub's home page
    and told once. Needs HUB_PUBLIC_URL: without a public address nothing is touched.

    Args:
        connections: Look after these alone, such as shopify/main. Empty for all.
    """
    logger = get_run_logger()
    async with runtime() as hub:
        if not hub.settings.public_url:
            logger.info("HUB_PUBLIC_URL is not set: no vendor can reach this hub, nothing is made")
            return
        await hub.clients.refresh()
        known = looked_after(hub)
        unknown = sorted(set(connections) - set(known))
        if unknown:
            raise ValueError(
                f"the hub keeps no subscriptions of {', '.join(unknown)}: no such connection, "
                f"not active, or set by hand at the vendor; of these it does: {', '.join(known)}"
            )
        found = await _look_at_all(hub, [one for one in known if one in (connections or known)])
        await _report(found)


async def _look_at_all(hub: Hub, chosen: Sequence[str]) -> list[Looked]:
    gauge = asyncio.Semaphore(AT_ONCE)

    async def one(slug: str) -> Looked | None:
        async with gauge:
            return await look(hub, slug, keep_secret=save_in_block)

    looked = await asyncio.gather(*(one(slug) for slug in chosen))
    return [one for one in looked if one is not None]


async def save_in_block(slug: str, field: str, secret: SecretStr) -> None:
    """Writes a secret that the vendor made into the connection's block."""
    connector, _, name = slug.partition("/")
    async with get_client() as client:
        block = await client.read_block_document_by_name(name, f"{connector}-credentials")
        await client.update_block_document(
            block.id,
            BlockDocumentUpdate(
                data={**block.data, field: secret.get_secret_value()}, merge_existing_data=False
            ),
        )


async def _report(found: Sequence[Looked]) -> None:
    logger = get_run_logger()
    for one in found:
        if one.problem:
            logger.warning("%s: %s", one.connection, without_people(one.problem))
        for trouble in one.troubles:
            tell_of_trouble(trouble)
    if found:
        wrong = sum(bool(one.problem) for one in found)
        text = f"{len(found)} connections looked at, {wrong} with a problem."
        await leave_table("subscriptions", [_row(one) for one in found], text)


def _row(looked: Looked) -> Row:
    return {
        "connection": looked.connection,
        "topics": looked.topics,
        "made": looked.made,
        "renewed": looked.renewed,
        "removed": looked.removed,
        "ends": looked.ends_at.isoformat() if looked.ends_at else "",
        "last heard": looked.heard_at.isoformat() if looked.heard_at else "",
        "problem": without_people(looked.problem),
    }
