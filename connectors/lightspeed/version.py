"""The pinned version of Lightspeed's API, and where it answers.

https://x-series-api.lightspeedhq.com/docs/versioning-strategy: four versions a year, each kept
for twelve months at the least; after its end the oldest one that is left answers in its place.
"""

from __future__ import annotations

API_VERSION = "2026-07"
API = f"/api/{API_VERSION}"
TOKEN = "/api/1.0/token"  # noqa: S105 - an address
