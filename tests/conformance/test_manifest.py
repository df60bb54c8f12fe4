"""Every connector says all of itself, in sentences, and speaks a version that still exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from connectors.kit.action import Capability
from connectors.kit.manifest import Manifest
from connectors.kit.quality import CRITERIA
from connectors.kit.registry import manifest, slugs
from tests.conformance.candidate import Candidate

pytestmark = pytest.mark.criterion("manifest")

SCOPES = {"connection", "account", "endpoint", "channel", "user", "base"}
AWAITED = {
    Capability.COUPON, Capability.GIFT_CARD, Capability.STORE_CREDIT, Capability.POINTS,
    Capability.CUSTOMER, Capability.TICKET, Capability.PUSH, Capability.ROW, Capability.JOURNEY,
    Capability.SUBSCRIBE, Capability.LIST, Capability.RECEIPT,
}  # fmt: skip
"""Capabilities whose connectors are being written; the last of them empties this set."""
DATA = {
    "name",
    "email",
    "phone",
    "address",
    "order",
    "payment",
    "points",
    "message text",
    "whatever a rule puts into data",
}


def complaints(one: Manifest, *, folder: str, today: date) -> list[str]:
    """What a manifest lacks; nothing where it is complete."""
    return [*_identity(one, folder), *_life(one, today), *_sentences(one), *_limit(one)]


def _identity(one: Manifest, folder: str) -> Iterator[str]:
    if one.slug != folder:
        yield f"the slug {one.slug!r} is not the folder {folder!r}"
    if not re.fullmatch(r"https://[\w.-]+\.\w+(/\S*)?", one.docs_url):
        yield f"docs_url {one.docs_url!r} is no https address"
    for name in ("name", "owner", "api_version", "auth"):
        if not getattr(one, name).strip():
            yield f"{name} is empty"
    hears = one.poll is not None or (one.webhook is not None and one.webhook.triggers)
    if not one.actions and not hears:
        yield "it neither hears nor does anything"


def _life(one: Manifest, today: date) -> Iterator[str]:
    if one.api_sunset is not None and one.api_sunset <= today:
        yield f"the API version {one.api_version} ended on {one.api_sunset}"


def _sentences(one: Manifest) -> Iterator[str]:
    said = {f"known limit {number}": text for number, text in enumerate(one.known_limits, 1)}
    said |= {f"action {action.name}": action.title for action in one.actions}
    for name, trigger in (one.webhook.triggers if one.webhook else {}).items():
        said[f"trigger {name}"] = trigger.title
    for what, text in said.items():
        if not text.endswith(".") or len(text.split()) < 3:
            yield f"{what} is not a sentence with a period: {text!r}"
    if not one.known_limits:
        yield "no known limit is named"
    if not one.data_classes or set(one.data_classes) - DATA:
        yield f"data_classes {one.data_classes} must name some of {sorted(DATA)}"


def _limit(one: Manifest) -> Iterator[str]:
    if set(one.exempt) - set(CRITERIA) or not all(one.exempt.values()):
        yield f"exempt must name criteria with reasons: {sorted(CRITERIA)}"
    limit = one.limit
    if min(limit.burst, limit.per_second, limit.concurrency) <= 0:
        yield "the limit has a number that lets nothing through"
    if limit.scope not in SCOPES:
        yield f"the limit's scope {limit.scope!r} is not one of {sorted(SCOPES)}"
    if not limit.source.strip():
        yield "the limit does not say where it is from"


def test_the_manifest_is_complete(one: Candidate, today: date) -> None:
    assert complaints(one.manifest, folder=one.folder.name, today=today) == []


def test_every_capability_can_be_served() -> None:
    served = {action.capability for slug in slugs() for action in manifest(slug).actions}
    assert set(Capability) - served <= AWAITED


GOOD = manifest("shopify")
SUNSET = GOOD.api_sunset or date.max


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slug": "shopfy"}, "is not the folder"),
        ({"docs_url": "http://shopify.dev/docs"}, "no https address"),
        ({"owner": " "}, "owner is empty"),
        ({"webhook": None, "poll": None, "actions": ()}, "neither hears nor does"),
        ({"exempt": {"webhooks": ""}}, "exempt must name"),
        ({"known_limits": ("It has no period",)}, "not a sentence"),
        ({"known_limits": ()}, "no known limit"),
        ({"data_classes": ("e-mail",)}, "data_classes"),
        ({"limit": replace(GOOD.limit, per_second=0)}, "lets nothing through"),
        ({"limit": replace(GOOD.limit, scope="shop")}, "scope"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_an_incomplete_manifest_is_told_what_it_lacks(changes: dict[str, Any], said: str) -> None:
    broken = replace(GOOD, **changes)
    found = complaints(broken, folder="shopify", today=SUNSET - timedelta(days=1))
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(("day", "is_over"), [(-1, False), (0, True), (1, True)])
def test_a_version_ends_on_its_day(day: int, is_over: bool) -> None:
    found = complaints(GOOD, folder="shopify", today=SUNSET + timedelta(days=day))
    assert bool(found) is is_over


@pytest.mark.parametrize(("days", "says"), [(91, ""), (90, "ends in 90 days"), (0, "has ended")])
def test_a_version_that_ends_soon_is_warned_of(days: int, says: str) -> None:
    warning = GOOD.sunset_warning(SUNSET - timedelta(days=days))
    assert says in warning
    assert bool(warning) is bool(says)
