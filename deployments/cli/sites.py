"""`hub sites list | show`."""

from __future__ import annotations

from typing import Any

from deployments.cli.answers import Failure, answering, say, show_fields, show_rows, write_json
from deployments.cli.desk import Desk, at_desk
from loyalty.sites import Site
from loyalty.store import rulebook
from loyalty.store.vault import Vault


@answering
def run_list(*, as_json: bool) -> int:
    """Every site of the programme."""
    found = at_desk(_sites)
    rows = [
        {
            "site": one.id,
            "name": one.name,
            "origins": " ".join(one.origins),
            "connection": one.connection,
            "vouches": one.vouches,
        }
        for one in found
    ]
    if as_json:
        write_json({"sites": rows})
    elif rows:
        show_rows(list(rows[0]), [list(row.values()) for row in rows])
    else:
        say("There is no site: add one to `sites` in the programme's settings (docs/widget.md).")
    return 0


@answering
def run_show(site: str, *, with_secret: bool, as_json: bool) -> int:
    """What the shop's page needs."""

    async def ask(desk: Desk) -> dict[str, Any]:
        found = next((one for one in await _sites(desk) if one.id == site), None)
        if found is None:
            raise Failure(f"there is no site {site!r}", "`hub sites list` shows those there are.")
        return _fields(found, desk, with_secret=with_secret)

    fields = at_desk(ask)
    if as_json:
        write_json(fields)
    else:
        show_fields(list(fields.items()))
    return 0


def _fields(site: Site, desk: Desk, *, with_secret: bool) -> dict[str, Any]:
    base_url = desk.settings.base_url
    fields = {
        "site": site.id,
        "script": f'<script async src="{base_url}/widget/{site.id}.js"></script>',
        "portal": f"{base_url}/portal/{site.id}",
        "pages allowed": " ".join(site.origins) or "none: the portal alone",
    }
    if site.vouches == "shopify":
        fields["app proxy"] = f"{base_url}/widget/vouch/{site.id}"
    if with_secret:
        vault = Vault.of(desk.settings.root, desk.settings.secret_key)
        fields["secret"] = vault.derived(site.secret_purpose).hex()
    return fields


async def _sites(desk: Desk) -> tuple[Site, ...]:
    async with desk.database.begin() as connection:
        return (await rulebook.programme(connection)).sites
