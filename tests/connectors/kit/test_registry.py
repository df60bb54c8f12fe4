"""Finding the connectors."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connectors.kit.registry import HOUSE, all_manifests, manifest, slugs


def test_every_folder_with_a_manifest_is_found_and_the_kit_is_not() -> None:
    assert {"twilio", "slack", "smtp", "webhook"} <= set(slugs())
    assert "kit" not in slugs()
    assert list(slugs()) == sorted(slugs())


@pytest.mark.parametrize("slug", slugs())
def test_a_manifest_is_named_like_its_folder(slug: str) -> None:
    assert manifest(slug).slug == slug


def test_all_manifests_come_by_slug() -> None:
    assert [one.slug for one in all_manifests()] == list(slugs())


def test_an_unknown_slug_names_those_there_are() -> None:
    with pytest.raises(KeyError, match=r"no connector 'nope'.*twilio"):
        manifest("nope")


@pytest.mark.parametrize("slug", ["twilio", "slack", "smtp", "webhook"])
def test_a_manifest_loads_no_sdk(slug: str) -> None:
    """The gateway imports manifests and must stay small."""
    code = (
        f"import sys; import connectors.{slug}.manifest; "
        "print([m for m in ('twilio', 'slack_sdk', 'aiosmtplib', 'httpx', 'aiohttp', 'prefect')"
        " if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HOUSE.parent
    )
    assert ran.stdout.strip() == "[]"
