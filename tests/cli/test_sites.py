"""`hub sites`: the line for the page, the portal, and the secret only when it is asked for."""

from __future__ import annotations

from typing import Any

from loyalty.settings import HubSettings
from loyalty.sites import Site
from loyalty.store.vault import Vault

TEA = {
    "id": "tea",
    "name": "Tea House",
    "origins": ["https://tea.example"],
    "connection": "shopify/main",
    "vouches": "shopify",
}


def test_without_a_site_it_says_where_to_add_one(hub: Any) -> None:
    answer = hub("sites", "list")
    assert (answer.code, "docs/widget.md" in answer.out) == (0, True)


def test_a_site_is_shown_with_what_its_page_needs(hub: Any, shop: Any) -> None:
    shop.publish(sites=[TEA])
    [listed] = hub("sites", "list", "--json").json["sites"]
    assert (listed["site"], listed["vouches"]) == ("tea", "shopify")
    plain = hub("sites", "show", "tea", "--json").json
    assert plain["script"].endswith('/widget/tea.js"></script>')
    assert plain["app proxy"].endswith("/widget/vouch/tea")
    assert "secret" not in plain
    settings = HubSettings()
    vault = Vault.of(settings.root, settings.secret_key)
    wanted = vault.derived(Site.model_validate(TEA).secret_purpose).hex()
    assert hub("sites", "show", "tea", "--secret", "--json").json["secret"] == wanted


def test_an_unknown_site_is_told_as_such(hub: Any) -> None:
    answer = hub("sites", "show", "mugs")
    assert answer.code == 1
    assert "there is no site 'mugs'" in answer.err
