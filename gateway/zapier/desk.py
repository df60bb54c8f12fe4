"""`/zapier/…`: what a private Zapier app calls, from the first byte to the answer.

Zapier's side: https://docs.zapier.com/platform/build/hook-trigger. The order is fixed: an
address that exists, a key that is known, a body within bounds, content, store, answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import perf_counter
from urllib.parse import unquote

from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from gateway.answers import Answer, HungUp, Refused, later, send_answer, send_early
from gateway.commit import GroupCommit
from gateway.connections import ConnectionTable
from gateway.hooks import Observer
from gateway.reading import BodyReader, headers_of
from gateway.receiving import in_words
from gateway.work import Crowded, Unstorable
from gateway.zapier.asked import Asked, Handler
from gateway.zapier.handlers import Handlers
from gateway.zapier.keys import Keys
from loyalty.store.database import Database, StoreAway
from loyalty.store.vault import Vault

PREFIX = "/zapier/"
BODY_LIMIT = 64 * 1024


class ZapierDesk:
    """Serves the addresses below `/zapier/`."""

    def __init__(
        self,
        *,
        database: Database,
        table: ConnectionTable,
        vault: Vault,
        commit: GroupCommit,
        observer: Observer,
        clock: Callable[[], datetime],
    ) -> None:
        self._keys = Keys(table, vault)
        self._observer = observer
        self._clock = clock
        self._reader = BodyReader(limit=BODY_LIMIT)
        handlers = Handlers(database, commit)
        self._ways: dict[str, dict[str, Handler]] = {
            "me": {"GET": handlers.me},
            "events": {"GET": handlers.events},
            "hooks": {"POST": handlers.subscribe},
            "hooks/": {"DELETE": handlers.unsubscribe},
            "samples/": {"GET": handlers.samples},
            "actions/": {"POST": handlers.act},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; `scope` is of a path below `/zapier/`."""
        started = perf_counter()
        slug, is_read = "", False
        try:
            way, name = self._way(scope)
            headers = headers_of(scope)
            caller = await self._keys.caller(headers)
            slug = caller.slug
            self._reader.check_head(headers)
            body = await self._reader.read(receive)
            is_read = True
            query = scope["query_string"].decode("latin-1")
            answer = await _done(way, Asked(caller, name, query, headers, body, self._clock()))
        except HungUp:
            self._note(slug, "hung_up", started)
            return
        except Refused as refused:
            answer = refused.answer
        self._note(slug, answer.outcome, started)
        if is_read:
            await send_answer(answer, send)
        else:
            await send_early(answer, receive, send)

    def _way(self, scope: Scope) -> tuple[Handler, str]:
        """Who handles the request, and the name that stands at the end of its path."""
        head, slash, name = scope["path"].removeprefix(PREFIX).partition("/")
        methods = self._ways.get(head + slash) if not slash or name else None
        if methods is None:
            raise Refused(
                404,
                "unknown_address",
                "there is nothing at this address",
                "The addresses are me, events, hooks, samples/{event} and actions/{name}; "
                "/docs describes them.",
            )
        handler = methods.get(scope["method"])
        if handler is None:
            allowed = ", ".join(methods)
            raise Refused(
                405,
                "unsupported",
                f"this address does not take {scope['method'][:20]}",
                f"Use {allowed}.",
                headers=(("allow", allowed),),
            )
        return handler, unquote(name)

    def _note(self, slug: str, outcome: str, started: float) -> None:
        self._observer.answered(slug, outcome, perf_counter() - started)


async def _done(way: Handler, asked: Asked) -> Answer:
    """The handler's answer; what the store or the content stands in the way of, in words."""
    try:
        return await way(asked)
    except ValidationError as error:
        raise Refused(
            422, "unreadable", in_words(error), "Correct these fields and send it again."
        ) from None
    except Unstorable as error:
        raise Refused(422, "unreadable", str(error), "Correct it and send it again.") from None
    except Crowded:
        raise later(
            "busy", "too many requests wait already", "Send the request again.", seconds=3
        ) from None
    except StoreAway:
        raise later(
            "away",
            "the database is away; nothing was stored",
            "Send the request again.",
            seconds=2,
        ) from None
