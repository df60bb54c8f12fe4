"""`hub`: every command has `--json` where it answers something, and honest exit codes.

Exit codes: 0 done, 1 it did not hold (a check failed, a signature is wrong), 2 unusable input.
Commands import what they need when they run, so that `hub --help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.scenario_commands import scenario_app

PLAIN_HELP = None
"""Help is plain text: drawing boxes would take longer than all the rest of `hub --help`."""

app = typer.Typer(
    name="hub",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=PLAIN_HELP,
)
deliveries_app = typer.Typer(rich_markup_mode=PLAIN_HELP)
app.add_typer(deliveries_app, name="deliveries")
app.add_typer(scenario_app, name="scenario")

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]
State = Annotated[str, typer.Option(help="Only in these states, comma-separated.")]
Connection = Annotated[str, typer.Option(help="Only of this connection: twilio/main, or twilio.")]
Key = Annotated[str, typer.Option(help="Only with this in their idempotency key.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most, newest first.")]


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


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check everything, and say what to do about what is wrong. Exit 1 where something is."""
    from deployments.cli.doctor import run_doctor

    raise typer.Exit(run_doctor(as_json=as_json))


@app.command()
def connectors(as_json: Json = False) -> None:
    """List the connectors: what comes in, what goes out, limits, and what is configured."""
    from deployments.cli.connectors import run_connectors

    raise typer.Exit(run_connectors(as_json=as_json))


@app.command()
def events(
    state: State = "",
    trigger: Annotated[str, typer.Option(help="Only of this trigger, e.g. orders.")] = "",
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List the events that came in, newest first, and how they ended."""
    from deployments.cli.events import run_events

    states = split(state)
    raise typer.Exit(run_events(states, trigger=trigger, limit=limit, as_json=as_json))


@app.command()
def event(
    key: Annotated[str, typer.Argument(help="Its key, e.g. shopify/main:order.paid:1001.")],
    as_json: Json = False,
) -> None:
    """Tell how an event ended, what it booked and sent, and why each rule fired or not."""
    from deployments.cli.events import run_event

    raise typer.Exit(run_event(key, as_json=as_json))


@deliveries_app.callback(invoke_without_command=True)
def deliveries(
    context: typer.Context,
    state: State = "",
    connection: Connection = "",
    key: Key = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Deliveries: a summary, or a list of those that match; show one; resolve what is unclear."""
    if context.invoked_subcommand is not None:
        if state or connection or key or as_json:
            raise typer.BadParameter(f"put options behind {context.invoked_subcommand}")
        return
    if state or connection or key:
        list_deliveries(state, connection=connection, key=key, limit=limit, as_json=as_json)
        return
    from deployments.cli.deliveries import run_summary

    raise typer.Exit(run_summary(as_json=as_json))


@deliveries_app.command("list")
def list_deliveries(
    state: State = "",
    connection: Connection = "",
    key: Key = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List deliveries, newest first."""
    from deployments.cli.deliveries import Search, run_list

    wanted = Search(states=tuple(split(state)), route=connection, key=key, limit=limit)
    raise typer.Exit(run_list(wanted, as_json=as_json))


@deliveries_app.command("show")
def show_delivery(
    delivery: Annotated[str, typer.Argument(metavar="ID", help="Its id.")],
    full: Annotated[bool, typer.Option("--full", help="Do not shorten personal data.")] = False,
    as_json: Json = False,
) -> None:
    """Show one delivery, what it says, and every try to send it."""
    from deployments.cli.deliveries import run_show

    raise typer.Exit(run_show(delivery, full=full, as_json=as_json))


@deliveries_app.command("resolve")
def resolve_deliveries(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Their ids.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    sent: Annotated[bool, typer.Option("--sent", help="It did arrive.")] = False,
    resend: Annotated[bool, typer.Option("--resend", help="Send it again.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Give it up.")] = False,
    as_json: Json = False,
) -> None:
    """Say what became of deliveries that are unknown, dead or waiting."""
    words = {"sent": sent, "pending": resend, "cancelled": cancel}
    chosen = [state for state, is_said in words.items() if is_said]
    if len(chosen) != 1:
        raise typer.BadParameter("say one of --sent, --resend and --cancel")
    from deployments.cli.deliveries import run_resolve

    raise typer.Exit(run_resolve(ids, state=chosen[0], reason=reason, as_json=as_json))


@app.command()
def replay(  # noqa: PLR0913 - typer reads the options from the signature
    event: Annotated[list[str] | None, typer.Option(help="This event; may stand twice.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Every event that failed.")] = False,
    parked: Annotated[bool, typer.Option("--parked", help="Every event that is parked.")] = False,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead delivery.")] = False,
    connection: Connection = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Try failed events or dead deliveries again, with their old keys, so that nothing doubles."""
    from deployments.cli.replay import Wanted, run_replay

    wanted = Wanted(tuple(event or ()), failed, parked, dead, connection)
    raise typer.Exit(run_replay(wanted, dry_run=dry_run, is_agreed=yes, as_json=as_json))


@app.command("verify-webhook")
def verify_webhook(  # noqa: PLR0913 - typer reads the options from the signature
    vendor: Annotated[str, typer.Argument(help="The connector, e.g. shopify.")],
    url: Annotated[str, typer.Option(help="The address as the vendor knows it.")],
    secret_file: Annotated[Path, typer.Option(help="A file with the webhook's secret alone.")],
    headers: Annotated[Path, typer.Option(help="The headers, a JSON object.")],
    body: Annotated[Path, typer.Option(help="The raw body, byte for byte.")],
    connection: Annotated[str, typer.Option(help="The connection's name.")] = "main",
    at: Annotated[str, typer.Option(help="When it came in, ISO 8601; now by default.")] = "",
    as_json: Json = False,
) -> None:
    """Check a captured webhook. Exit 0 genuine, 1 not (and why), 2 unusable input."""
    from deployments.cli.verify_webhook import Captured, run_verify

    captured = Captured(vendor, url, secret_file, headers, body, connection, at)
    raise typer.Exit(run_verify(captured, as_json=as_json))


def split(text: str) -> list[str]:
    """`dead,unknown` as a list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def main() -> None:
    """The entry point of `hub`."""
    app()
