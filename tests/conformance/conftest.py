"""Gives every test each connector of the registry, or what each declares: a folder is enough."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.kit.quality import CRITERIA, digest, evidence, grade
from connectors.kit.registry import manifest, slugs
from tests.conformance.candidate import Candidate

ALL = [Candidate(slug) for slug in slugs()]


Found = dict[str, dict[str, list[tuple[str, str]]]]

PROVEN_ELSEWHERE = {"load"}
"""Criteria without a test in this suite yet: nobody meets them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--grade", action="store_true", help="Write each connector's quality.json.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Notes what each test says of its connector's criterion."""
    report: Any = yield
    criterion = item.get_closest_marker("criterion")
    one = getattr(item, "callspec", None) and item.callspec.params.get("one")  # type: ignore[attr-defined]
    if criterion and one and (report.when == "call" or report.outcome != "passed"):
        reason = str(report.longrepr[2]) if report.skipped else ""
        outcomes = item.config.stash.setdefault(OUTCOMES, defaultdict(lambda: defaultdict(list)))
        outcomes[one.slug][criterion.args[0]].append((report.outcome, reason))
    return report


OUTCOMES = pytest.StashKey[Any]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes down what was proven, of the connectors of which everything was run."""
    outcomes: Found = session.config.stash.get(OUTCOMES, {})
    if not session.config.getoption("--grade"):
        return
    asked = set(CRITERIA) - PROVEN_ELSEWHERE
    for slug, found in outcomes.items():
        if asked <= set(found):
            missing = {name: _lack(found.get(name, [])) for name in CRITERIA}
            document = {
                "sources": digest(slug),
                "met": sorted(name for name, lack in missing.items() if not lack),
                "missing": {name: lack for name, lack in missing.items() if lack},
            }
            text = json.dumps(document, indent=2) + "\n"
            evidence(slug).write_text(text, "utf-8", newline="\n")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints the tiers that the evidence gives."""
    if config.getoption("--grade"):
        for slug in slugs():
            found = grade(manifest(slug), today=datetime.now(UTC).date())
            lacks = "; ".join(f"{name}: {why}" for name, why in found.missing.items())
            terminalreporter.write_line(
                f"{slug}: {found.tier.value}" + (f" ({lacks})" if lacks else "")
            )


def _lack(results: list[tuple[str, str]]) -> str:
    """Why a criterion is not met; empty where it is."""
    if not results:
        return "not proven"
    for outcome, reason in results:
        if outcome == "failed":
            return "a test of it fails"
        if outcome == "skipped" and "not needed:" not in reason:
            return reason.partition("missing: ")[2][:200] or "it was not tested here"
    return ""


@pytest.fixture
def today() -> date:
    """The day on which an API version must not have ended yet; the checks take it as given."""
    return datetime.now(UTC).date()


def pytest_generate_tests(metafunc: Any) -> None:
    names = set(metafunc.fixturenames)
    if {"one", "topic"} <= names:
        _give(metafunc, "topic", [(one, topic) for one in ALL for topic in _topics(one)])
    elif {"one", "signed"} <= names:
        # Who verifies without any trigger is held to the same, with a body that means nothing.
        pairs = [(one, topic) for one in ALL for topic in _topics(one) or _bodies(one)]
        _give(metafunc, "signed", pairs)
    elif {"one", "action"} <= names:
        _give(metafunc, "action", [(one, act) for one in ALL for act in one.manifest.actions])
    elif "one" in names:
        metafunc.parametrize("one", ALL, ids=[one.slug for one in ALL])


def _topics(one: Candidate) -> list[str]:
    return list(one.manifest.webhook.triggers) if one.manifest.webhook else []


def _bodies(one: Candidate) -> list[None]:
    return [None] if one.manifest.webhook else []


def _give(metafunc: Any, what: str, pairs: list[tuple[Candidate, Any]]) -> None:
    ids = [f"{one.slug}-{getattr(value, 'name', value) or 'no-trigger'}" for one, value in pairs]
    metafunc.parametrize(("one", what), pairs, ids=ids)
