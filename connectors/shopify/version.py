"""The pinned version of Shopify's Admin API, and where it answers."""

from __future__ import annotations

API_VERSION = "2026-07"
ADMIN = f"/admin/api/{API_VERSION}"
GRAPHQL = f"{ADMIN}/graphql.json"
