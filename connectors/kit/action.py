"""Actions out: what a connector can do at its vendor, and what is promised about doing it twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from connectors.kit.errors import ConnectorError


class ActionClass(StrEnum):
    """What an action may change."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


class Idempotency(StrEnum):
    """What makes a second call with the same intent harmless, if anything does."""

    NATIVE_KEY = "native_key"
    """The vendor takes our key and does the work once: resend after an unknown outcome."""

    UPSERT = "upsert"
    """Writing the same thing again changes nothing: resend after an unknown outcome."""

    SEARCH_FIRST = "search_first"
    """We can look whether it happened (`find`) before we send again."""

    NONE = "none"
    """Nobody can tell: after an unknown outcome a human decides."""

    @property
    def may_resend(self) -> bool:
        """Whether a resend after an unknown outcome is harmless."""
        return self in (Idempotency.NATIVE_KEY, Idempotency.UPSERT)


class Capability(StrEnum):
    """What a rule asks for; which connection serves it is the programme's configuration."""

    SMS = "sms"
    EMAIL = "email"
    CRM = "crm"
    AUDIENCE = "audience"
    TRACK = "track"
    CHAT = "chat"
    SHEET = "sheet"
    WEBHOOK = "webhook"
    COUPON = "coupon"
    COUPON_END = "coupon_end"
    GIFT_CARD = "gift_card"
    GIFT_CARD_END = "gift_card_end"
    STORE_CREDIT = "store_credit"
    STORE_CREDIT_END = "store_credit_end"
    POINTS = "points"
    CUSTOMER = "customer"
    TICKET = "ticket"
    PUSH = "push"
    ROW = "row"
    JOURNEY = "journey"
    SUBSCRIBE = "subscribe"
    LIST = "list"
    RECEIPT = "receipt"


class Payload(BaseModel):
    """Base of every action's input and output: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sent(Payload):
    """What an action returns at the least: the vendor's id of what was made, where it has one."""

    vendor_id: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One delivery as the action sees it. `key` is stored before the call and never changes."""

    key: str
    input: Any


Outcome = Sent | ConnectorError
"""How one job of a batch ended: the output, or the error that applies to it alone."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a connector can do.

    Attributes:
        name: `send_sms`; verbs, as in the vendor's words where they are clear.
        run: Does one job with the connector's client; raises a ConnectorError.
        run_batch: Does up to `batch_size` jobs in one call where the vendor can, and answers
            one outcome per job, in order. An error raised by it applies to every job.
        find: For SEARCH_FIRST: the output if this job already happened, else None.
        gated: Whether it reaches a person, so that the message gate must have agreed.
    """

    name: str
    title: str
    input: type[BaseModel]
    output: type[Sent]
    idempotency: Idempotency
    run: Callable[[Any, Job], Awaitable[Sent]]
    action_class: ActionClass = ActionClass.WRITE
    capability: Capability | None = None
    run_batch: Callable[[Any, Sequence[Job]], Awaitable[Sequence[Outcome]]] | None = None
    batch_size: int = 1
    find: Callable[[Any, Job], Awaitable[Sent | None]] | None = None
    gated: bool = False
    sample: str = ""
    scopes: tuple[str, ...] = ()
