"""Manifests are read by every process, so they must not bring the vendors' SDKs along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("klaviyo_api", "openapi_client", "mailchimp_marketing", "gspread", "google.auth")


@pytest.mark.parametrize("slug", ["hubspot", "klaviyo", "mailchimp", "sheets"])
def test_a_manifest_brings_no_sdk_no_prefect_and_no_requests(slug: str) -> None:
    script = (
        "import sys; from connectors.kit.registry import manifest; "
        f"manifest({slug!r}); print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {*HEAVY, "requests", "prefect"} & set(done.stdout.split())
