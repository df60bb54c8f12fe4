"""What the tabs show: ways to earn, the balance, every movement in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.widget.conftest import ADA, MARK, Shop, adjustment, order, programme, site


async def test_each_rule_that_gives_points_is_told_with_a_button(shop: Shop) -> None:
    ways = (await shop.ask("earn", params={"lang": "en"})).json()["ways"]
    assert [one["id"] for one in ways] == ["one-per-euro", "welcome-points"]
    bought, joined = ways
    assert bought["title"] == "Complete an order"
    assert bought["worth"] == "1 point for each €1.00 spent"
    assert bought["button"] == {
        "label": "Purchase",
        "href": "https://tea.example/collections/all",
    }
    assert joined["title"] == "50 points for signing up"
    assert joined["worth"] == "50 points"
    assert joined["button"] == {"label": "Sign up", "href": ""}


async def test_rules_speak_the_language_that_is_asked_for(shop: Shop) -> None:
    ways = (await shop.ask("earn", params={"lang": "de-AT"})).json()["ways"]
    assert ways[0]["title"] == "Etwas bestellen"
    assert ways[0]["button"]["label"] == "Einkaufen"
    assert [one["worth"] for one in ways] == ["1 Punkt je 1,00\xa0€ Einkauf", "50 Punkte"]


async def test_what_was_shown_already_is_answered_without_content(shop: Shop) -> None:
    first = await shop.ask("earn")
    again = await shop.ask("earn", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_balance_is_that_of_the_books_with_what_expires_when(shop: Shop) -> None:
    expiry = {"mode": "days", "n": 30}
    await shop.save(programme(expiry=expiry, zone="Europe/Berlin"))
    await shop.enrol()
    await shop.tell(order("1001", "120.00", at=datetime.now(UTC) - timedelta(days=10)))
    me = (await shop.ask("me", headers=await shop.headers())).json()
    assert (me["state"], me["name"], me["available"]) == ("member", "Ada", 170)
    assert [one["points"] for one in me["lapsing"]] == [120, 50]


async def test_every_movement_is_told_in_words(shop: Shop) -> None:
    await shop.enrol()
    await shop.tell(order("1001", "120.00"), adjustment("a1", -20, "returned a mug"))
    found = (await shop.ask("movements", headers=await shop.headers())).json()
    assert [(one["text"], one["points"]) for one in found["movements"]] == [
        ("Adjusted by our team: returned a mug", -20),
        ("Order 1001: Complete an order", 120),
        ("50 points for signing up", 50),
    ]
    assert found["is_more"] is False


async def test_long_histories_come_page_by_page_and_none_twice(shop: Shop) -> None:
    await shop.enrol()
    await shop.tell(*(adjustment(f"a{n}", 1, f"no. {n}") for n in range(45)))
    headers, seen, before = await shop.headers(), [], ""
    while True:
        page = (await shop.ask(f"movements?before={before}", headers=headers)).json()
        seen += [one["id"] for one in page["movements"]]
        if not page["is_more"]:
            break
        before = seen[-1]
    assert len(seen) == len(set(seen)) == 46


@pytest.mark.parametrize("path", ["movements", "rewards", "referral"])
async def test_nobody_reads_without_being_signed_in(shop: Shop, path: str) -> None:
    await shop.enrol()
    answer = await shop.ask(path)
    assert answer.status_code == 401
    assert ADA not in answer.text


async def test_a_session_is_worth_nothing_on_another_site(shop: Shop) -> None:
    await shop.save(programme(site(), site(id="mugs", name="Mugs")))
    await shop.enrol()
    headers = {**MARK, "authorization": f"Bearer {await shop.token(site='mugs')}"}
    assert (await shop.ask("me", headers=headers)).json() == {"state": "nobody"}


async def test_an_unknown_site_is_told_as_such(shop: Shop) -> None:
    answer = await shop.client.get("/widget/api/nobody/earn", headers=MARK)
    assert answer.status_code == 404
    assert "no site" in answer.json()["error"]
