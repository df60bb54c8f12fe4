"""From a request to events: handshake, proof, content. Whatever stands in a body, it ends here.

Nothing is kept of a request that is not proven. A proven one that cannot be read is kept for
inspection, even where the reason is a mistake in our own parser.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pydantic import ValidationError

from connectors.kit.payload import clean
from connectors.kit.redact import without_people
from connectors.kit.webhook import BadSignature, InboundRequest, Reply, Unreadable
from gateway.answers import Refused
from gateway.connections import Hook
from gateway.stack import place_of, stack_of
from gateway.work import Word, Work
from loyalty.store.inbox import Incoming

logger = logging.getLogger("hub.gateway")

RAW_COPIES_BYTES = 1024 * 1024
"""Events of one request keep its bytes each, unless that would multiply them beyond this."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A genuine webhook of a kind that the connector has no use for."""

    topic: str


Understood = list[Incoming] | Ignored | Work
"""Events; or nothing of use; or events together with a word to be kept."""


def greet(hook: Hook, request: InboundRequest) -> Reply | None:
    """The answer to a vendor's set-up request; None where it is none.

    A set-up request comes unsigned, so a body that the handshake cannot read is no reason to
    refuse or to keep anything: the signature decides what happens to it.
    """
    handshake = hook.webhook.handshake
    if handshake is None:
        return None
    try:
        return handshake(request, hook.account)
    except BadSignature as error:
        raise _unproven(hook, error) from None
    except Unreadable:
        return None
    except Exception as error:  # noqa: BLE001 - a mistake here must not lose signed events
        logger.error("%s: its handshake failed: %s", hook.source.store, stack_of(error))
        return None


def prove(hook: Hook, request: InboundRequest) -> None:
    """Refuses (401) a request that does not prove where it comes from."""
    try:
        hook.webhook.verify(request, hook.account)
    except BadSignature as error:
        raise _unproven(hook, error) from None
    except Exception as error:  # noqa: BLE001 - fails closed, whatever the reason
        logger.error("%s: its signature check failed: %s", hook.source.store, stack_of(error))
        reason = BadSignature("the signature could not be checked")
        raise _unproven(hook, reason) from None


def _unproven(hook: Hook, error: BadSignature) -> Refused:
    return Refused(
        401,
        "bad_signature",
        str(error),
        f"Compare the webhook secret of {hook.source.store} with the vendor's; "
        "`hub verify-webhook` explains a captured request.",
    )


def understand(hook: Hook, request: InboundRequest) -> Understood:
    """The events of a proven request.

    Raises:
        Unreadable: The text names the field or place, and repeats no personal data.
    """
    try:
        return _understand(hook, request)
    except Unreadable as error:
        raise Unreadable(_presentable(str(error))) from None
    except ValidationError as error:
        raise Unreadable(_presentable(in_words(error))) from None
    except Exception as error:  # noqa: BLE001 - a mistake of ours must not lose the request
        logger.error("%s: its parser failed: %s", hook.source.store, stack_of(error))
        raise Unreadable(
            f"the {hook.source.connector} connector could not read it ({place_of(error)})"
        ) from None


def _understand(hook: Hook, request: InboundRequest) -> Understood:
    payload = hook.webhook.read(request.body, hook.account)
    topic = hook.webhook.topic(request, payload)
    trigger = hook.webhook.triggers.get(topic)
    if trigger is None:
        return Ignored(topic)
    events = trigger.parse(payload, request, hook.source)
    delivery_id = _delivery_id(hook, request, payload)
    copies = len(events) if len(events) * len(request.body) <= RAW_COPIES_BYTES else 1
    incoming = [
        Incoming(
            event=event,
            received_at=request.received_at,
            raw=request.body if place < copies else None,
            delivery_id=delivery_id,
        )
        for place, event in enumerate(events)
    ]
    notice = trigger.notice(payload, request) if trigger.notice else None
    if not trigger.rings and notice is None:
        return incoming
    source = hook.source
    word = Word(source.connector, source.connection, request.received_at, trigger.rings, notice)
    return Work(incoming=incoming, word=word)


def _delivery_id(hook: Hook, request: InboundRequest, payload: object) -> str | None:
    try:
        found = hook.webhook.delivery_id(request, payload)
    except Exception as error:  # noqa: BLE001 - it only helps support; the event must not be lost
        logger.error("%s: its delivery id failed: %s", hook.source.store, stack_of(error))
        return None
    return clean(str(found))[:200] if found else None


def in_words(error: ValidationError) -> str:
    """The first fields that are wrong, and why, without what stands in them."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    texts = [
        f"{'.'.join(str(part)[:60] for part in one['loc']) or 'event'}: {one['msg']}"
        for one in found[:3]
    ]
    rest = len(found) - len(texts)
    return "; ".join(texts) + (f"; and {rest} more" if rest else "")


def _presentable(text: str) -> str:
    return clean(without_people(text))[:500]
