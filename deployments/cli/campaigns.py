"""`hub campaigns`: what there is, what a customer would get, the switch; a worker does the work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from deployments.cli.answers import (
    Failure,
    answering,
    counted,
    moment,
    say,
    show_fields,
    show_rows,
    unusable,
    write_json,
)
from deployments.cli.desk import Desk, actor, at_desk
from deployments.cli.templates import read_texts
from flows.clients import first_problem
from loyalty.campaigns import Campaign, CampaignPlan, CampaignState
from loyalty.links import Links
from loyalty.store import (
    campaigns,
    customer_imports,
    engagement,
    errands,
    invitations,
    rulebook,
    shop_customers,
)
from loyalty.store.campaign_preview import SAMPLE, Foretold, preview_invitation
from loyalty.store.vault import Vault
from loyalty.texts import TextError


@answering
def run_list(*, as_json: bool) -> int:
    """Every campaign with its figures."""

    async def find(desk: Desk) -> list[dict[str, Any]]:
        async with desk.database.begin() as connection:
            return [await _told(connection, one) for one in await campaigns.listed(connection)]

    found = at_desk(find)
    if as_json:
        write_json({"campaigns": found})
        return 0
    columns = ("name", "shop", "state", "points", "waiting", "sent", "delivered", "joined")
    show_rows(columns, [[one.get(name, "") for name in columns] for one in found])
    return 0


@answering
def run_show(name: str, *, as_json: bool) -> int:
    """One campaign: plan, line, figures, imports."""

    async def find(desk: Desk) -> dict[str, Any]:
        async with desk.database.begin() as connection:
            campaign = await _named(connection, name)
            plan = campaign.plan
            reach = await shop_customers.reach(connection, plan.shop, plan.channel)
            imports = await customer_imports.listed(connection)
            return await _told(connection, campaign) | {
                "plan": plan.model_dump(),
                "reach": asdict(reach),
                "imports": [asdict(one) for one in imports if plan.shop in ("", one.store)],
            }

    found = at_desk(find)
    if as_json:
        write_json(found)
        return 0
    show_fields(
        [(key, value) for key, value in found.items() if not isinstance(value, (dict, list))]
    )
    show_fields([(f"customers {key}", value) for key, value in found["reach"].items()])
    for one in found["imports"]:
        say(f"{one['store']}: {one['state']}, {one['read']:,} read, last page "
            f"{moment(one['updated_at'])} {one['problem']}".rstrip())  # fmt: skip
    return 0


async def _told(connection: AsyncConnection, campaign: Campaign) -> dict[str, Any]:
    """A campaign with its figures, for people and machines."""
    key = str(campaign.id)
    figures = (await engagement.figures_of(connection, [key]))[key]
    standing = await invitations.standing(connection, campaign.id)
    is_draft = campaign.state is CampaignState.DRAFT
    return {
        "name": campaign.name,
        "shop": campaign.plan.shop or "all",
        "state": campaign.state.value,
        "points": campaign.plan.points,
        "waiting": 0 if is_draft else await invitations.waiting(connection, campaign.id),
        **{state: count for state, count in standing.by_state.items() if state != "waiting"},
        **asdict(figures),
        "open_rate": figures.open_rate,
        "click_rate": figures.click_rate,
        "join_rate": figures.join_rate,
        "points_given": standing.points,
    }


async def _named(connection: AsyncConnection, name: str) -> Campaign:
    try:
        return await campaigns.find(connection, name)
    except campaigns.NoSuchCampaign as error:
        raise unusable(str(error)) from None


@answering
def run_create(plan: Mapping[str, Any], *, as_json: bool) -> int:
    """Makes a draft."""
    try:
        wanted = CampaignPlan.model_validate(dict(plan))
    except ValidationError as error:
        raise unusable(first_problem(error)) from None

    async def make(desk: Desk) -> Campaign:
        try:
            async with desk.database.begin() as connection:
                return await campaigns.create(connection, wanted, by=actor(), now=desk.now)
        except campaigns.NameTaken as error:
            raise unusable(str(error)) from None

    made = at_desk(make)
    if as_json:
        write_json({"name": made.name, "id": str(made.id), "state": made.state.value})
    else:
        say(f"{made.name!r} is a draft: look at it with `hub campaigns preview {made.name!r}`.")
    return 0


@answering
def run_preview(name: str, *, shop: str, customer: str, locale: str, as_json: bool) -> int:
    """The message as a customer would get it; 1 where the gate would not let it go."""

    async def find(desk: Desk) -> Foretold:
        texts = read_texts()
        links = Links(
            Vault.of(desk.settings.root, desk.settings.secret_key).derived("links"),
            desk.settings.base_url,
        )
        async with desk.database.begin() as connection:
            plan = (await _named(connection, name)).plan
            if customer:
                whom = await shop_customers.find(connection, shop or plan.shop, customer)
                if whom is None:
                    raise unusable(f"{customer} was not imported from {shop or plan.shop or '?'}")
            else:
                whom = await shop_customers.anybody(connection, plan.shop, plan.channel) or SAMPLE
            return await preview_invitation(
                connection,
                plan,
                whom,
                programme=await rulebook.programme(connection),
                texts=texts,
                links=links,
                now=desk.now,
                locale=locale,
            )

    try:
        found = at_desk(find)
    except (TextError, ValueError) as error:
        raise unusable(str(error)) from None
    message = found.message
    if as_json:
        write_json({**asdict(message), "channel": found.channel.value, "may_go": found.may_go,
                    "verdict": found.verdict})  # fmt: skip
    else:
        say(f"It {found.verdict}.")
        for line in (message.subject, message.text, *message.warnings):
            say(line)
        if message.segments:
            say(counted(message.segments, "SMS segment"))
    return 0 if found.may_go else 1


@answering
def run_import(name: str, *, as_json: bool) -> int:
    """Has a worker import the customers of the campaign's shops."""

    async def ask(desk: Desk) -> None:
        async with desk.database.begin() as connection:
            await _ask(desk, connection, await _named(connection, name), "import")

    at_desk(ask)
    return _asked(
        "A worker imports the customers: `hub campaigns show` says how far it is.", as_json
    )


@answering
def run_switch(name: str, to: CampaignState, *, yes: bool, as_json: bool) -> int:
    """Sends or stops; sending says first how many it is for."""

    async def switch(desk: Desk) -> int:
        async with desk.database.begin() as connection:
            campaign = await _named(connection, name)
            plan = campaign.plan
            if campaign.state is CampaignState.DRAFT:
                count = (await shop_customers.reach(connection, plan.shop, plan.channel)).invitable
            else:
                count = await invitations.waiting(connection, campaign.id)
            if to is CampaignState.ACTIVE and not yes:
                raise Failure(f"{counted(count, 'invitation')} would be sent", "say --yes to send")
            await campaigns.switch(connection, campaign.name, to, by=actor(), now=desk.now)
            if to is CampaignState.ACTIVE:
                await _ask(desk, connection, campaign, "send")
            return count

    count = at_desk(switch)
    if to is CampaignState.ACTIVE:
        return _asked(f"It is active; a worker sends {counted(count, 'invitation')}.", as_json)
    return _asked("It is inactive: new customers wait, old invitations can be used.", as_json)


async def _ask(desk: Desk, connection: AsyncConnection, campaign: Campaign, mode: str) -> None:
    await errands.ask(
        connection,
        deployment="invite-customers",
        parameters={"campaign": campaign.name, "mode": mode},
        key=f"campaign:{campaign.id}:{mode}:{desk.now.isoformat()}",
        now=desk.now,
    )


def _asked(told: str, as_json: bool) -> int:
    if as_json:
        write_json({"said": told})
    else:
        say(told)
    return 0
