"""The flow `invite-customers`: imports a shop's customers, and invites them into the programme."""

from __future__ import annotations

from typing import Annotated, Literal

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from flows import campaigns as sending
from flows.customer_import import Imported, import_customers, shops_with_customers
from flows.progress_bar import ProgressBar
from flows.runtime import Hub, runtime
from loyalty.campaigns import Campaign, CampaignPlan, CampaignState, ShopCustomer
from loyalty.links import Links
from loyalty.store import campaigns, invitations, shop_customers
from loyalty.store.campaign_preview import SAMPLE, Foretold, preview_invitation

Name = Annotated[str, Field(min_length=1, max_length=100)]
Shop = Annotated[str, Field(max_length=200)]
Points = Annotated[int | None, Field(ge=0, le=1_000_000_000)]
Template = Annotated[str, Field(max_length=100)]
ChannelOfForm = Literal["", "email", "sms", "auto"]
Mode = Literal["preview", "import", "send"]
BY = "the Prefect form"


@flow(name="invite-customers", persist_result=False)
async def invite_customers(
    campaign: Name,
    mode: Mode = "preview",
    shop: Shop = "",
    points: Points = None,
    template: Template = "",
    channel: ChannelOfForm = "",
    locale: Annotated[str, Field(max_length=35)] = "",
) -> None:
    """Imports customers of a shop, shows how many can be invited, and invites them once each.

    A run that was stopped goes on where it was when it is started again; two at once invite
    nobody twice. What an invitation promised stays so, whatever the campaign says later.

    Args:
        campaign: Its name. One that does not exist yet is made, as a draft.
        mode: preview shows who can be invited and the message; import asks the shops for their
            customers, and invites those who are new where the campaign is active; send invites
            everybody who waits, and makes a draft active.
        shop: Whose customers, such as shopify/main. Empty leaves it as it is, or all shops.
        points: For joining, in the programme's smallest unit. Empty leaves it as it is.
        template: The text. Empty leaves it as it is, or `invitation`.
        channel: email, sms, or auto. Empty leaves it as it is, or email.
        locale: The language of whoever has none. Empty leaves it as it is.
    """
    given = {"shop": shop, "points": points, "template": template, "channel": channel}
    changes = {
        name: value for name, value in {**given, "locale": locale}.items() if value or value == 0
    }
    async with runtime() as hub:
        await hub.clients.refresh()
        found = await _named(hub, campaign, changes)
        match mode:
            case "preview":
                await _preview(hub, found)
            case "import":
                await _import(hub, found)
                await _send(hub, found, only_if_active=True)
            case "send":
                await _send(hub, found, only_if_active=False)


async def _named(hub: Hub, name: str, changes: dict[str, str | int]) -> Campaign:
    """The campaign as the form wants it."""
    now = hub.clock()
    async with hub.database.begin() as connection:
        try:
            found = await campaigns.find(connection, name)
        except campaigns.NoSuchCampaign:
            if "points" not in changes:
                raise ValueError(
                    f"{name!r} is a new campaign: say how many points joining is worth"
                ) from None
            plan = CampaignPlan.model_validate({**changes, "name": name})
            return await campaigns.create(connection, plan, by=BY, now=now)
        if not changes:
            return found
        return await campaigns.change(connection, found.name, changes, by=BY, now=now)


async def _import(hub: Hub, campaign: Campaign) -> None:
    shops = [campaign.plan.shop] if campaign.plan.shop else sorted(shops_with_customers(hub))
    if not shops:
        raise ValueError("no connected shop lists its customers: connect one first")
    bar = ProgressBar("invite-customers-import")
    done = [await _import_shop(hub, shop, bar) for shop in shops]
    await bar.show(100, "; ".join(_read(one) for one in done))
    problems = [f"{one.store}: {one.problem}" for one in done if one.problem]
    reasons = [{"shop": one.store, "why": why} for one in done for why in one.reasons]
    if reasons:
        await acreate_table_artifact(
            key="invite-customers-refused",
            table=reasons,
            description="Records that could not be kept; the others are.",
        )
    if problems:
        raise RuntimeError("; ".join(problems))


async def _import_shop(hub: Hub, shop: str, bar: ProgressBar) -> Imported:
    async def told(done: Imported) -> None:
        # Shops do not say how many there are: the bar comes nearer to its end with every page.
        await bar.show(round(100 * done.pages / (done.pages + 10), 1), _read(done))

    return await import_customers(hub, shop, told=told)


def _read(done: Imported) -> str:
    refused = f", {done.refused:,} could not be kept" if done.refused else ""
    return f"{done.store}: {done.read:,} customers read{refused}"


async def _send(hub: Hub, campaign: Campaign, *, only_if_active: bool) -> None:
    """Lines up who can be invited, and works the line off where the campaign is active."""
    if campaign.state is CampaignState.INACTIVE and not only_if_active:
        raise ValueError(
            f"{campaign.name!r} is inactive: switch it on in the console, or with "
            f"`hub campaigns activate`, then those who wait are invited"
        )
    is_first = campaign.state is CampaignState.DRAFT
    if is_first and only_if_active:
        return
    if campaign.state is not CampaignState.INACTIVE:
        await check(hub, campaign)
    if is_first:
        async with hub.database.begin() as connection:
            await campaigns.switch(
                connection, campaign.name, CampaignState.ACTIVE, by=BY, now=hub.clock()
            )
    await _work_off(hub, campaign)


async def check(hub: Hub, campaign: Campaign) -> None:
    """Fills the text in once, so that a mistake in it stops the campaign and not each message.

    Raises:
        TextError: The text is missing or cannot be filled in.
    """
    channels = ("email", "sms") if campaign.plan.channel == "auto" else (campaign.plan.channel,)
    async with hub.database.begin() as connection:
        for one in channels:
            plan = campaign.plan.model_copy(update={"channel": one})
            await _foretell(hub, connection, plan, SAMPLE)


async def _foretell(
    hub: Hub, connection: AsyncConnection, plan: CampaignPlan, customer: ShopCustomer
) -> Foretold:
    terms = await hub.terms()
    return await preview_invitation(
        connection,
        plan,
        customer,
        programme=terms.programme,
        texts=terms.texts,
        links=links_of(hub),
        now=terms.now,
    )


async def _work_off(hub: Hub, campaign: Campaign) -> None:
    bar, waiting = ProgressBar("invite-customers"), 0

    async def told(sent: sending.Sent) -> None:
        nonlocal waiting
        waiting = waiting or sent.total + await _waiting(hub, campaign)
        await bar.show(min(100.0 * sent.total / max(waiting, 1), 99.0), _figures(sent))

    sent = await sending.invite_newcomers(
        hub.database,
        campaign.name,
        terms=hub.terms,
        links=links_of(hub),
        progress=told,
        is_stopping=lambda: hub.is_stopping,
    )
    await bar.show(100, _figures(sent))
    get_run_logger().info(_figures(sent))
    if not sent.is_active:
        left = await _waiting(hub, campaign)
        get_run_logger().warning("it is inactive: %s waiting for their invitation", f"{left:,}")
    if sent.reasons:
        await acreate_table_artifact(
            key="invite-customers-not-invited",
            table=[{"why": why, "people": count} for why, count in sent.reasons.most_common()],
            description=f"{campaign.name}: who was not invited, and why.",
        )


async def _waiting(hub: Hub, campaign: Campaign) -> int:
    async with hub.database.begin() as connection:
        return await invitations.waiting(connection, campaign.id)


def _figures(sent: sending.Sent) -> str:
    return (
        f"{sent.invited:,} invited, {sent.refused:,} not allowed by the gate, {sent.opted_out:,} "
        f"opted out, {sent.joined:,} members already"
    )


def links_of(hub: Hub) -> Links:
    """Makes the links of this installation."""
    return Links(hub.vault.derived("links"), hub.settings.base_url)


async def _preview(hub: Hub, campaign: Campaign) -> None:
    plan = campaign.plan
    async with hub.database.begin() as connection:
        reach = await shop_customers.reach(connection, plan.shop, plan.channel)
        customer = await shop_customers.anybody(connection, plan.shop, plan.channel)
        foretold = await _foretell(hub, connection, plan, customer or SAMPLE)
        waiting = await invitations.waiting(connection, campaign.id)
    page = _page(campaign, foretold, reach, waiting)
    await acreate_markdown_artifact(key="invite-customers-preview", markdown=page)


def _page(campaign: Campaign, foretold: Foretold, reach: shop_customers.Reach, waiting: int) -> str:
    message = foretold.message
    rows = [
        f"# {campaign.name}: {campaign.state.value}",
        f"{reach.invitable:,} can be invited of {reach.customers:,} imported customers; "
        f"{reach.members:,} are members, {reach.unreachable:,} have no address, "
        f"{reach.opted_out:,} opted out; {waiting:,} wait.",
        f"This one {foretold.verdict}.",
        f"**{message.subject}**" if message.subject else f"SMS, {message.segments} segments",
        "\n".join(f"    {line}" for line in message.text.splitlines()),
        *(f"- {one}" for one in message.warnings),
    ]
    return "\n\n".join(rows)
