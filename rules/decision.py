"""What deciding an event yields: awards with their reasons, and effects for the planner."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field

from loyalty.events import Frozen


class ClauseTrace(Frozen):
    """One clause of a rule and how it came out.

    `values` are the names in it with what they were; `error` says why it could not be judged.
    `is_judged` is False where it relies on an earlier clause that did not hold.
    """

    text: str
    held: bool
    values: dict[str, str] = Field(default_factory=dict)
    error: str = ""
    is_judged: bool = True


class RuleTrace(Frozen):
    """One rule and why it fired or not; `why` is a sentence for people."""

    rule: str
    fired: bool
    why: str
    clauses: tuple[ClauseTrace, ...] = ()


class Award(Frozen):
    """Points that a rule grants: `wanted` before rounding, `points` after factor and rounding."""

    rule: str
    points: int
    wanted: Decimal
    arithmetic: str = Field("", description="In words: floor(79.90) = 79.")


class EffectKind(StrEnum):
    """What the planner is asked to do besides booking points."""

    SEND_MESSAGE = "send_message"
    UPSERT_CONTACT = "upsert_contact"
    ADD_TO_AUDIENCE = "add_to_audience"
    TRACK_EVENT = "track_event"
    POST_TO_CHAT = "post_to_chat"
    APPEND_ROW = "append_row"
    CALL_WEBHOOK = "call_webhook"


class Effect(Frozen):
    """Something to be done because a rule fired, with its expressions evaluated.

    Attributes:
        index: The action's place in the rule, part of the idempotency key: `then` first, and
            `otherwise` goes on counting.
        channel: For messages: email or sms.
        template: For messages and chat: the name of the text.
        connection: A fixed connection (`webhook/crm`); empty for the programme's route.
        name: For events and webhook calls: the event's name.
        values: Evaluated named values, plain and JSON-ready but for Decimal and datetime.
        row: For sheets: the evaluated cells.
    """

    rule: str
    index: int
    kind: EffectKind
    channel: str = ""
    template: str = ""
    connection: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    values: dict[str, Any] = Field(default_factory=dict)
    row: tuple[Any, ...] = ()


class Decision(Frozen):
    """The verdict on one event under one version of the rules."""

    version: str = Field(description="Content hash of the rule set.")
    awards: tuple[Award, ...] = ()
    fired: tuple[str, ...] = ()
    traces: tuple[RuleTrace, ...] = ()
    otherwise: tuple[str, ...] = Field(
        (), description="Rules whose conditions did not hold and whose `otherwise` is done."
    )
    errors: tuple[str, ...] = Field((), description="Rules that failed at run time, and why.")

    @property
    def points(self) -> int:
        """All points awarded by the event."""
        return sum(award.points for award in self.awards)
