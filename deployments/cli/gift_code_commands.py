"""The commands of `hub gift-codes`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

gift_codes_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Gift codes: upload files of them, make codes to print, list and withdraw them.",
)

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]
Name = Annotated[str, typer.Option(help="The batch's name.")]
Points = Annotated[str, typer.Option(help="What one code is worth.")]
First = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")
]
Last = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, to its end.")
]
MaxUses = Annotated[int, typer.Option(min=1, help="Uses of one code in all.")]
PerMember = Annotated[int, typer.Option(min=1, help="Uses of one code by one member.")]
BatchUses = Annotated[int | None, typer.Option(min=1, help="Uses of all codes together.")]
BatchPerMember = Annotated[
    int | None, typer.Option(min=1, help="Codes of the batch that one member may use.")
]
Batch = Annotated[str, typer.Argument(help="The batch's name or id.")]
Out = Annotated[Path, typer.Option("--out", help="The file to write.")]


def _rules(
    first: datetime | None,
    last: datetime | None,
    max_uses: int,
    per_member: int,
    batch_uses: int | None,
    batch_per_member: int | None,
) -> dict[str, object]:
    return {
        "valid_from": first.date() if first else None,
        "valid_to": last.date() if last else None,
        "max_uses": max_uses,
        "per_member": per_member,
        "batch_uses": batch_uses,
        "batch_per_member": batch_per_member,
    }


@gift_codes_app.command("sample")
def sample(out: Out = Path("gift-codes.csv")) -> None:
    """Write the sample file that people fill in."""
    from deployments.cli.gift_codes import run_sample

    raise typer.Exit(run_sample(out))


@gift_codes_app.command("upload")
def upload(  # noqa: PLR0913 - typer reads the options from the signature
    file: Annotated[Path, typer.Argument(help="CSV with the columns code and points.")],
    name: Name = "",
    first: First = None,
    last: Last = None,
    max_uses: MaxUses = 1,
    per_member: PerMember = 1,
    batch_uses: BatchUses = None,
    batch_per_member: BatchPerMember = None,
    as_json: Json = False,
) -> None:
    """Upload a file of codes and work it off. Exit 1 where rows were bad, 2 where all of it is.

    Stopped in the middle, the worker goes on with it.
    """
    from deployments.cli.gift_codes import run_upload

    rules = _rules(first, last, max_uses, per_member, batch_uses, batch_per_member)
    raise typer.Exit(run_upload(file, rules | {"name": name or file.name}, as_json=as_json))


@gift_codes_app.command("generate")
def generate(  # noqa: PLR0913 - typer reads the options from the signature
    name: Annotated[str, typer.Argument(help="The batch's name; asked again, it goes on.")],
    count: Annotated[int, typer.Option(min=1, help="How many codes.")],
    points: Points,
    prefix: Annotated[str, typer.Option(help="What every code begins with.")] = "",
    length: Annotated[int, typer.Option(min=6, max=20, help="Characters behind it.")] = 12,
    first: First = None,
    last: Last = None,
    max_uses: MaxUses = 1,
    per_member: PerMember = 1,
    batch_uses: BatchUses = None,
    batch_per_member: BatchPerMember = None,
    as_json: Json = False,
) -> None:
    """Make codes to print, without 0, O, 1 and I, the last character a check on the others."""
    from deployments.cli.gift_codes import run_generate

    rules = _rules(first, last, max_uses, per_member, batch_uses, batch_per_member)
    wanted = {"name": name, "count": count, "prefix": prefix, "length": length}
    raise typer.Exit(run_generate(rules | wanted, points=points, as_json=as_json))


@gift_codes_app.command("create")
def create(  # noqa: PLR0913 - typer reads the options from the signature
    code: Annotated[str, typer.Argument(help="The code, such as FAIR26.")],
    points: Points,
    name: Name = "",
    first: First = None,
    last: Last = None,
    max_uses: MaxUses = 1,
    per_member: PerMember = 1,
    as_json: Json = False,
) -> None:
    """Make one code for many, such as the one on a poster."""
    from deployments.cli.gift_codes import run_create

    rules = _rules(first, last, max_uses, per_member, None, None)
    plan = rules | {"name": name or code}
    raise typer.Exit(run_create(code, plan, points=points, as_json=as_json))


@gift_codes_app.command("export")
def export(
    batch: Batch,
    out: Out,
    unused: Annotated[bool, typer.Option("--unused", help="Only those nobody has used.")] = False,
    as_json: Json = False,
) -> None:
    """Write a batch's codes: a list where the file ends in .csv, a sheet to print in .pdf."""
    from deployments.cli.gift_code_lists import run_export

    raise typer.Exit(run_export(batch, out, only_unused=unused, as_json=as_json))


@gift_codes_app.command("status")
def status(as_json: Json = False) -> None:
    """List batches with their counts, and the latest uploads."""
    from deployments.cli.gift_code_lists import run_status

    raise typer.Exit(run_status(as_json=as_json))


@gift_codes_app.command("void")
def void(
    batch: Batch,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Withdraw the codes of a batch that nobody has used. It cannot be taken back."""
    from deployments.cli.gift_code_lists import run_void

    raise typer.Exit(run_void(batch, reason=reason, is_agreed=yes, as_json=as_json))
