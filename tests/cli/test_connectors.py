"""`hub connectors`: what there is, with and without a store."""

from __future__ import annotations

from typing import Any

from connectors.kit.registry import all_manifests

FIELDS = {
    "account_sid": "AC" + "0" * 32,
    "auth_token": "s3cret-token",
    "from_number": "+15005550006",
}


def test_every_connector_is_listed_without_a_store(nowhere: Any, tmp_path: Any) -> None:
    answer = nowhere("connectors", "--json")
    assert (answer.code, answer.err) == (0, "")
    found = {one["slug"]: one for one in answer.json["connectors"]}
    assert set(found) == {one.slug for one in all_manifests()}
    for one in all_manifests():
        told = found[one.slug]
        assert [action["name"] for action in told["actions"]] == [a.name for a in one.actions]
        assert told["connections"] is None
        assert told["limit"]["per_second"] == one.limit.per_second
        assert told["tier"] in {"bronze", "silver", "gold", "platinum"}
        assert (told["tier"] == "platinum") is (told["missing_for_next_tier"] == {})
        assert told["api_version"] == one.api_version
        assert told["api_sunset"] == (one.api_sunset.isoformat() if one.api_sunset else None)
        assert len(told["triggers"]) == (len(one.webhook.triggers) if one.webhook else 0)
    assert not (tmp_path / "home").exists()


def test_for_people_each_action_says_what_it_serves_and_promises(nowhere: Any) -> None:
    answer = nowhere("connectors")
    assert answer.code == 0
    text = " ".join(answer.out.split())
    for one in all_manifests():
        assert f"{one.slug} · {one.name}" in text
        assert all(action.name in text for action in one.actions)
    assert "serves sms" in text
    assert "never sent again by itself" in text
    assert "`hub up` starts it" in text


def test_connections_are_shown_with_their_state(hub: Any, shop: Any) -> None:
    shop.connect("twilio/main", FIELDS)
    shop.connect("twilio/spare", FIELDS, state="paused")
    answer = hub("connectors", "--json")
    (twilio,) = [one for one in answer.json["connectors"] if one["slug"] == "twilio"]
    assert {one["name"]: one["state"] for one in twilio["connections"]} == {
        "main": "active",
        "spare": "paused",
    }
    shown = hub("connectors").out
    assert "spare is paused" in shown
    assert FIELDS["auth_token"] not in shown + answer.out


def test_a_name_that_cannot_be_a_connectors_is_unusable_input(nowhere: Any) -> None:
    answer = nowhere("connectors", "new", "Not-A-Slug")
    assert answer.code == 2
    assert "lower case letters" in answer.err
