"""`hub`: every command has `--json` where it answers something, and honest exit codes.

Exit codes: 0 done, 1 it did not hold (a check failed, a signature is wrong), 2 unusable input.
Commands import what they need when they run, so that `hub --help` answers at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    name="hub",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]


@app.callback()
def hub() -> None:
    """Loyalty Hub: signed events in, exact points and messages out."""


@app.command()
def up(
    sandboxes: Annotated[
        bool, typer.Option("--sandboxes", help="Serve the vendors' stand-ins too.")
    ] = False,
) -> None:
    """Start everything and keep it running until Ctrl-C."""
    from deployments.cli.up import run_up

    raise typer.Exit(run_up(with_sandboxes=sandboxes))


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop when the day is over.")] = False,
    as_json: Json = False,
) -> None:
    """Play a day of trade through everything, against the vendors' stand-ins."""
    from deployments.cli.demo import run_demo

    raise typer.Exit(run_demo(once=once, as_json=as_json))


def main() -> None:
    """The entry point of `hub`."""
    app()
