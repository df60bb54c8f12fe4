"""The SMTP client against a real SMTP server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from email import message_from_bytes
from email.policy import default
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import ValidationError

from connectors.kit.action import Job
from connectors.kit.capabilities import EmailMessage
from connectors.kit.errors import (
    AuthError,
    ConnectorError,
    InvalidRequest,
    OutcomeUnknown,
    RateLimited,
    Transient,
)
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.smtp.account import SmtpAccount
from connectors.smtp.client import SmtpClient
from connectors.smtp.manifest import MANIFEST
from connectors.smtp.sandbox import SANDBOX_ACCOUNT, SmtpSandbox

Serve = Callable[[VendorSandbox], Awaitable[str]]
SEND = MANIFEST.action("send_email").run
CANARY = "canary-smtp-c40d"
KEY = "shopify/main:order.paid:1:email"


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[SmtpSandbox]:
    """A mail server without its web page."""
    one = SmtpSandbox()
    await one.start()
    yield one
    await one.stop()


def mail(**fields: Any) -> EmailMessage:
    plain = {"to": "ann@buyer.example", "subject": "Hello", "text": "You have 120 points."}
    return EmailMessage(**{**plain, **fields})


def client(sandbox: SmtpSandbox, **fields: Any) -> SmtpClient:
    return SmtpClient(SmtpAccount(**{**sandbox.account(), **fields}))


async def failure(one: SmtpClient, **fields: Any) -> ConnectorError:
    try:
        with pytest.raises(ConnectorError) as caught:
            await SEND(one, Job(KEY, mail(**fields)))
        return caught.value
    finally:
        await one.aclose()


async def test_a_mail_arrives_with_its_words_names_and_headers(sandbox: SmtpSandbox) -> None:
    one = client(sandbox, from_name='Zoë\'s "Shop", Ltd')
    link = "<https://hub.example/u/" + "x" * 300 + ">"
    family = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
    sent = await SEND(
        one,
        Job(
            KEY,
            mail(
                to="ann.lee+shop@münchen.example",
                to_name="李安 <script>",
                subject=f"Grüße, 李安 {family} " + "ü" * 300,
                text="Grüße!\n.\n.leading dot\nFrom here on\n" + "long " * 300,
                html="<p>Grüße, <b>李安</b></p>",
                headers={
                    "List-Unsubscribe": link,
                    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                },
            ),
        ),
    )
    await one.aclose()
    (record,) = sandbox.records
    assert record["to"] == "ann.lee+shop@xn--mnchen-3ya.example"
    assert record["subject"] == f"Grüße, 李安 {family} " + "ü" * 300
    assert record["text"].rstrip("\n") == (
        "Grüße!\n.\n.leading dot\nFrom here on\n" + "long " * 300
    )
    assert record["html"].strip() == "<p>Grüße, <b>李安</b></p>"
    headers = record["headers"]
    assert headers["List-Unsubscribe"] == link
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["From"] == '"Zoë\'s \\"Shop\\", Ltd" <hello@shop.example>'
    assert headers["To"] == '"李安 <script>" <ann.lee+shop@xn--mnchen-3ya.example>'
    assert sent.vendor_id == record["id"] == headers["Message-ID"]


async def test_the_message_id_is_the_same_at_every_attempt_and_different_for_every_job(
    sandbox: SmtpSandbox,
) -> None:
    one = client(sandbox)
    ids = [(await SEND(one, Job(key, mail()))).vendor_id for key in (KEY, KEY, KEY + "2")]
    await one.aclose()
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@shop.example>")
    assert KEY not in ids[0]


async def test_many_mails_share_a_few_connections(sandbox: SmtpSandbox) -> None:
    one = client(sandbox)
    await asyncio.gather(*[SEND(one, Job(f"{KEY}{n}", mail(text=str(n)))) for n in range(60)])
    await one.aclose()
    assert sorted(int(record["text"]) for record in sandbox.records) == list(range(60))
    assert 1 < sandbox.connections <= 4


async def test_a_refused_mail_does_not_cost_the_connection(sandbox: SmtpSandbox) -> None:
    one = client(sandbox)
    sandbox.faults.append(Fault(status=550))
    with pytest.raises(InvalidRequest):
        await SEND(one, Job(KEY, mail()))
    await SEND(one, Job(KEY, mail(to="bo@buyer.example")))
    await one.aclose()
    assert [record["to"] for record in sandbox.records] == ["bo@buyer.example"]
    assert sandbox.connections == 1


async def test_a_connection_the_server_closed_is_replaced_unnoticed(sandbox: SmtpSandbox) -> None:
    one = client(sandbox)
    await SEND(one, Job(KEY, mail()))
    one._idle[0].smtp.close()
    await SEND(one, Job(KEY, mail()))
    await one.aclose()
    assert len(sandbox.records) == 2


CODES = [
    (421, Transient), (450, Transient), (451, Transient), (452, Transient), (454, Transient),
    (530, AuthError), (535, AuthError),
    (550, InvalidRequest), (552, InvalidRequest), (553, InvalidRequest), (554, InvalidRequest),
]  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), CODES)
async def test_a_code_becomes_the_error_that_says_what_happens_next(
    sandbox: SmtpSandbox, code: int, expected: type[ConnectorError]
) -> None:
    sandbox.faults.append(Fault(status=code))
    error = await failure(client(sandbox))
    assert type(error) is expected
    assert error.vendor_code == str(code)
    assert not sandbox.records


@pytest.mark.parametrize(
    "says", ["4.7.28 unusual rate of mail", "Too many messages", "Throttling failure: slow down"]
)
async def test_a_server_that_throttles_asks_for_a_pause(sandbox: SmtpSandbox, says: str) -> None:
    sandbox.faults.append(Fault(status=451, body=says))
    assert type(await failure(client(sandbox))) is RateLimited


@pytest.mark.parametrize(("when", "kept"), [("before", 0), ("after", 1)])
async def test_a_connection_lost_after_the_text_leaves_the_outcome_unknown(
    sandbox: SmtpSandbox, when: Any, kept: int
) -> None:
    sandbox.faults.append(Fault(status=0, when=when))
    assert type(await failure(client(sandbox))) is OutcomeUnknown
    assert len(sandbox.records) == kept


async def test_an_answer_that_never_comes_leaves_the_outcome_unknown(sandbox: SmtpSandbox) -> None:
    sandbox.faults.append(Fault(status=250, when="after", hang_seconds=1))
    assert type(await failure(client(sandbox, timeout_seconds=0.2))) is OutcomeUnknown


async def test_a_connection_lost_before_the_text_is_transient(sandbox: SmtpSandbox) -> None:
    one = client(sandbox)

    async def hang_up(server: Any, *rest: Any) -> str:
        server.transport.abort()
        return "421 gone"

    sandbox.handle_MAIL = hang_up  # type: ignore[method-assign]
    assert type(await failure(one)) is Transient
    assert not sandbox.records


async def test_a_server_that_is_not_there_is_transient(sandbox: SmtpSandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert type(await failure(client(sandbox, port=port))) is Transient


async def test_a_server_that_says_nothing_is_transient(sandbox: SmtpSandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        error = await failure(client(sandbox, port=port, timeout_seconds=0.2))
    assert type(error) is Transient


async def test_a_server_without_starttls_is_refused_rather_than_trusted(
    sandbox: SmtpSandbox,
) -> None:
    error = await failure(client(sandbox, security="starttls"))
    assert type(error) is AuthError
    assert not sandbox.records


async def test_check_connects_logs_in_and_sends_nothing(sandbox: SmtpSandbox) -> None:
    one = client(sandbox)
    assert await one.check() == (
        f"The mail server 127.0.0.1:{sandbox.smtp_port} answers and knows sandbox."
    )
    await one.aclose()
    assert not sandbox.records


@pytest.mark.parametrize("fields", [{"password": "wrong"}, {"username": "nobody"}])
async def test_check_refuses_a_wrong_login(sandbox: SmtpSandbox, fields: Any) -> None:
    one = client(sandbox, **fields)
    with pytest.raises(AuthError, match="535"):
        await one.check()
    await one.aclose()


async def test_a_server_that_wants_a_login_gets_one_or_the_mail_is_held(
    sandbox: SmtpSandbox,
) -> None:
    error = await failure(client(sandbox, username="", password=None))
    assert type(error) is AuthError
    assert error.vendor_code == "530"


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Hi\r\nBcc: all@buyer.example"},
        {"subject": "Hi\nX: y"},
        {"subject": "Hi\u2028X: y"},
        {"to_name": "Ann\r\nBcc: all@buyer.example"},
        {"to": "ann@buyer.example\r\nRCPT TO:<all@buyer.example>"},
        {"to": "ann@buyer.example, bo@buyer.example"},
        {"to": "<ann@buyer.example>"},
        {"to": "ann@@buyer.example"},
        {"to": "anna.buyer.example"},
        {"to": "zoë@buyer.example"},
        {"to": "a..b@buyer.example"},
        {"headers": {"X-Note": "a\r\nBcc: all@buyer.example"}},
        {"headers": {"X-Note\r\nBcc": "all@buyer.example"}},
        {"headers": {"X-Note": "Zoë"}},
        {"headers": {"X-Note": "x" * 901}},
        {"headers": {"bcc": "all@buyer.example"}},
        {"headers": {"Message-ID": "<1@x>"}},
        {"headers": {"Content-Type": "text/html"}},
        {"headers": {"X-Note": "a", "x-note": "b"}},
        {"headers": {"": "a"}},
    ],
)
async def test_nothing_can_be_smuggled_into_a_header(sandbox: SmtpSandbox, fields: Any) -> None:
    assert type(await failure(client(sandbox), **fields)) is InvalidRequest
    assert not sandbox.records
    assert sandbox.connections == 0


async def test_half_a_character_is_refused(sandbox: SmtpSandbox) -> None:
    hurt = mail().model_copy(update={"text": "\ud83c"})
    with pytest.raises(InvalidRequest):
        await SEND(client(sandbox), Job(KEY, hurt))


async def test_no_secret_shows_in_any_text(
    sandbox: SmtpSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SANDBOX_ACCOUNT, "password", CANARY)
    sandbox.faults.append(Fault(status=554, body=f"no {CANARY} for ann@buyer.example"))
    one = client(sandbox)
    errors = [await failure(one), await failure(client(sandbox, password=CANARY + "x"))]
    assert [error.vendor_code for error in errors] == ["554", "535"]
    shown = "".join(f"{error} {error!r} {vars(error)}" for error in errors)
    shown += f"{one!r} {vars(one)} {one._account!r}"
    assert CANARY not in shown
    assert "ann@" not in shown


@pytest.mark.parametrize(
    "fields",
    [
        {"from_email": "Shop <hello@shop.example>"},
        {"from_email": "hello"},
        {"from_name": "Shop\r\nBcc: all@buyer.example"},
        {"password": "line\nbreak"},
        {"password": None},
        {"username": ""},
        {"host": "smtp.example/x"},
        {"port": 0},
        {"security": "ssl"},
    ],
)
def test_an_account_that_cannot_work_is_refused(fields: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        SmtpAccount(**{**SANDBOX_ACCOUNT, **fields})
    assert SANDBOX_ACCOUNT["password"] not in str(caught.value)


async def test_the_inbox_shows_the_mails_and_runs_nothing_of_theirs(serve: Serve) -> None:
    sandbox = SmtpSandbox()
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(httpx.AsyncClient(base_url=await serve(sandbox)))
        assert "No mail yet" in (await web.get("/")).text
        one = client(sandbox)
        html = '<b>Hi</b><script>alert(1)</script>"'
        await SEND(one, Job(KEY, mail(subject="<i>Sale</i>", html=html)))
        await one.aclose()
        inbox = (await web.get("/")).text
        assert '<a href="messages/1">&lt;i&gt;Sale&lt;/i&gt;</a>' in inbox
        page = await web.get("/messages/1", headers={"Accept": "text/html"})
        assert "<script>" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert (await web.get("/messages/1")).text.strip() == "You have 120 points."
        listed = (await web.get("/messages")).json()["messages"]
        assert [one["to"] for one in listed] == ["ann@buyer.example"]
        assert (await web.get("/messages/2")).status_code == 404
        shown = (await web.get("/_sandbox/records", params={"kind": "email"})).json()
        assert shown["records"] == listed


def test_python_would_break_a_long_unsubscribe_address() -> None:
    """The reason why extra headers are written by hand; delete both when this fails."""
    from email.message import EmailMessage as MimeMessage
    from email.policy import SMTP

    message = MimeMessage(policy=SMTP)
    link = "<https://hub.example/u/" + "x" * 300 + ">"
    message["List-Unsubscribe"] = link
    raw = message_from_bytes(message.as_bytes(), policy=default.clone(raise_on_defect=False))
    assert b"=?utf-8?" in message.as_bytes()
    assert raw["List-Unsubscribe"] is not None
