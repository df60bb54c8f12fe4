"""`hub rewards`: what members have for their points, taking it back, and what is offered."""

from __future__ import annotations

from typing import Annotated

import typer

rewards_app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Rewards of the catalogue: list, take back, hand out; what is offered.",
)

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]
Reason = Annotated[str, typer.Option(help="Why; kept with every reward.")]


@rewards_app.command("list")
def list_rewards(
    item: Annotated[str, typer.Option(help="Only of this item of the catalogue.")] = "",
    state: Annotated[str, typer.Option(help="Only in this state, such as issued.")] = "",
    who: Annotated[str, typer.Option(help="A code, or a member's e-mail, phone or id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    full: Annotated[bool, typer.Option("--full", help="Show whole codes.")] = False,
    as_json: Json = False,
) -> None:
    """List rewards, newest first. Codes are shortened: they are as good as money."""
    from deployments.cli.rewards import Wanted, run_list

    wanted = Wanted(item=item, state=state, who=who)
    raise typer.Exit(run_list(wanted, limit=limit, full=full, as_json=as_json))


@rewards_app.command("void")
def void_rewards(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID…", help="Their ids.")] = None,
    item: Annotated[str, typer.Option(help="Instead of ids: all of this item.")] = "",
    reason: Reason = "",
    keep_points: Annotated[
        bool, typer.Option("--keep-points", help="Do not give the points back.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Take rewards back that were not used; they are ended in the shop where it can."""
    from deployments.cli.rewards import Taking, run_void

    taking = Taking(tuple(ids or ()), item, reason, not keep_points)
    raise typer.Exit(run_void(taking, is_agreed=yes, as_json=as_json))


@rewards_app.command("use")
def use_reward(
    id: Annotated[str, typer.Argument(metavar="ID", help="Its id.")],
    as_json: Json = False,
) -> None:
    """Say that a member has got what the reward is: a product, something of your own."""
    from deployments.cli.rewards import run_use

    raise typer.Exit(run_use(id, as_json=as_json))


@rewards_app.command("catalogue")
def show_catalogue(as_json: Json = False) -> None:
    """List what is offered, with how many of each are in which state."""
    from deployments.cli.rewards import run_catalogue

    raise typer.Exit(run_catalogue(as_json=as_json))
