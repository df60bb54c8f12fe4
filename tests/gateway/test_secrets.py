"""No secret, no credential and no body ever stands in an answer or a log."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from tests.gateway.conftest import Running, Serve
from tests.gateway.till import SECRET, TOKEN

BODY_CANARY = "canary-of-the-body"
HEADER_CANARY = "canary-of-the-header"


async def test_canaries_never_appear(
    serve: Serve, sale: Callable[..., bytes], caplog: pytest.LogCaptureFixture
) -> None:
    hub: Running = await serve()
    await hub.add()
    await hub.add("broken", content={"signing_secret": SECRET})
    headers = {"authorization": f"Bearer {HEADER_CANARY}"}
    told = []
    with caplog.at_level(logging.DEBUG, logger="hub"), caplog.at_level(logging.DEBUG, "uvicorn"):
        caplog.clear()
        requests: list[tuple[bytes, str, str]] = [
            (sale(1, note=BODY_CANARY), "sales", "main"),
            (f'{{"sales": "{BODY_CANARY}"}}'.encode(), "sales", "main"),
            (f'{{"email": "{BODY_CANARY}"}}'.encode(), "broken", "main"),
            (f'{{"email": "{BODY_CANARY}"}}'.encode(), "mismatch", "main"),
            (f'{{"sales": ["{BODY_CANARY}\\u0000"]}}'.encode(), "sales", "main"),
            (f"{BODY_CANARY}".encode(), "sales", "main"),
            (sale(1, note=BODY_CANARY), "sales", "broken"),
            (sale(1, note=BODY_CANARY), "sales", "unknown"),
        ]
        for body, topic, name in requests:
            path = f"/hooks/till/{name}"
            told.append(await hub.post(body, topic=topic, path=path, headers=headers))
        told.append(await hub.client.post("/hooks/till/main", content=requests[0][0]))
        for crash in ("verify", "handshake"):
            spoilt = {**hub.signed(requests[0][0]), "x-till-crash": crash}
            told.append(
                await hub.client.post("/hooks/till/main", content=requests[0][0], headers=spoilt)
            )
        for path in ("/", "/docs", "/readyz", "/healthz", "/metrics", "/openapi.json"):
            told.append(await hub.client.get(path))
    assert {answer.status_code for answer in told} == {200, 202, 401, 404, 422, 503}
    answers = "\n".join(f"{answer.headers} {answer.text}" for answer in told)
    ours = [one for one in caplog.records if one.name.split(".")[0] in ("hub", "uvicorn")]
    logs = "\n".join(f"{one.getMessage()} {one.exc_text or ''}" for one in ours)
    assert "parse_broken" in logs
    for canary in (SECRET, TOKEN, BODY_CANARY, HEADER_CANARY):
        assert canary not in answers
        assert canary not in logs
    kept = await hub.rows("select headers::text || problem as text from rejects")
    assert kept
    assert not [row for row in kept if HEADER_CANARY in row.text or SECRET in row.text]
