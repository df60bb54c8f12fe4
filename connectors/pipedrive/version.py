"""The pinned versions of Pipedrive's API: notes, webhooks and users are in the first one only."""

from __future__ import annotations

API_VERSION = "v2"
V2 = f"/api/{API_VERSION}"
V1 = "/v1"
