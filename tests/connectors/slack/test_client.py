"""The Slack client, through the real SDK, against the sandbox."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.action import Job
from connectors.kit.capabilities import ChatPost
from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.slack.account import SlackAccount
from connectors.slack.client import SlackClient
from connectors.slack.manifest import MANIFEST
from connectors.slack.sandbox import ARCHIVED, SANDBOX_ACCOUNT, UNKNOWN, WEBHOOK_PATH, SlackSandbox

Serve = Callable[[VendorSandbox], Awaitable[str]]
POST = MANIFEST.action("post_message").run
CANARY = "canary-slack-91c2"


def job(text: str = "Ann & Bo reached gold. 🎉", channel: str = "") -> Job:
    return Job("shopify/main:order.paid:1:chat", ChatPost(text=text, channel=channel))


def client(base_url: str, *, timeout_seconds: float = 10.0, **fields: Any) -> SlackClient:
    account = SlackAccount(**{**SANDBOX_ACCOUNT, "base_url": base_url, **fields})
    return SlackClient(account, timeout_seconds=timeout_seconds)


def hook(base_url: str, path: str = WEBHOOK_PATH, timeout_seconds: float = 10.0) -> SlackClient:
    account = SlackAccount(webhook_url=base_url + path)
    return SlackClient(account, timeout_seconds=timeout_seconds)


async def failure(one: SlackClient, posted: Job | None = None) -> ConnectorError:
    try:
        with pytest.raises(ConnectorError) as caught:
            await POST(one, posted or job())
        return caught.value
    finally:
        await one.aclose()


async def test_a_message_is_posted_to_the_default_or_the_named_channel(serve: Serve) -> None:
    sandbox = SlackSandbox()
    one = client(await serve(sandbox))
    sent = await POST(one, job())
    await POST(one, job(channel="#vip"))
    await one.aclose()
    first, second = sandbox.records
    assert sent.vendor_id == first["id"]
    assert (first["channel"], first["text"]) == ("#loyalty", "Ann & Bo reached gold. 🎉")
    assert second["channel"] == "#vip"


async def test_an_incoming_webhook_posts_without_a_token(serve: Serve) -> None:
    sandbox = SlackSandbox()
    one = hook(await serve(sandbox))
    assert (await POST(one, job())).vendor_id == ""
    assert "cannot be checked" in await one.check()
    await one.aclose()
    assert sandbox.records[0]["text"] == "Ann & Bo reached gold. 🎉"


async def test_an_incoming_webhook_cannot_choose_the_channel(serve: Serve) -> None:
    sandbox = SlackSandbox()
    error = await failure(hook(await serve(sandbox)), job(channel="#vip"))
    assert type(error) is InvalidRequest
    assert not sandbox.calls


async def test_check_names_the_bot_and_the_workspace(serve: Serve) -> None:
    one = client(await serve(SlackSandbox()))
    assert await one.check() == "Slack answers as 'hub' in the workspace 'Sandbox'."
    await one.aclose()


async def test_check_refuses_a_wrong_token(serve: Serve) -> None:
    one = client(await serve(SlackSandbox()), bot_token="xoxb-wrong")
    with pytest.raises(AuthError, match="invalid_auth"):
        await one.check()
    await one.aclose()


async def test_a_missing_scope_is_named(serve: Serve) -> None:
    error = await failure(client(await serve(SlackSandbox(scopes=("users:read",)))))
    assert type(error) is ScopeError
    assert "chat:write" in str(error)


async def test_without_any_channel_nothing_is_sent(serve: Serve) -> None:
    sandbox = SlackSandbox()
    error = await failure(client(await serve(sandbox), default_channel=""))
    assert type(error) is InvalidRequest
    assert not sandbox.calls


@pytest.mark.parametrize("channel", [ARCHIVED, UNKNOWN])
async def test_a_channel_that_takes_nothing_is_an_invalid_request(
    serve: Serve, channel: str
) -> None:
    error = await failure(client(await serve(SlackSandbox())), job(channel=channel))
    assert type(error) is InvalidRequest
    assert error.vendor_code in ("is_archived", "channel_not_found")


async def test_a_second_message_within_the_second_has_to_wait(serve: Serve) -> None:
    one = client(await serve(SlackSandbox(posts_per_second=1)))
    await POST(one, job())
    error = await failure(one)
    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(seconds=1)


WORDS = [
    ("invalid_auth", AuthError), ("not_authed", AuthError), ("token_revoked", AuthError),
    ("account_inactive", AuthError), ("missing_scope", ScopeError), ("ratelimited", RateLimited),
    ("channel_not_found", InvalidRequest), ("msg_too_long", InvalidRequest),
    ("no_text", InvalidRequest), ("some_new_word", InvalidRequest),
    ("internal_error", OutcomeUnknown), ("fatal_error", OutcomeUnknown),
    ("service_unavailable", Transient),
]  # fmt: skip


@pytest.mark.parametrize(("word", "expected"), WORDS)
async def test_slacks_word_decides_even_with_status_200(
    serve: Serve, word: str, expected: type[ConnectorError]
) -> None:
    sandbox = SlackSandbox()
    sandbox.routes = lambda: [says(200, json.dumps({"ok": False, "error": word}))]  # type: ignore[method-assign]
    error = await failure(client(await serve(sandbox)))
    assert type(error) is expected
    assert error.vendor_code == word


def says(status: int, body: str, media_type: str = "application/json") -> Any:
    """A route that answers every call with this, in the media type that Slack uses."""
    from starlette.responses import Response
    from starlette.routing import Route

    async def answer(request: Any) -> Response:
        return Response(body, status, media_type=media_type)

    return Route("/{path:path}", answer, methods=["GET", "POST"])


async def test_a_failure_while_reading_is_safe_to_repeat(serve: Serve) -> None:
    sandbox = SlackSandbox()
    sandbox.routes = lambda: [says(200, '{"ok": false, "error": "internal_error"}')]  # type: ignore[method-assign]
    one = client(await serve(sandbox))
    with pytest.raises(Transient):
        await one.check()
    await one.aclose()


STATUSES = [
    (301, ConnectorBug), (400, InvalidRequest), (401, AuthError), (402, QuotaExceeded),
    (403, ScopeError), (404, NotFound), (409, Conflict), (422, InvalidRequest),
    (429, RateLimited), (500, OutcomeUnknown), (502, Transient), (503, Transient),
]  # fmt: skip


@pytest.mark.parametrize(("status", "expected"), STATUSES)
async def test_a_status_without_a_word_becomes_the_error_that_says_what_happens_next(
    serve: Serve, status: int, expected: type[ConnectorError]
) -> None:
    sandbox = SlackSandbox()
    base = await serve(sandbox)
    for one in (client(base), hook(base)):
        sandbox.faults.append(Fault(status=status, body="<html>no</html>"))
        assert type(await failure(one)) is expected


@pytest.mark.parametrize(
    ("status", "word", "expected"),
    [
        (404, "no_service", AuthError),
        (403, "invalid_token", AuthError),
        (403, "action_prohibited", ScopeError),
        (404, "channel_not_found", InvalidRequest),
        (410, "channel_is_archived", InvalidRequest),
        (400, "invalid_payload", InvalidRequest),
        (500, "rollup_error", OutcomeUnknown),
    ],
)
async def test_an_incoming_webhooks_words_are_understood(
    serve: Serve, status: int, word: str, expected: type[ConnectorError]
) -> None:
    sandbox = SlackSandbox()
    sandbox.faults.append(Fault(status=status, body=word))
    error = await failure(hook(await serve(sandbox)))
    assert (type(error), error.vendor_code) == (expected, word)


async def test_a_removed_webhook_is_an_auth_error(serve: Serve) -> None:
    error = await failure(hook(await serve(SlackSandbox()), "/services/T0/B0/gone"))
    assert type(error) is AuthError


@pytest.mark.parametrize("header", ["7", None, "date"])
async def test_the_pause_is_as_long_as_slack_says(serve: Serve, header: str | None) -> None:
    sandbox = SlackSandbox()
    if header == "date":
        header = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    base = await serve(sandbox)
    for one in (client(base), hook(base)):
        sandbox.faults.append(Fault(status=429, retry_after=header))
        error = await failure(one)
        assert isinstance(error, RateLimited)
        assert (error.retry_after is None) is (header is None)
        assert header != "7" or error.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("media_type", ["text/html", "text/plain", "application/json"])
@pytest.mark.parametrize("body", ["<html>Log in</html>", "[]", "{}", '{"ok": true}', ""])
async def test_a_reply_outside_the_documentation_is_a_connector_bug(
    serve: Serve, body: str, media_type: str
) -> None:
    sandbox = SlackSandbox()
    sandbox.routes = lambda: [says(200, body, media_type)]  # type: ignore[method-assign]
    base = await serve(sandbox)
    assert type(await failure(client(base))) is ConnectorBug
    assert type(await failure(hook(base))) is ConnectorBug


async def test_a_refused_connection_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert type(await failure(client(base))) is Transient
    assert type(await failure(hook(base))) is Transient


async def test_a_lost_answer_leaves_the_outcome_unknown_and_is_not_repeated(serve: Serve) -> None:
    sandbox = SlackSandbox()
    base = await serve(sandbox)
    for one in (client(base, timeout_seconds=0.2), hook(base, timeout_seconds=0.2)):
        sandbox.faults.append(Fault(status=0, when="after"))
        assert type(await failure(one)) is OutcomeUnknown
    assert sum(sandbox.calls.values()) == 2


async def test_no_secret_shows_in_any_text_or_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox = SlackSandbox()
    base = await serve(sandbox)
    shown = ""
    for one in (client(base, bot_token=CANARY), hook(base, f"/services/T0/B0/{CANARY}")):
        error = await failure(one)
        shown += f"{one!r} {vars(one)} {one._account!r} {error} {error!r} {vars(error)}"
    assert CANARY not in shown
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    "fields",
    [
        {"bot_token": "two words"},
        {"bot_token": "line\nbreak"},
        {"bot_token": None},
        {"bot_token": None, "webhook_url": "hooks.slack.com/x"},
        {"bot_token": None, "webhook_url": "https://hooks.slack.com/a b"},
        {"default_channel": "two words"},
        {"base_url": "slack.com"},
    ],
)
def test_an_account_that_cannot_work_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SlackAccount(**{**SANDBOX_ACCOUNT, **fields})


# --- threads, changes, buttons ---------------------------------------------------------------


def asked(**fields: Any) -> dict[str, Any]:
    return {"text": "Done.", **fields}


async def run(one: SlackClient, action: str, **fields: Any) -> Any:
    found = MANIFEST.action(action)
    try:
        return await found.run(one, Job("key", found.input.model_validate(asked(**fields))))
    finally:
        await one.aclose()


async def test_an_answer_stands_below_its_message(serve: Serve) -> None:
    sandbox = SlackSandbox()
    one = client(await serve(sandbox))
    first = await POST(one, job())
    await run(one, "reply_in_thread", thread=first.vendor_id, is_broadcast=True)
    assert sandbox.records[1]["thread"] == first.vendor_id


async def test_a_posted_message_can_be_changed_by_what_its_posting_told(serve: Serve) -> None:
    sandbox = SlackSandbox()
    one = client(await serve(sandbox))
    first = await POST(one, job())
    changed = await run(one, "update_message", message=first.vendor_id, channel=first.channel)
    assert (changed.vendor_id, changed.channel) == (first.vendor_id, first.channel)
    assert sandbox.messages[first.vendor_id] == "Done."


@pytest.mark.parametrize(
    ("message", "channel", "kind"),
    [
        ("1795262400.999999", "C0SANDBOX", NotFound),
        ("1795262400.000001", "C0ANOTHER", InvalidRequest),
    ],
)
async def test_a_message_that_is_not_there_cannot_be_changed(
    serve: Serve, message: str, channel: str, kind: type[ConnectorError]
) -> None:
    with pytest.raises(kind):
        await run(
            client(await serve(SlackSandbox())), "update_message", message=message, channel=channel
        )


async def test_an_answer_to_nothing_is_refused(serve: Serve) -> None:
    with pytest.raises(NotFound):
        await run(
            client(await serve(SlackSandbox())), "reply_in_thread", thread="1795262400.999999"
        )


@pytest.mark.parametrize("through_webhook", [True, False])
async def test_buttons_arrive_with_whom_they_are_about(serve: Serve, through_webhook: bool) -> None:
    sandbox = SlackSandbox()
    url = await serve(sandbox)
    button = {"label": "Goodwill", "action": "goodwill", "card": "4711", "style": "primary"}
    await run(hook(url) if through_webhook else client(url), "post_buttons", buttons=[button])
    section, actions = sandbox.records[0]["blocks"]
    assert section["text"] == {"type": "mrkdwn", "text": "Done."}
    (element,) = actions["elements"]
    assert (element["action_id"], element["style"]) == ("goodwill", "primary")
    assert json.loads(element["value"]) == {"card": "4711"}


async def test_the_incoming_webhook_can_be_used_beside_a_bot(serve: Serve) -> None:
    sandbox = SlackSandbox()
    url = await serve(sandbox)
    await run(client(url, webhook_url=url + WEBHOOK_PATH), "post_to_webhook")
    assert sandbox.records[0]["channel"] == ""


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("update_message", {"message": "1795262400.000001", "channel": "C0SANDBOX"}),
        ("reply_in_thread", {"thread": "1795262400.000001", "channel": "#vip"}),
    ],
)
async def test_an_incoming_webhook_cannot_do_what_a_bot_can(
    serve: Serve, action: str, fields: dict[str, Any]
) -> None:
    sandbox = SlackSandbox()
    with pytest.raises(InvalidRequest, match="bot token"):
        await run(hook(await serve(sandbox)), action, **fields)
    assert not sandbox.calls


async def test_without_an_incoming_webhook_there_is_none_to_post_through(serve: Serve) -> None:
    with pytest.raises(InvalidRequest, match="no incoming webhook"):
        await run(client(await serve(SlackSandbox())), "post_to_webhook")
