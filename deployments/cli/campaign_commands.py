"""The commands `hub campaigns …`; they import what they need when they run."""

from __future__ import annotations

from typing import Annotated

import typer

campaigns_app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Campaigns that invite a shop's customers into the programme.",
)

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]
Name = Annotated[str, typer.Argument(help="The campaign's name.")]
Shop = Annotated[str, typer.Option(help="Whose customers: shopify/main; all shops without.")]
Yes = Annotated[bool, typer.Option("--yes", help="Send without asking.")]
Locale = Annotated[str, typer.Option(help="A language: de, pt-BR.")]


@campaigns_app.command("list")
def listed(as_json: Json = False) -> None:
    """Every campaign: state, who waits, sent, delivered, joined."""
    from deployments.cli.campaigns import run_list

    raise typer.Exit(run_list(as_json=as_json))


@campaigns_app.command()
def show(name: Name, as_json: Json = False) -> None:
    """One campaign: who can be invited, imports, figures with rates over delivered."""
    from deployments.cli.campaigns import run_show

    raise typer.Exit(run_show(name, as_json=as_json))


@campaigns_app.command()
def create(
    name: Name,
    points: Annotated[int, typer.Option(help="For joining, in the programme's smallest unit.")],
    shop: Shop = "",
    channel: Annotated[str, typer.Option(help="email, sms or auto.")] = "email",
    template: Annotated[str, typer.Option(help="The text; see `hub templates`.")] = "invitation",
    locale: Locale = "",
    as_json: Json = False,
) -> None:
    """Make a draft; nothing is sent."""
    from deployments.cli.campaigns import run_create

    plan = {"name": name, "points": points, "shop": shop, "channel": channel}
    more = {"template": template, "locale": locale}
    raise typer.Exit(run_create({**plan, **more}, as_json=as_json))


@campaigns_app.command()
def preview(
    name: Name,
    shop: Shop = "",
    customer: Annotated[str, typer.Option(help="The shop's id of a customer.")] = "",
    locale: Locale = "",
    as_json: Json = False,
) -> None:
    """The message as a customer would get it, and when it would go. Exit 1 where it would not."""
    from deployments.cli.campaigns import run_preview

    code = run_preview(name, shop=shop, customer=customer, locale=locale, as_json=as_json)
    raise typer.Exit(code)


@campaigns_app.command("import")
def bring(name: Name, as_json: Json = False) -> None:
    """Have a worker import the customers of the campaign's shops."""
    from deployments.cli.campaigns import run_import

    raise typer.Exit(run_import(name, as_json=as_json))


@campaigns_app.command()
def send(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Invite everybody who can be. Without --yes it says how many that are, and exits 1."""
    _switch(name, is_on=True, yes=yes, as_json=as_json)


@campaigns_app.command()
def activate(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Switch it on and invite those who waited. Without --yes it says how many, and exits 1."""
    _switch(name, is_on=True, yes=yes, as_json=as_json)


@campaigns_app.command()
def deactivate(name: Name, as_json: Json = False) -> None:
    """Switch it off: new customers wait, old invitations can be used."""
    _switch(name, is_on=False, yes=True, as_json=as_json)


def _switch(name: str, *, is_on: bool, yes: bool, as_json: bool) -> None:
    from deployments.cli.campaigns import run_switch
    from loyalty.campaigns import CampaignState

    to = CampaignState.ACTIVE if is_on else CampaignState.INACTIVE
    raise typer.Exit(run_switch(name, to, yes=yes, as_json=as_json))
