"""`hub sites`: where members see the programme, and what a shop's page needs for it."""

from __future__ import annotations

from typing import Annotated

import typer

sites_app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Sites of the members' widget: list them, show the line for the page, the secret.",
)

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]


@sites_app.command("list")
def list_sites(as_json: Json = False) -> None:
    """List the sites with their addresses."""
    from deployments.cli.sites import run_list

    raise typer.Exit(run_list(as_json=as_json))


@sites_app.command("show")
def show_site(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Its id.")],
    secret: Annotated[
        bool, typer.Option("--secret", help="Also what the shop's server signs with.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the line for the shop's page and the address of the portal."""
    from deployments.cli.sites import run_show

    raise typer.Exit(run_show(site, with_secret=secret, as_json=as_json))
