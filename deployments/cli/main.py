"""`hub`: every command has `--json` where it answers something, and honest exit codes.

Exit codes: 0 done, 1 it did not hold (a check failed, a signature is wrong), 2 unusable input.
Commands import what they need when they run, so that `hub --help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.campaign_commands import campaigns_app
from deployments.cli.gift_code_commands import gift_codes_app
from deployments.cli.referral_commands import referrals_app
from deployments.cli.reward_commands import rewards_app
from deployments.cli.scenario_commands import scenario_app
from deployments.cli.site_commands import sites_app
from deployments.cli.template_commands import templates_app

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
connectors_app = typer.Typer(rich_markup_mode=PLAIN_HELP)
app.add_typer(connectors_app, name="connectors")
app.add_typer(scenario_app, name="scenario")
app.add_typer(campaigns_app, name="campaigns")
app.add_typer(gift_codes_app, name="gift-codes")
app.add_typer(referrals_app, name="referrals")
app.add_typer(rewards_app, name="rewards")
app.add_typer(sites_app, name="sites")
app.add_typer(templates_app, name="templates")
rules_app = typer.Typer(
    rich_markup_mode=PLAIN_HELP,
    no_args_is_help=True,
    help="Rules from draft to live: check, diff, simulate, publish, roll back.",
)
app.add_typer(rules_app, name="rules")

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]
State = Annotated[str, typer.Option(help="Only in these states, comma-separated.")]
Connection = Annotated[str, typer.Option(help="Only of this connection: twilio/main, or twilio.")]
Key = Annotated[str, typer.Option(help="Only with this in their idempotency key.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the version for good.")]
RulePaths = Annotated[
    list[Path] | None,
    typer.Argument(help="Files or folders; else the shipped rules and the folder HUB_RULES."),
]
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
def console(as_json: Json = False) -> None:
    """Print an address that opens the console once, within an hour."""
    from deployments.cli.console import run_console

    raise typer.Exit(run_console(as_json=as_json))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check everything, and say what to do about what is wrong. Exit 1 where something is."""
    from deployments.cli.doctor import run_doctor

    raise typer.Exit(run_doctor(as_json=as_json))


@connectors_app.callback(invoke_without_command=True)
def connectors(context: typer.Context, as_json: Json = False) -> None:
    """List the connectors: what comes in, what goes out, limits, tier, what is configured."""
    if context.invoked_subcommand is None:
        from deployments.cli.connectors import run_connectors

        raise typer.Exit(run_connectors(as_json=as_json))


@connectors_app.command("new")
def connectors_new(
    slug: Annotated[str, typer.Argument(help="The folder's name: lower case letters and digits.")],
    name: Annotated[str, typer.Option(help="The vendor's name as people write it.")] = "",
) -> None:
    """Make the folder of a new connector; the conformance suite says what it lacks."""
    from deployments.cli.connectors import run_new

    raise typer.Exit(run_new(slug, name))


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


@rules_app.command("check")
def check_rules(paths: RulePaths = None, as_json: Json = False) -> None:
    """Check types, examples and texts of rules. Exit 1 where something is wrong."""
    from deployments.cli.rules import run_check

    raise typer.Exit(run_check(paths or [], as_json=as_json))


@rules_app.command("diff")
def diff_rules(
    before: Annotated[str, typer.Argument(help="A version, a path, or `active`.")] = "active",
    after: Annotated[str, typer.Argument(help="A version, a path, or `files`.")] = "files",
    as_json: Json = False,
) -> None:
    """Tell what changed between two rule sets, rule by rule. Exit 1 where something did."""
    from deployments.cli.rules import run_diff

    raise typer.Exit(run_diff(before, after, as_json=as_json))


@rules_app.command("simulate")
def simulate_rules(
    rules: Annotated[str, typer.Argument(help="A version, a path, or `files`.")] = "files",
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days back.")] = 30,
    since: Annotated[str, typer.Option("--from", help="From then on, ISO 8601.")] = "",
    until: Annotated[str, typer.Option("--to", help="Until then, ISO 8601; else now.")] = "",
    members: Annotated[int, typer.Option(min=0, help="How many members are listed.")] = 20,
    processes: Annotated[int, typer.Option(min=0, help="At once; 0 for all cores.")] = 0,
    as_json: Json = False,
) -> None:
    """Try rules on what happened: points, tiers, messages, caps. Nothing is posted."""
    from deployments.cli.simulate import Asked, run_simulate

    asked = Asked(rules, days, since, until, members, processes)
    raise typer.Exit(run_simulate(asked, as_json=as_json))


@rules_app.command("publish")
def publish_rules(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, folders, or a draft's version; else shipped and HUB_RULES."),
    ] = None,
    reason: Reason = "",
    days: Annotated[int, typer.Option(min=0, help="Days of backtest; 0 for none.")] = 30,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Check, compare, try on the last days, and put in force. Exit 1 where it may not be."""
    from deployments.cli.publishing import Wanted, run_publish

    raise typer.Exit(run_publish(Wanted(tuple(paths or ()), reason, days, yes, as_json)))


@rules_app.command("approve")
def approve_rules(
    version: Annotated[str, typer.Argument(help="A draft's version.")],
    by: Annotated[str, typer.Option("--as", help="Who agrees; you, by default.")] = "",
    as_json: Json = False,
) -> None:
    """Agree to a draft as a second person."""
    from deployments.cli.publishing import run_approve

    raise typer.Exit(run_approve(version, by=by, as_json=as_json))


@rules_app.command("rollback")
def roll_rules_back(
    version: Annotated[str, typer.Argument(help="An earlier version: `hub rules history`.")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Put an earlier version in force again, at once."""
    from deployments.cli.publishing import run_rollback

    raise typer.Exit(run_rollback(version, reason=reason, as_json=as_json))


@rules_app.command("history")
def rules_history(limit: Limit = 50, as_json: Json = False) -> None:
    """List what was in force when, by whom and why, and the drafts there are."""
    from deployments.cli.publishing import run_history

    raise typer.Exit(run_history(limit=limit, as_json=as_json))


@app.command("explain")
def explain_order(
    order: Annotated[str, typer.Argument(help="An order's id, or an event's id or key.")],
    store: Annotated[str, typer.Option(help="Whose order: shopify/main.")] = "",
    as_json: Json = False,
) -> None:
    """Tell why a sale earned what it earned, and what became of those points since."""
    from deployments.cli.explain import run_explain

    raise typer.Exit(run_explain(order, store=store, as_json=as_json))


@app.command("liability")
def show_liability(
    as_of: Annotated[str, typer.Option(help="At this instant, ISO 8601; now by default.")] = "",
    as_json: Json = False,
) -> None:
    """Tell how many points are outstanding and what they may cost, at any past instant."""
    from deployments.cli.liability import run_liability

    raise typer.Exit(run_liability(as_of, as_json=as_json))


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
