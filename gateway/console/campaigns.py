"""Campaigns in the console: who can be invited, what they would get, the switch, the figures."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.registry import manifest, slugs
from gateway.console.campaign_preview import router as previews
from gateway.console.points import read_points
from gateway.console.visit import Turned, Visit, Visitor
from loyalty.campaigns import Campaign, CampaignPlan, CampaignState
from loyalty.store import (
    campaigns,
    customer_imports,
    engagement,
    errands,
    invitations,
    rulebook,
    shop_customers,
)

ADDRESS = "/console/campaigns"
PEOPLE = 50
CHANNELS = (
    ("email", "E-mail"),
    ("sms", "SMS"),
    ("auto", "E-mail, or SMS where there is none"),
)
_TEXTS = ("name", "shop", "shop_name", "template", "channel", "locale", "join_url")

router = APIRouter(prefix=ADDRESS)

Beyond = Annotated[str, Query(max_length=300)]


@router.get("")
async def listing(visit: Visit) -> HTMLResponse:
    """Every campaign with its figures; what waits for a switch comes first."""
    async with visit.house.database.begin() as connection:
        found = await campaigns.listed(connection)
        figures = await engagement.figures_of(connection, [str(one.id) for one in found])
        waiting = {one.id: await _waiting(connection, one) for one in found}
        programme = await rulebook.programme(connection)
    return visit.page(
        "campaigns/list.html",
        campaigns=found,
        figures=figures,
        waiting=waiting,
        scale=programme.unit_scale,
    )


async def _waiting(connection: AsyncConnection, campaign: Campaign) -> int:
    if campaign.state is CampaignState.DRAFT:
        return 0
    return await invitations.waiting(connection, campaign.id)


# --- making one ----------------------------------------------------------------------------------


@router.get("/new")
async def form(visit: Visit) -> HTMLResponse:
    """The form of a new campaign, with how many can be invited of each shop."""
    return await _form(visit, {})


@router.post("/new")
async def make(visit: Visit) -> Response:
    """Makes it as a draft; nothing is sent."""
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
    points = read_points(visit.text("points"), programme.unit_scale)
    if points is None:
        return await _form(visit, {"points": "Give a number of points, such as 100."})
    given = {name: visit.text(name) for name in _TEXTS if visit.text(name)}
    try:
        plan = CampaignPlan.model_validate(
            {**given, "points": points, "valid_days": visit.text("valid_days") or 90}
        )
        async with visit.house.database.begin() as connection:
            made = await campaigns.create(
                connection, plan, by=f"console:{visit.who}", now=visit.now
            )
    except ValidationError as error:
        return await _form(visit, _problems(error))
    except campaigns.NameTaken as error:
        return await _form(visit, {"name": f"{str(error).capitalize()}."})
    return visit.go(f"{ADDRESS}/{made.id}", said="It is a draft: look at the preview, then send.")


def _problems(error: ValidationError) -> dict[str, str]:
    found = error.errors(include_input=False, include_url=False)
    return {str(one["loc"][0]): f"{one['msg']}." for one in found if one["loc"]}


async def _form(visit: Visitor, problems: dict[str, str]) -> HTMLResponse:
    shops = _shops(visit)
    async with visit.house.database.begin() as connection:
        reach = {one: await shop_customers.reach(connection, one, "auto") for one in ["", *shops]}
        imports = {one.store: one for one in await customer_imports.listed(connection)}
    return visit.page(
        "campaigns/new.html",
        shops=shops,
        choices=[("", "All shops"), *((one, one) for one in shops)],
        reach=reach,
        imports=imports,
        channels=CHANNELS,
        problems=problems,
        status=422 if problems else 200,
    )


def _shops(visit: Visitor) -> list[str]:
    """The connections whose customers can be listed."""
    known = slugs()
    return [
        one.slug
        for one in visit.house.table.listed()
        if (vendor := one.slug.partition("/")[0]) in known and manifest(vendor).customers
    ]


# --- one campaign --------------------------------------------------------------------------------


@router.get("/{campaign_id}")
async def shown(visit: Visit, campaign_id: UUID, beyond: Beyond = "") -> HTMLResponse:
    """How a campaign stands: its line, its figures, its people."""
    async with visit.house.database.begin() as connection:
        campaign = await found(connection, campaign_id)
        name = str(campaign.id)
        standing = await invitations.standing(connection, campaign.id)
        figures = (await engagement.figures_of(connection, [name]))[name]
        people = await engagement.people_of(connection, name, beyond=beyond, limit=PEOPLE + 1)
        reach = await shop_customers.reach(connection, campaign.plan.shop, campaign.plan.channel)
        waiting = await _waiting(connection, campaign)
        imports = await customer_imports.listed(connection)
        programme = await rulebook.programme(connection)
    shop = campaign.plan.shop
    return visit.page(
        "campaigns/show.html",
        campaign=campaign,
        standing=standing,
        figures=figures,
        people=people[:PEOPLE],
        after=people[PEOPLE - 1].person if len(people) > PEOPLE else "",
        reach=reach,
        waiting=waiting,
        imports=[one for one in imports if shop in ("", one.store)],
        scale=programme.unit_scale,
        here=f"{ADDRESS}/{campaign.id}",
    )


async def found(connection: AsyncConnection, campaign_id: UUID) -> Campaign:
    """The campaign of an address.

    Raises:
        Turned: There is none.
    """
    campaign = await campaigns.with_id(connection, campaign_id)
    if campaign is None:
        raise Turned(404, "There is no such campaign", "The list has all there are.")
    return campaign


@router.post("/{campaign_id}/import")
async def bring(visit: Visit, campaign_id: UUID) -> Response:
    """Has the shops asked for their customers."""
    async with visit.house.database.begin() as connection:
        campaign = await found(connection, campaign_id)
        await visit.note(connection, "campaign.import_asked", campaign.name)
        await _errand(visit, connection, campaign, "import")
    return visit.go(f"{ADDRESS}/{campaign_id}", said="The customers are being imported.")


@router.post("/{campaign_id}/points")
async def change(visit: Visit, campaign_id: UUID) -> Response:
    """What joining is worth from now on; what was sent stays as it was promised."""
    back = f"{ADDRESS}/{campaign_id}"
    async with visit.house.database.begin() as connection:
        campaign = await found(connection, campaign_id)
        programme = await rulebook.programme(connection)
        points = read_points(visit.text("points"), programme.unit_scale)
        if points is None or points < 0:
            return visit.go(back, said="Give a number of points, such as 100.", tone="bad")
        await campaigns.change(
            connection, campaign.name, {"points": points},
            by=f"console:{visit.who}", now=visit.now,
        )  # fmt: skip
    return visit.go(back, said="It holds for invitations that are sent from now on.")


@router.post("/{campaign_id}/on")
async def switch_on(visit: Visit, campaign_id: UUID) -> Response:
    """Sends, or sends again what waited: asks first, with the number."""
    async with visit.house.database.begin() as connection:
        campaign = await found(connection, campaign_id)
        count = await _who_would_be(connection, campaign)
        if visit.is_confirmed:
            await campaigns.switch(
                connection, campaign.name, CampaignState.ACTIVE,
                by=f"console:{visit.who}", now=visit.now,
            )  # fmt: skip
            await _errand(visit, connection, campaign, "send")
    here = f"{ADDRESS}/{campaign_id}"
    if visit.is_confirmed:
        return visit.go(here, said="It is active: invitations are on their way.")
    return visit.ask(
        f"Send {count} invitations?" if count != 1 else "Send 1 invitation?",
        "Each person is asked of the gate first: whoever wants no messages gets none, and quiet "
        "hours are kept. What is sent promises the points that the campaign says now.",
        fields={},
        word=f"Send {count}" if count else "Switch it on",
        back=here,
    )


async def _who_would_be(connection: AsyncConnection, campaign: Campaign) -> int:
    """How many a switch would invite: those who wait, and of a draft those who can be."""
    plan = campaign.plan
    if campaign.state is CampaignState.DRAFT:
        return (await shop_customers.reach(connection, plan.shop, plan.channel)).invitable
    return await invitations.waiting(connection, campaign.id)


@router.post("/{campaign_id}/off")
async def switch_off(visit: Visit, campaign_id: UUID) -> Response:
    """Stops sending; whoever was invited can go on joining."""
    async with visit.house.database.begin() as connection:
        campaign = await found(connection, campaign_id)
        await campaigns.switch(
            connection, campaign.name, CampaignState.INACTIVE,
            by=f"console:{visit.who}", now=visit.now,
        )  # fmt: skip
    return visit.go(f"{ADDRESS}/{campaign_id}", said="It is inactive: new customers wait.")


async def _errand(
    visit: Visitor, connection: AsyncConnection, campaign: Campaign, mode: str
) -> None:
    parameters: dict[str, Any] = {"campaign": campaign.name, "mode": mode}
    await errands.ask(
        connection,
        deployment="invite-customers",
        parameters=parameters,
        key=f"campaign:{campaign.id}:{mode}:{visit.now.isoformat()}",
        now=visit.now,
    )


router.include_router(previews)
