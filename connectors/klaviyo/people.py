"""People: subscribed on their own fresh act, put on lists, imported by the thousand.

https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles,
https://developers.klaviyo.com/en/reference/add_profiles_to_list and
https://developers.klaviyo.com/en/reference/bulk_import_profiles

Subscribing takes away whatever keeps Klaviyo from writing to somebody, also that they left. So
it is done on a `SubscribeAct` alone, which only a person's own act makes. A list changes no
consent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.batches import in_batches
from connectors.kit.capabilities import ListMembership, SubscribeAct, Whom
from connectors.kit.errors import ConnectorBug, ConnectorError, InvalidRequest, NotFound
from connectors.kit.paging import dig

if TYPE_CHECKING:
    from connectors.klaviyo.client import KlaviyoClient

MAX_BULK_BYTES = 4_500_000
MAX_BULK_PROFILES = 10_000
LOOKS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between the looks at an import; what takes longer is believed to be fine."""

ERRORS_SHOWN = 100


async def subscribe(client: KlaviyoClient, job: Job) -> Sent:
    """Subscribes one address to one channel, as the person just asked for."""
    act: SubscribeAct = job.input
    is_email = act.channel == "email"
    consent = {act.channel: {"marketing": {"consent": "SUBSCRIBED"}}}
    attributes = {"email" if is_email else "phone_number": act.address, "subscriptions": consent}
    data: dict[str, Any] = {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {
            "custom_source": act.source,
            "profiles": {"data": [{"type": "profile", "attributes": attributes}]},
        },
    }
    if act.list:
        data["relationships"] = {"list": {"data": {"type": "list", "id": act.list}}}
    await client.call("Profiles", "bulk_subscribe_profiles", {"data": data}, expect=(202,))
    return Sent()


async def change_list(client: KlaviyoClient, job: Job) -> Sent:
    """Puts a profile on a list or takes it off."""
    membership: ListMembership = job.input
    profile = membership.customer_id or await _profile_of(client, membership)
    method = "add_profiles_to_list" if membership.is_member else "remove_profiles_from_list"
    body = {"data": [{"type": "profile", "id": profile}]}
    await client.call("Lists", method, membership.list, body, expect=(204,))
    return Sent(vendor_id=profile)


async def _profile_of(client: KlaviyoClient, whom: Whom) -> str:
    known = {"email": whom.email, "phone_number": whom.phone, "external_id": whom.external_id}
    for field, value in known.items():
        if not value:
            continue
        _, reply = await client.call(
            "Profiles",
            "get_profiles",
            expect=(200,),
            writes=False,
            filter=f"equals({field},{json.dumps(value, ensure_ascii=False)})",
            fields_profile=["email"],
        )
        found = dig(reply, "data")
        if not isinstance(found, list):
            raise ConnectorBug("Klaviyo's reply lists no profiles")
        if found:
            return str(found[0].get("id", ""))
    raise NotFound("Klaviyo has no profile with this address, number or id")


# --- imports ---------------------------------------------------------------------------------


async def import_profiles(
    client: KlaviyoClient, profiles: Sequence[dict[str, Any]]
) -> list[str | ConnectorError]:
    """Imports many profiles; the job's id for each, or why Klaviyo refuses this one."""
    outcomes: list[str | ConnectorError] = []
    for part in in_batches(profiles, _length, most=MAX_BULK_PROFILES, most_bytes=MAX_BULK_BYTES):
        try:
            outcomes += await _import(client, part)
        except ConnectorError as error:
            outcomes += [error] * len(part)
    return outcomes


async def _import(
    client: KlaviyoClient, part: Sequence[dict[str, Any]]
) -> list[str | ConnectorError]:
    data = [{"type": "profile", "attributes": one} for one in part]
    job = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": data}}}
    _, reply = await client.call("Profiles", "bulk_import_profiles", {"data": job}, expect=(202,))
    identity = dig(reply, "data.id")
    if not isinstance(identity, str):
        raise ConnectorBug("Klaviyo's reply names no import")
    outcomes: list[str | ConnectorError] = [identity] * len(part)
    if not await _has_failures(client, identity):
        return outcomes
    _, errors = await client.call(
        "Profiles",
        "get_errors_for_bulk_import_profiles_job",
        identity,
        expect=(200,),
        writes=False,
        page_size=ERRORS_SHOWN,
    )
    found = dig(errors, "data")
    for one in found if isinstance(found, list) else ():
        place = _place(dig(one, "attributes.source.pointer"))
        if place is not None and place < len(outcomes):
            says = str(dig(one, "attributes.detail") or "no explanation given")[:300]
            code = str(dig(one, "attributes.code") or "") or None
            outcomes[place] = InvalidRequest(f"Klaviyo refuses it: {says}", vendor_code=code)
    return outcomes


async def _has_failures(client: KlaviyoClient, identity: str) -> bool:
    """Whether an import ended with some refused; it is not waited for beyond some seconds."""
    for seconds in LOOKS:
        _, reply = await client.call(
            "Profiles", "get_bulk_import_profiles_job", identity, expect=(200,), writes=False
        )
        if dig(reply, "data.attributes.status") in ("complete", "cancelled"):
            return bool(dig(reply, "data.attributes.failed_count"))
        await asyncio.sleep(seconds)
    return False


def _place(pointer: Any) -> int | None:
    """`/data/attributes/profiles/data/7/…` points at the eighth."""
    text = str(pointer or "").partition("/profiles/data/")[2].split("/")[0]
    return int(text) if text.isdecimal() else None


def _length(profile: dict[str, Any]) -> int:
    return len(json.dumps(profile)) + 50  # what the profile is wrapped in


SUBSCRIBE = Action(
    name="subscribe",
    title="Subscribe somebody who just asked for it.",
    input=SubscribeAct,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=subscribe,
    capability=Capability.SUBSCRIBE,
    sample="subscribe.response.json",
    scopes=("lists:write", "profiles:write", "subscriptions:write"),
)

CHANGE_LIST = Action(
    name="change_list",
    title="Put somebody on a list or take them off.",
    input=ListMembership,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=change_list,
    capability=Capability.LIST,
    sample="change_list.response.json",
    scopes=("lists:write", "profiles:read", "profiles:write"),
)
