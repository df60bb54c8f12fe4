"""The commands of `hub templates`."""

from __future__ import annotations

from typing import Annotated

import typer

templates_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Texts of messages: list, check, preview, send a test.",
)

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]
Name = Annotated[str, typer.Argument(help="The text's name: `hub templates list`.")]
Channel = Annotated[str, typer.Option(help="email, sms or chat; else the first there is.")]
Locale = Annotated[str, typer.Option(help="A language, BCP 47: de, pt-BR; else the programme's.")]
Zone = Annotated[str, typer.Option(help="The recipient's time zone: Europe/Berlin.")]
Person = Annotated[str, typer.Option("--name", help="The recipient's name.")]
Values = Annotated[str, typer.Option(help="Instead of the samples, as JSON: '{\"points\": 5}'.")]


@templates_app.command("list")
def list_templates(as_json: Json = False) -> None:
    """List the texts there are, in which channels and languages, and what sends them."""
    from deployments.cli.templates import run_list

    raise typer.Exit(run_list(as_json=as_json))


@templates_app.command("check")
def check_templates(as_json: Json = False) -> None:
    """Check that every name in every text is there, in every language. Exit 1 where not."""
    from deployments.cli.templates import run_check

    raise typer.Exit(run_check(as_json=as_json))


@templates_app.command("send-test")
def send_test(
    name: Name,
    to: Annotated[str, typer.Option(help="An e-mail address, or a number: +49 170 1234567.")],
    locale: Locale = "",
    person: Person = "Ada Lovelace",
    zone: Zone = "",
    values: Values = "",
    as_json: Json = False,
) -> None:
    """Send a text to yourself, filled in with samples. Exit 1 where it did not go."""
    from deployments.cli.templates import Asked, run_send_test

    asked = Asked(name, "", locale, person, zone, values)
    raise typer.Exit(run_send_test(asked, to=to, as_json=as_json))


@templates_app.command("preview")
def preview_template(  # noqa: PLR0913 - typer reads the options from the signature
    name: Name,
    channel: Channel = "",
    locale: Locale = "",
    person: Person = "Ada Lovelace",
    zone: Zone = "",
    values: Values = "",
    html: Annotated[bool, typer.Option("--html", help="Print the HTML alone.")] = False,
    as_json: Json = False,
) -> None:
    """Show a text as somebody would get it; of an SMS, what it costs."""
    from deployments.cli.templates import Asked, run_preview

    asked = Asked(name, channel, locale, person, zone, values)
    raise typer.Exit(run_preview(asked, only_html=html, as_json=as_json))
