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


def main() -> None:
    """The entry point of `hub`."""
    app()
