"""A campaign's message as a given customer would get it, and when the gate would let it go."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from gateway.console.rendering import query
from gateway.console.texts import MAIL_HEADERS, texts_in_force
from gateway.console.visit import Turned, Visit, Visitor
from loyalty.campaigns import Campaign, ShopCustomer
from loyalty.store import campaigns, rulebook, shop_customers
from loyalty.store.campaign_preview import SAMPLE, Foretold, preview_invitation
from loyalty.texts import TextError

router = APIRouter()

Shop = Annotated[str, Query(max_length=200)]
Customer = Annotated[str, Query(max_length=200)]
Locale = Annotated[str, Query(max_length=35)]


@router.get("/{campaign_id}/preview")
async def preview(
    visit: Visit, campaign_id: UUID, shop: Shop = "", customer: Customer = "", locale: Locale = ""
) -> HTMLResponse:
    """Name, amount, language, SMS segments, and `would be sent at …, because …`."""
    asked = {"shop": shop.strip(), "customer": customer.strip(), "locale": locale.strip()}
    campaign, whom, foretold, problem = await _foretell(visit, campaign_id, **asked)
    here = f"/console/campaigns/{campaign_id}"
    return visit.page(
        "campaigns/preview.html",
        campaign=campaign,
        whom=whom,
        found=foretold,
        problem=problem,
        asked=asked,
        here=here,
        mail=f"{here}/preview/mail?{query(asked)}",
    )


@router.get("/{campaign_id}/preview/mail")
async def mail(
    visit: Visit, campaign_id: UUID, shop: Shop = "", customer: Customer = "", locale: Locale = ""
) -> HTMLResponse:
    """The HTML of the e-mail, for the frame of the preview."""
    *_, foretold, problem = await _foretell(
        visit, campaign_id, shop=shop, customer=customer, locale=locale
    )
    if foretold is None or not foretold.message.html:
        raise Turned(404, "There is no HTML to show", problem or "This text has none.")
    return HTMLResponse(foretold.message.html, headers=MAIL_HEADERS)


async def _foretell(
    visit: Visitor, campaign_id: UUID, *, shop: str, customer: str, locale: str
) -> tuple[Campaign, ShopCustomer, Foretold | None, str]:
    """The campaign, whom the preview is for, and the preview or why there is none."""
    house = visit.house
    texts = await asyncio.to_thread(texts_in_force, house.settings.rules)
    async with house.database.begin() as connection:
        campaign = await campaigns.with_id(connection, campaign_id)
        if campaign is None:
            raise Turned(404, "There is no such campaign", "The list has all there are.")
        plan = campaign.plan
        whom = SAMPLE
        if customer:
            named = await shop_customers.find(connection, shop or plan.shop, customer)
            if named is None:
                return campaign, whom, None, "This customer was not imported from that shop."
            whom = named
        else:
            whom = await shop_customers.anybody(connection, plan.shop, plan.channel) or SAMPLE
        try:
            found = await preview_invitation(
                connection,
                plan,
                whom,
                programme=await rulebook.programme(connection),
                texts=texts,
                links=house.links,
                now=visit.now,
                locale=locale,
            )
        except (TextError, ValueError) as error:
            return campaign, whom, None, f"{error}."
    return campaign, whom, found, ""
