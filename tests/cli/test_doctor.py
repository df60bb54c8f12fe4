"""`hub doctor`: everything is looked at, whatever is down, and each trouble says what to do."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from loyalty.events import TRIGGERS
from loyalty.store import budgets, inbox, workers

NOW = datetime.now(UTC)


def _findings(answer: Any) -> dict[str, dict[str, str]]:
    """By check; every problem must say what to do."""
    found = {one["check"]: one for one in answer.json["findings"]}
    assert all(one["to_do"] for one in found.values() if one["health"] == "problem")
    is_well = all(one["health"] != "problem" for one in found.values())
    assert (answer.json["is_well"], answer.code) == (is_well, 0 if is_well else 1)
    assert answer.err == ""
    return found


def _twilio(base_url: str, token: str = "sandbox-twilio-token") -> dict[str, str]:
    return {
        "account_sid": "AC" + "0" * 31 + "1",
        "auth_token": token,
        "from_number": "+15005550006",
        "base_url": base_url,
    }


def test_where_no_hub_was_ever_started_it_says_so(nowhere: Any, tmp_path: Path) -> None:
    found = _findings(nowhere("doctor", "--json"))
    assert {name for name, one in found.items() if one["health"] == "problem"} == {
        "home", "database", "gateway", "Prefect",
    }  # fmt: skip
    assert all("hub up" in found[name]["to_do"] for name in ("home", "database", "Prefect"))
    assert not (tmp_path / "home").exists()
    shown = nowhere("doctor")
    assert shown.code == 1
    assert "4 problems." in shown.out


def test_an_embedded_postgresql_that_does_not_run_is_told_apart(
    nowhere: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "database.url").write_text(f"postgresql://postgres@/hub?host={home}", "utf-8")
    found = _findings(nowhere("doctor", "--json"))
    assert "does not run" in found["database"]["says"]
    assert "hub up" in found["database"]["to_do"]
    answer = nowhere("deliveries")
    assert (answer.code, answer.out) == (1, "")
    assert "hub up" in answer.err


@pytest.mark.parametrize(
    ("url", "code"),
    [("postgresql://u:hunter22@127.0.0.1:1/hub", 1), ("mysql://u:hunter22@host/hub", 2)],
    ids=["nobody there", "not PostgreSQL"],
)
def test_a_database_address_is_named_without_its_password(
    nowhere: Any, environment: pytest.MonkeyPatch, url: str, code: int
) -> None:
    environment.setenv("HUB_DATABASE_URL", url)
    doctor, events = nowhere("doctor", "--json"), nowhere("events")
    assert _findings(doctor)["database"]["health"] == "problem"
    assert events.code == code
    assert "hunter22" not in doctor.out + events.out + events.err


def test_a_database_that_is_not_migrated_is_told_apart(
    hub: Any, postgres: Any, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HUB_DATABASE_URL", postgres.url("hub"))
    found = _findings(hub("doctor", "--json"))
    assert "schema none" in found["database"]["says"]
    answer = hub("deliveries")
    assert answer.code == 1
    assert "hub up" in answer.err


def test_a_database_that_is_not_there_is_told_apart(
    hub: Any, postgres: Any, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HUB_DATABASE_URL", postgres.url("nowhere"))
    assert "does not exist" in _findings(hub("doctor", "--json"))["database"]["says"]


def test_an_empty_store_lacks_rules_and_a_worker(hub: Any) -> None:
    found = _findings(hub("doctor", "--json"))
    health = {name: one["health"] for name, one in found.items()}
    assert health["database"] == health["events"] == health["deliveries"] == "ok"
    assert health["rules"] == health["workers"] == "problem"
    assert health["connections"] == "note"


def test_a_worker_counts_as_alive_for_ten_seconds(hub: Any, shop: Any) -> None:
    stale = NOW - timedelta(seconds=11)
    shop.write(lambda connection: workers.beat(connection, "gone:1:1", now=stale))
    assert _findings(hub("doctor", "--json"))["workers"]["health"] == "problem"
    shop.beat("here:1:1")
    found = _findings(hub("doctor", "--json"))["workers"]
    assert (found["health"], found["says"]) == ("ok", "alive: here:1:1")


def test_prefect_that_is_down_is_a_problem_with_what_to_do(hub: Any) -> None:
    found = _findings(hub("doctor", "--json"))["Prefect"]
    assert found["health"] == "problem"
    assert "hub up" in found["to_do"]


def test_an_active_connection_is_tried_and_a_wrong_token_found(
    hub: Any, shop: Any, sandbox: str
) -> None:
    shop.publish(routes={"sms": ("twilio/main",)})
    shop.connect("twilio/main", _twilio(sandbox))
    shop.connect("twilio/old", _twilio(sandbox, token="canary-9f8e7d"))
    answer = hub("doctor", "--json")
    found = _findings(answer)
    assert found["twilio/main"]["health"] == "ok"
    assert found["route sms"]["health"] == "ok"
    assert found["twilio/old"]["health"] == "problem"
    assert "Prefect UI" in found["twilio/old"]["to_do"]
    assert "canary-9f8e7d" not in answer.out


def test_vendors_that_hang_are_given_up_side_by_side(
    hub: Any, shop: Any, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    from deployments.cli.checks import connections

    # One after the other they would take nine seconds; the rest is room for a busy machine.
    monkeypatch.setattr(connections, "SECONDS", 3.0)
    for name in ("one", "two", "three"):
        shop.connect(f"twilio/{name}", _twilio(sandbox))
    root = sandbox.removesuffix("/twilio")
    fault = {"status": 0, "times": 3, "hang_seconds": 12.0}
    httpx.post(f"{root}/twilio/_sandbox/faults", json=[fault]).raise_for_status()
    started = time.monotonic()
    found = _findings(hub("doctor", "--json"))
    assert time.monotonic() - started < 9
    assert all("no answer within 3 s" in found[f"twilio/{n}"]["says"] for n in ("one", "two"))


def test_a_lost_key_is_named_and_no_new_one_is_made(hub: Any, shop: Any, sandbox: str) -> None:
    shop.connect("twilio/main", _twilio(sandbox))
    (shop.home / "secret.key").unlink()
    found = _findings(hub("doctor", "--json"))
    assert found["secret key"]["health"] == "problem"
    assert not (shop.home / "secret.key").exists()


@pytest.mark.parametrize("state", ["paused", "refused", "invalid"])
def test_a_connection_that_may_not_be_used_says_so(
    hub: Any, shop: Any, sandbox: str, state: str
) -> None:
    shop.publish(routes={"sms": ("twilio/main",)})
    shop.connect("twilio/main", _twilio(sandbox), state=state)
    found = _findings(hub("doctor", "--json"))
    assert found["twilio/main"]["health"] == ("note" if state == "paused" else "problem")
    assert state in found["route sms"]["says"]
    shop.deliver("held")
    assert _findings(hub("doctor", "--json"))["twilio/main"]["health"] == "problem"


def test_a_route_nobody_serves_is_a_note_until_something_waits(hub: Any, shop: Any) -> None:
    shop.publish(routes={"sms": ("twilio/main",)})
    assert _findings(hub("doctor", "--json"))["route sms"]["health"] == "note"
    shop.deliver("held")
    found = _findings(hub("doctor", "--json"))["route sms"]
    assert found["health"] == "problem"
    assert "1 deliver" in found["says"]


def test_a_missing_budget_is_found(hub: Any, shop: Any, sandbox: str) -> None:
    shop.connect("twilio/main", _twilio(sandbox))
    assert _findings(hub("doctor", "--json"))["budget of twilio/main"]["health"] == "problem"

    def define(is_active: bool) -> None:
        shop.write(
            lambda connection: budgets.define(
                connection,
                "limit:twilio:main",
                burst=10,
                per_second=Decimal(10),
                is_active=is_active,
                now=NOW,
            )
        )

    define(False)
    assert _findings(hub("doctor", "--json"))["budget of twilio/main"]["health"] == "note"
    define(True)
    assert _findings(hub("doctor", "--json"))["budgets"]["says"] == "1 in force"


def test_what_did_not_go_through_is_counted(hub: Any, shop: Any, order: Any) -> None:
    for state in ("dead", "unknown", "held", "sent"):
        shop.deliver(state, reason="+15005550123 is not in service")
    shop.receive(order("1001"), order("1002"))
    shop.close("shopify/main:order.paid:1001", "failed", "KeyError")
    shop.close("shopify/main:order.paid:1002", "parked", "no sale yet", "sale:x")
    answer = hub("doctor", "--json")
    found = _findings(answer)
    assert found["parked events"]["health"] == "note"
    for check in ("dead deliveries", "unknown deliveries", "held deliveries", "events"):
        assert found[check]["health"] == "problem"
    assert "hub replay --dead --connection twilio/main" in found["dead deliveries"]["to_do"]
    assert "+15005550123" not in answer.out


@pytest.mark.parametrize(("days", "health"), [(0, "problem"), (2, "note")], ids=["new", "old"])
def test_requests_that_could_not_be_read_are_news_for_a_day(
    hub: Any, shop: Any, days: int, health: str
) -> None:
    shop.write(
        lambda connection: inbox.reject(
            connection,
            connector="shopify",
            name="main",
            received_at=NOW - timedelta(days=days),
            problem="total_price: not a number",
            headers={},
            body=b"{}",
        )
    )
    found = _findings(hub("doctor", "--json"))["kept requests"]
    assert found["health"] == health
    assert "shopify/main" in found["says"]


def test_a_paused_deployment_names_how_much_waits(hub: Any, shop: Any, order: Any) -> None:
    for name in (*TRIGGERS, "deliver"):
        shop.write(
            lambda connection, name=name: workers.save_trigger(
                connection, name, is_paused=name in ("orders", "refunds"), work_pool="hub", now=NOW
            )
        )
    shop.receive(order("1001"), order("1002"))
    found = _findings(hub("doctor", "--json"))
    assert found["deployment orders"]["says"] == "paused, 2 events wait"
    assert found["deployment refunds"]["health"] == "note"
    assert "deployment deliver" not in found


@pytest.mark.parametrize("columns", ["30", "100"])
def test_the_report_fits_the_terminal(
    hub: Any, shop: Any, columns: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("COLUMNS", columns)
    shop.deliver("dead", reason="x" * 300)
    answer = hub("doctor")
    assert answer.code == 1
    assert all(len(line) <= int(columns) for line in answer.out.splitlines())


def test_only_reading_is_done(hub: Any, shop: Any) -> None:
    shop.deliver("held")

    async def rows(connection: Any) -> list[Any]:
        counts = "select relname, n_tup_upd from pg_stat_xact_user_tables"
        await connection.execute(text(counts))
        return (await connection.execute(text("select * from deliveries"))).all()

    before = shop.write(rows)
    hub("doctor")
    assert shop.write(rows) == before
