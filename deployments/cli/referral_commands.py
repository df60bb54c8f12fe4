"""`hub referrals`: who came by whom, and what a person has to decide."""

from __future__ import annotations

from typing import Annotated

import typer

referrals_app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Recommendations of members: list, and decide about those that are held.",
)

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]


@referrals_app.command("list")
def list_referrals(
    state: Annotated[str, typer.Option(help="Only in this state, such as held.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List recommendations, those that moved last first."""
    from deployments.cli.referrals import run_list

    raise typer.Exit(run_list(state=state, limit=limit, as_json=as_json))


@referrals_app.command("decide")
def decide(
    friend: Annotated[str, typer.Argument(metavar="FRIEND", help="The friend's member id.")],
    approve: Annotated[
        bool, typer.Option("--approve/--refuse", help="Whether it counts.", show_default=False)
    ],
    reason: Annotated[str, typer.Option(help="Why; kept with the decision.")] = "",
    as_json: Json = False,
) -> None:
    """Decide about a recommendation that is held."""
    from deployments.cli.referrals import run_decide

    raise typer.Exit(run_decide(friend, approved=approve, reason=reason, as_json=as_json))
