"""The reference part of each connector's README, written from its manifest.

`python -m connectors.kit.reference` rewrites what stands between the two markers of every
`connectors/<slug>/README.md`; with `--check` it changes nothing, names the stale ones and exits 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from connectors.kit.action import Action, Idempotency
from connectors.kit.manifest import Limit, Manifest
from connectors.kit.registry import HOUSE, all_manifests
from connectors.kit.webhook import Webhook

BEGIN = "<!-- reference -->"
END = "<!-- /reference -->"

MEANING = {
    Idempotency.NATIVE_KEY: "the receiver takes the hub's key and does the work once; "
    "sent again after a lost answer",
    Idempotency.UPSERT: "writing the same again changes nothing; sent again after a lost answer",
    Idempotency.SEARCH_FIRST: "after a lost answer the hub looks whether it happened "
    "before it sends again",
    Idempotency.NONE: "nobody can tell whether it happened; after a lost answer a person decides",
}
"""What each kind of idempotency means for whoever reads the table."""


class MissingMarkers(Exception):
    """A README has no place for its reference; the text says which and what to write."""


def readme(slug: str) -> Path:
    """Where a connector's README is."""
    return HOUSE / slug / "README.md"


def secret_fields(model: type[BaseModel]) -> frozenset[str]:
    """The names of the fields that hold a secret, also where it may be left out."""
    return frozenset(
        name for name, field in model.model_fields.items() if _holds_secret(field.annotation)
    )


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_holds_secret(part) for part in get_args(annotation))


# --- the text --------------------------------------------------------------------------------


def reference(one: Manifest) -> str:
    """The reference of one connector in Markdown: the same manifest gives the same text."""
    sections = [
        ("Reference", _about(one)),
        ("Account fields", _account(one)),
        ("Triggers", _triggers(one.webhook)),
        ("Actions", _actions(one.actions)),
        ("Limit", _limit(one.limit)),
        ("Declared limits", [f"- {_text(limit)}" for limit in one.known_limits] or ["None."]),
    ]
    blocks = [
        f"{'##' if title == 'Reference' else '###'} {title}\n\n" + "\n".join(lines)
        for title, lines in sections
    ]
    return "\n\n".join(blocks)


def _about(one: Manifest) -> list[str]:
    sunset = one.api_sunset.isoformat() if one.api_sunset else "the vendor names no day"
    return _table(
        ("what", "value"),
        [
            ("Connector", f"`{one.slug}` ({one.name}), {one.status.value}"),
            ("Vendor's documentation", f"<{one.docs_url}>"),
            ("API version", _text(one.api_version)),
            ("API version ends", sunset),
            ("Authentication", _text(one.auth)),
            ("Scopes", _codes(one.scopes) or "none"),
            ("Personal and business data", _text(", ".join(one.data_classes)) or "none"),
            ("Owner", _text(one.owner)),
        ],
    )


def _account(one: Manifest) -> list[str]:
    secret = secret_fields(one.account)
    return _table(
        ("field", "required", "secret", "what it is"),
        [
            (
                f"`{name}`",
                "yes" if field.is_required() else "no",
                "yes" if name in secret else "no",
                _text(field.description or ""),
            )
            for name, field in one.account.model_fields.items()
        ],
    )


def _triggers(webhook: Webhook | None) -> list[str]:
    if webhook is None:
        return ["None: nothing comes in from here."]
    if not webhook.triggers:
        return ["None: what comes in is verified, acknowledged and ignored."]
    return _table(
        ("vendor's event", "becomes", "when", "sample"),
        [
            (
                f"`{trigger.vendor_event}`",
                _codes(kind.value for kind in trigger.event_types),
                _text(trigger.title),
                f"[{trigger.sample}](samples/{trigger.sample})",
            )
            for trigger in webhook.triggers.values()
        ],
    )


def _actions(actions: Sequence[Action]) -> list[str]:
    if not actions:
        return ["None: this connector only listens."]
    return _table(
        ("action", "what it does", "serves", "reaches a person", "doing it twice", "per call"),
        [
            (
                f"`{action.name}`",
                _text(action.title),
                f"`{action.capability.value}`" if action.capability else "no capability",
                "yes" if action.gated else "no",
                f"`{action.idempotency.value}`: {MEANING[action.idempotency]}",
                "1" if action.batch_size == 1 else f"up to {action.batch_size:,}",
            )
            for action in actions
        ],
    )


def _limit(limit: Limit) -> list[str]:
    return _table(
        ("at once", "per second after that", "counted per", "calls under way", "where it is from"),
        [
            (
                str(limit.burst),
                f"{limit.per_second:g}",
                limit.scope,
                str(limit.concurrency),
                _text(limit.source),
            )
        ],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _text(value: str) -> str:
    """A declared text as it reads in a cell: what Markdown takes for markup is escaped."""
    text = " ".join(value.split())
    for mark, escaped in (("\\", "\\\\"), ("|", "\\|"), ("*", "\\*"), ("<", "&lt;")):
        text = text.replace(mark, escaped)
    return text


# --- the files -------------------------------------------------------------------------------


def with_reference(text: str, one: Manifest) -> str:
    """A README's text with its reference as the manifest has it now.

    Raises:
        MissingMarkers: The text does not have each marker exactly once, in order.
    """
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended) or BEGIN in rest or END in before + after:
        raise MissingMarkers(
            f"{readme(one.slug)}: write {BEGIN} and {END} once each, on lines of their own, "
            "where the reference belongs"
        )
    return f"{before}{BEGIN}\n{reference(one)}\n{END}{after}"


def stale() -> dict[str, str]:
    """The text that each README out of date should have, by slug.

    Raises:
        MissingMarkers: A README is missing, or has no place for its reference.
    """
    found = {}
    for one in all_manifests():
        path = readme(one.slug)
        if not path.is_file():
            raise MissingMarkers(f"{path} is missing: write it, with {BEGIN} and {END} in it")
        text = path.read_text("utf-8")
        current = with_reference(text, one)
        if current != text:
            found[one.slug] = current
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Brings the READMEs up to date, or says which are not; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m connectors.kit.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; 1 where one is stale")
    only_check = parser.parse_args(arguments).check
    try:
        found = stale()
    except MissingMarkers as error:
        print(error, file=sys.stderr)
        return 1
    for slug, text in found.items():
        if only_check:
            print(f"{readme(slug)} is stale", file=sys.stderr)
        else:
            readme(slug).write_text(text, "utf-8", newline="\n")
            print(f"{readme(slug)} rewritten")
    if found and only_check:
        print("run `python -m connectors.kit.reference`", file=sys.stderr)
    return 1 if found and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
