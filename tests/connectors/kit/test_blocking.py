"""The blocking SDKs' threads, and what their lost connections mean."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time

import pytest
import requests
import urllib3

from connectors.kit.blocking import Threads, lost_connection
from connectors.kit.errors import OutcomeUnknown, Transient


async def test_calls_leave_the_loop_free_and_keep_to_their_limit() -> None:
    threads = Threads("test", 2)
    running, most = [], []

    def call() -> str:
        running.append(1)
        most.append(len(running))
        time.sleep(0.05)
        running.pop()
        return threading.current_thread().name

    names = await asyncio.gather(*(threads.run(call) for _ in range(6)))
    assert max(most) == 2
    assert all(name.startswith("test") for name in names)
    threads.close()


async def test_what_a_call_raises_is_raised() -> None:
    threads = Threads("test", 1)
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 1, 0)
    threads.close()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def requests_error(url: str) -> Exception:
    with pytest.raises(requests.RequestException) as caught:
        requests.post(url, timeout=0.2)
    return caught.value


def urllib3_error(url: str) -> Exception:
    with pytest.raises(urllib3.exceptions.HTTPError) as caught:
        urllib3.PoolManager(retries=False).request("POST", url, timeout=0.2)
    return caught.value


@pytest.mark.parametrize("error_of", [requests_error, urllib3_error])
def test_a_refused_connection_did_nothing(error_of: object) -> None:
    error = error_of(f"http://127.0.0.1:{closed_port()}/")  # type: ignore[operator]
    assert isinstance(lost_connection(error, writes=True), Transient)


@pytest.mark.parametrize("error_of", [requests_error, urllib3_error])
def test_a_server_that_takes_the_request_and_says_nothing_leaves_a_write_unknown(
    error_of: object,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = error_of(f"http://127.0.0.1:{listener.getsockname()[1]}/")  # type: ignore[operator]
    assert isinstance(lost_connection(error, writes=True), OutcomeUnknown)
    assert isinstance(lost_connection(error, writes=False), Transient)


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        pytest.param(ssl.SSLCertVerificationError("expired"), Transient, id="bad certificate"),
        pytest.param(ssl.SSLEOFError("eof"), OutcomeUnknown, id="a stream that broke"),
    ],
)
def test_of_tls_troubles_only_a_bad_certificate_proves_that_nothing_was_sent(
    cause: Exception, kind: type
) -> None:
    error = requests.exceptions.SSLError(urllib3.exceptions.SSLError(cause))
    assert type(lost_connection(error, writes=True)) is kind
