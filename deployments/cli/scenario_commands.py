"""The commands of `hub scenario`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

scenario_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Stories about a programme, played through the real engine with a clock of their own.",
)


@scenario_app.command("run")
def run(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Scenario files (YAML).")],
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only the case with this id; repeatable.")
    ] = None,
    server: Annotated[
        str,
        typer.Option(
            envvar="HUB_SCENARIO_SERVER",
            help="A PostgreSQL server to make a database on; else one is started for the run.",
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")] = False,
) -> None:
    """Play scenario files. Exit 0 all as expected, 1 something differs, 2 an unusable file."""
    from deployments.cli.scenario import run_scenarios

    raise typer.Exit(run_scenarios(files, only=only or [], server=server, as_json=as_json))


@scenario_app.command("schema")
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from deployments.cli.scenario import run_schema

    raise typer.Exit(run_schema())
