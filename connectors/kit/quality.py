"""The quality scale: what each tier asks for, and which tier a connector has earned.

Nobody claims a tier. The conformance suite writes what each connector proved into the
`quality.json` of its folder (`pytest tests/conformance --grade`), with a digest of the sources
it was proved on: once a source changes, the proof is void until the suite has run again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from connectors.kit.manifest import Manifest, Status
from connectors.kit.registry import HOUSE


class Tier(StrEnum):
    """From what may be merged to what nobody has to worry about."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"


ORDER = (Tier.BRONZE, Tier.SILVER, Tier.GOLD, Tier.PLATINUM)

CRITERIA: Mapping[str, tuple[Tier, str]] = {
    "manifest": (Tier.BRONZE, "It says all of itself, and its API version has not ended."),
    "anatomy": (Tier.BRONZE, "It has every file, keeps to itself and opens nothing on import."),
    "account": (Tier.BRONZE, "Every field is described, and no secret is ever shown."),
    "actions": (Tier.BRONZE, "Its actions keep what their capability promises."),
    "errors": (Tier.BRONZE, "Every refusal of the vendor becomes the right error."),
    "webhooks": (Tier.SILVER, "What is genuine is taken, what is not is refused."),
    "authentication": (Tier.SILVER, "The check names the account, or says what is wrong."),
    "delivery": (Tier.SILVER, "Every action does its work at the stand-in, alone and in batches."),
    "repeats": (Tier.GOLD, "Doing it twice keeps what the action promises about that."),
    "reconcile": (Tier.GOLD, "What the webhook misses is polled, under the same keys."),
    "subscriptions": (Tier.GOLD, "Subscriptions are made once, renewed in time, and removed."),
    "contract": (Tier.GOLD, "Its traffic fits what the vendor publishes."),
    "totality": (Tier.PLATINUM, "Whatever stands in a webhook, parsing ends with a reason."),
    "load": (Tier.PLATINUM, "At the declared limit the vendor refuses nothing."),
}
"""By name: the tier that asks for it, and what it means. Tests carry the name as a marker."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What a connector has earned.

    Attributes:
        missing: What stands between it and the next tier, by criterion, with the reason.
    """

    tier: Tier
    missing: Mapping[str, str] = field(default_factory=dict)


def evidence(slug: str) -> Path:
    """The file with what the suite found."""
    return HOUSE / slug / "quality.json"


def digest(slug: str) -> str:
    """Of the connector's Python sources, wherever and however they were checked out."""
    found = hashlib.sha256()
    for path in sorted((HOUSE / slug).rglob("*.py")):
        found.update(path.relative_to(HOUSE).as_posix().encode())
        found.update(path.read_text("utf-8").encode())
    return found.hexdigest()


def grade(one: Manifest, *, today: date) -> Grade:
    """The tier of a connector, from the suite's evidence and what is known today."""
    fallen = _fallen(one, today)
    if fallen:
        return Grade(Tier.BRONZE, fallen)
    found = json.loads(evidence(one.slug).read_text("utf-8"))
    return judge(set(found["met"]) | set(one.exempt), found["missing"])


def judge(met: set[str], reasons: Mapping[str, str]) -> Grade:
    """The highest tier of which, and of all below which, every criterion is met."""
    reached = Tier.BRONZE
    for tier in ORDER:
        asked = [name for name, (of, _) in CRITERIA.items() if of is tier]
        missing = {name: reasons.get(name, "not proven") for name in asked if name not in met}
        if missing:
            return Grade(reached, missing)
        reached = tier
    return Grade(reached)


def _fallen(one: Manifest, today: date) -> dict[str, str]:
    """Why whatever was proven does not count."""
    if not one.owner.strip():
        return {"manifest": "it has no owner"}
    if one.status is Status.DRAFT:
        return {"manifest": "its status is still draft"}
    if one.api_sunset is not None and one.api_sunset <= today:
        return {"manifest": f"the API version {one.api_version} ended on {one.api_sunset}"}
    if not evidence(one.slug).is_file():
        return {"manifest": "the suite has not graded it yet"}
    if json.loads(evidence(one.slug).read_text("utf-8"))["sources"] != digest(one.slug):
        return {"manifest": "its sources changed since the suite graded it"}
    return {}
