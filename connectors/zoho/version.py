"""The pinned version of Zoho CRM's API, and where it and the tokens are."""

from __future__ import annotations

API_VERSION = "v8"
API = f"/crm/{API_VERSION}"
TOKEN = "/oauth/v2/token"  # noqa: S105 - an address
