"""The pinned version of SHOPLINE's Admin API, and where it answers."""

from __future__ import annotations

API_VERSION = "v20260301"
ADMIN = f"/admin/openapi/{API_VERSION}"
GRAPHQL = f"/admin/graph/{API_VERSION}/graphql.json"
