"""Campaigns as operations keep them: made, changed, switched on and off."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.campaigns import Campaign, CampaignPlan, CampaignState
from loyalty.store import audit
from loyalty.store.bulk import insert_rows
from loyalty.store.ids import new_id
from loyalty.store.tables import campaigns


class NameTaken(ValueError):
    """There is a campaign of that name already."""


class NoSuchCampaign(LookupError):
    """There is no campaign of that name; the text says which there are."""


async def create(
    connection: AsyncConnection, plan: CampaignPlan, *, by: str, now: datetime
) -> Campaign:
    """A new campaign, as a draft: nothing is sent before somebody sends it.

    Raises:
        NameTaken: Another one has this name.
    """
    found = Campaign(new_id(now), plan, CampaignState.DRAFT, by, now)
    row = {
        **plan.model_dump(),
        "id": found.id,
        "state": found.state.value,
        "created_by": by,
        "created_at": now,
        "updated_at": now,
    }
    made = await insert_rows(
        connection, campaigns, [row], tail="on conflict (name) do nothing returning id"
    )
    if not made:
        raise NameTaken(f"there is a campaign named {plan.name!r} already: choose another name")
    await _note(connection, found, "campaign.created", by=by, now=now)
    return found


async def change(
    connection: AsyncConnection, name: str, changes: dict[str, Any], *, by: str, now: datetime
) -> Campaign:
    """Changes what a campaign does from now on; what was sent stays as it was promised.

    Raises:
        NoSuchCampaign: Nobody has made it.
        ValidationError: A value does not fit.
    """
    found = await find(connection, name, for_update=True)
    plan = CampaignPlan.model_validate({**found.plan.model_dump(), **changes, "name": name})
    columns = ", ".join(f"{one} = :{one}" for one in plan.model_dump() if one != "name")
    await connection.execute(
        text(f"update campaigns set {columns}, updated_at = :now where id = :id"),  # noqa: S608
        {**plan.model_dump(exclude={"name"}), "id": found.id, "now": now},
    )
    after = Campaign(
        found.id, plan, found.state, found.created_by, found.created_at, found.activated_at
    )
    await _note(connection, after, "campaign.changed", by=by, now=now)
    return after


async def switch(
    connection: AsyncConnection, name: str, to: CampaignState, *, by: str, now: datetime
) -> bool:
    """Switches a campaign on or off; False where it was so already.

    It waits for the messages that are being planned at this moment; after it, none follow.
    """
    found = await find(connection, name, for_update=True)
    if found.state is to:
        return False
    await connection.execute(
        text("""
            update campaigns set state = cast(:to as text), updated_at = :now,
                activated_at = case when cast(:to as text) = 'active'
                    then cast(:now as timestamptz) else activated_at end
            where id = :id
        """),
        {"to": to.value, "id": found.id, "now": now},
    )
    await _note(connection, found, f"campaign.{to.value}", by=by, now=now)
    return True


async def find(
    connection: AsyncConnection, name: str, *, for_update: bool = False, for_share: bool = False
) -> Campaign:
    """The campaign of that name.

    Args:
        for_update: Nobody else changes or works on it until the transaction ends.
        for_share: Nobody else changes it until then.

    Raises:
        NoSuchCampaign: There is none.
    """
    lock = " for update" if for_update else " for share" if for_share else ""
    rows = await connection.execute(
        text(f"select * from campaigns where name = :name{lock}"),  # noqa: S608
        {"name": name.strip()},
    )
    row = rows.first()
    if row is None:
        names = await connection.execute(text("select name from campaigns order by name limit 20"))
        known = ", ".join(repr(one) for one in names.scalars()) or "none yet"
        raise NoSuchCampaign(f"there is no campaign {name[:100]!r}; there are: {known}")
    return campaign_of(row)


async def with_id(connection: AsyncConnection, campaign_id: UUID) -> Campaign | None:
    """The campaign with an id; None where there is none."""
    query = text("select * from campaigns where id = :id")
    row = (await connection.execute(query, {"id": campaign_id})).first()
    return None if row is None else campaign_of(row)


async def listed(connection: AsyncConnection) -> list[Campaign]:
    """Every campaign, the newest first."""
    rows = await connection.execute(text("select * from campaigns order by created_at desc, id"))
    return [campaign_of(row) for row in rows]


def campaign_of(row: Any) -> Campaign:
    """A campaign from its row."""
    plan = CampaignPlan.model_construct(
        **{name: getattr(row, name) for name in CampaignPlan.model_fields}
    )
    return Campaign(
        row.id,
        plan,
        CampaignState(row.state),
        row.created_by,
        row.created_at,
        row.activated_at,
    )


async def ids_covering(connection: AsyncConnection, store: str) -> list[UUID]:
    """The campaigns that invite a shop's customers and are no drafts any more."""
    rows = await connection.execute(
        text("""
            select id from campaigns where state <> 'draft' and shop in ('', :store) order by id
        """),
        {"store": store},
    )
    return list(rows.scalars())


async def _note(
    connection: AsyncConnection, campaign: Campaign, action: str, *, by: str, now: datetime
) -> None:
    await audit.note(
        connection,
        actor=by or "unknown",
        action=action,
        subject=f"campaign {campaign.name}",
        detail=campaign.plan.model_dump(mode="json"),
        now=now,
    )
