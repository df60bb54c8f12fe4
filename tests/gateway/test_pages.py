"""Health, metrics, the home page and the description of the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from loyalty.store import deliveries, ids, workers
from loyalty.store.deliveries import Delivery
from tests.gateway.conftest import Running, Serve

Sale = Callable[..., bytes]


async def add_delivery(hub: Running, *, state: str, reason: str, connector: str = "till") -> None:
    now = datetime.now(UTC)
    async with hub.database.begin() as connection:
        await deliveries.plan(
            connection,
            [
                Delivery(
                    id=ids.new_id(now),
                    key=f"{state}:{reason}:{connector}",
                    capability="sms",
                    input={},
                    state=state,
                    created_at=now,
                    connector=connector,
                    connection="main" if connector else "",
                    reason=reason,
                )
            ],
        )


async def pause(hub: Running, trigger: str) -> None:
    async with hub.database.begin() as connection:
        await workers.save_trigger(
            connection, trigger, is_paused=True, work_pool="hub", now=datetime.now(UTC)
        )


async def samples(hub: Running) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await hub.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_health_and_readiness(hub: Running) -> None:
    health = await hub.client.get("/healthz")
    assert (health.status_code, health.json()) == (200, {"alive": True})
    ready = await hub.client.get("/readyz")
    assert ready.status_code == 200
    assert (ready.json()["ready"], ready.json()["reasons"]) == (True, [])
    assert ready.headers["cache-control"] == "no-store"


async def test_metrics_count_requests_by_outcome_and_what_waits(hub: Running, sale: Sale) -> None:
    await add_delivery(hub, state="dead", reason="gone")
    await add_delivery(hub, state="dead", reason="gone too")
    await add_delivery(hub, state="held", reason="no connection", connector="")
    await pause(hub, "orders")
    for body in (sale(1, 2), sale(1), b"rubbish"):
        await hub.post(body)
    await hub.client.post("/hooks/till/main", content=b"{}")
    found = await samples(hub)

    def webhooks(outcome: str) -> float:
        labels = (("connection", "main"), ("outcome", outcome), ("vendor", "till"))
        return found["hub_webhooks_total", labels]

    assert [webhooks(one) for one in ("accepted", "duplicate", "unreadable", "bad_signature")] == [
        1,
        1,
        1,
        1,
    ]
    assert found["hub_acknowledgement_seconds_count", ()] == 2
    assert found["hub_commit_requests_sum", ()] == 3
    assert found["hub_database_up", ()] == 1
    waiting = {labels: n for (name, labels), n in found.items() if name == "hub_events_waiting"}
    assert waiting[(("paused", "false"), ("trigger", "refunds"))] == 2
    assert waiting[(("paused", "true"), ("trigger", "orders"))] == 0
    assert found["hub_deliveries", (("connection", "till/main"), ("state", "dead"))] == 2
    assert found["hub_deliveries", (("connection", ""), ("state", "held"))] == 1
    assert found["process_resident_memory_bytes", ()] > 0


async def test_figures_are_read_every_five_seconds_at_most(hub: Running, sale: Sale) -> None:
    before = await samples(hub)
    await hub.post(sale(1))
    after = await samples(hub)
    key = ("hub_events_waiting", (("paused", "false"), ("trigger", "refunds")))
    assert (before[key], after[key]) == (0, 0)


async def test_the_openapi_document_is_valid_and_lists_the_hook_with_its_answers(
    hub: Running,
) -> None:
    answer = await hub.client.get("/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    hook = document["paths"]["/hooks/{vendor}/{connection}"]
    assert set(hook["post"]["responses"]) == {
        *("200", "202", "401", "404", "405", "408", "413", "415", "422", "503")
    }
    assert "Retry-After" in hook["post"]["responses"]["503"]["headers"]
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for reference in re.findall(
        r'"\$ref": ?"#/([^"]+)"', (await hub.client.get("/openapi.json")).text
    ):
        found = document
        for part in reference.split("/"):
            found = found[part]
        assert found
    for path, item in document["paths"].items():
        operations = [item[method] for method in ("get", "post") if method in item]
        assert all(one["summary"] and one["responses"] for one in operations), path


async def test_answers_are_as_the_document_says(hub: Running, sale: Sale) -> None:
    document = (await hub.client.get("/openapi.json")).json()
    answers = {
        "Kept": await hub.post(sale(1)),
        "Ignored": await hub.post(b"{}", topic="other"),
        "Problem": await hub.post(b"rubbish"),
    }
    for name, answer in answers.items():
        jsonschema.validate(answer.json(), document["components"]["schemas"][name])
        assert set(answer.json()) == set(document["components"]["schemas"][name]["properties"])


async def test_the_description_is_readable_without_any_other_site(hub: Running) -> None:
    for path in ("/docs", "/"):
        answer = await hub.client.get(path)
        assert answer.status_code == 200
        assert "src=" not in answer.text
        assert "//" not in answer.text.replace("<!doctype", ""), "nothing is loaded from elsewhere"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    docs = (await hub.client.get("/docs")).text
    assert "POST /hooks/{vendor}/{connection}" in docs
    assert "kept for inspection" in docs


async def test_an_empty_hub_has_a_friendly_home_page(serve: Serve) -> None:
    hub: Running = await serve()
    page = (await hub.client.get("/")).text
    assert "Nothing waits" in page
    assert "Nothing was sent yet" in page
    assert "There is no connection yet" in page
    assert "Prefect UI</a>" not in page


async def test_the_home_page_shows_what_waits_and_why(
    serve: Serve, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_PREFECT_UI_URL", "http://127.0.0.1:4200")
    hub: Running = await serve()
    await hub.add()
    await hub.add("second", state="refused", reason="<script>alert(1)</script>")
    await hub.post(sale(1))
    await pause(hub, "refunds")
    await add_delivery(hub, state="dead", reason="ada@person.example bounced")
    page = (await hub.client.get("/")).text
    assert re.search(
        r"refunds</td><td class=\"number\">1</td>\s*<td><span class=\"wait\">paused", page
    )
    assert "till/main" in page
    assert "/hooks/till/main" in page
    assert '<a href="http://127.0.0.1:4200">Prefect UI</a>' in page
    assert "a…@person.example bounced" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


async def test_a_count_that_takes_too_long_shows_the_last_figures(
    hub: Running, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.figures.KEEP_SECONDS", 0.0)
    monkeypatch.setattr("gateway.figures.COUNT_SECONDS", 1)
    await add_delivery(hub, state="sent", reason="")
    assert (await samples(hub))["hub_database_up", ()] == 1
    async with hub.database.begin() as blocker:
        await blocker.execute(text("lock table deliveries in access exclusive mode"))
        page = (await hub.client.get("/")).text
        assert "could not count in time" in page
        assert "till/main" in page, "the figures known before"
        assert (await samples(hub))["hub_database_up", ()] == 0


async def test_an_unknown_page_is_404(hub: Running) -> None:
    assert (await hub.client.get("/wp-login.php")).status_code == 404
