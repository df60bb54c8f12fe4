"""Runs the vendors' blocking SDKs beside the event loop, and reads their lost connections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from connectors.kit.errors import ConnectorError, OutcomeUnknown, Transient
from connectors.kit.toll import pay

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0


class Threads:
    """A few threads of one client: an SDK's calls never hold up the loop nor other vendors.

    Args:
        name: Of the threads, so that a stack dump says whose they are.
        limit: How many calls may be under way at once.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=limit, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The call's result; whatever it raises is raised here."""
        await pay()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(call, *args, **kwargs))

    def close(self) -> None:
        """Takes no more calls; those under way end by their own time-out."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def lost_connection(error: BaseException, *, writes: bool) -> ConnectorError:
    """The error of the tree for a call of `requests` or `urllib3` that got no answer.

    Both hide the cause inside one another. Only a failure to connect, or a certificate that
    is refused, proves that nothing was sent; after anything else, a broken TLS stream among
    it, the outcome of a write is unknown.
    """
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    never_sent = (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError)
    for cause in _causes(error):
        if isinstance(cause, never_sent):
            return Transient(f"the vendor could not be reached ({type(cause).__name__})")
    name = type(error).__name__
    if writes:
        return OutcomeUnknown(
            f"the request left, but no answer came ({name}): it may or may not have been done"
        )
    return Transient(f"no answer came ({name})")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, in `reason` (urllib3) or as its argument (requests)."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting.extend([*one.args, getattr(one, "reason", None)])
