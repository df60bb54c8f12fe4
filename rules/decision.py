"""What deciding an event yields: awards with their reasons, and effects for the planner.

Points of a decision are whole numbers of the programme's smallest unit (`unit_scale`); `wanted`
and the numbers of arithmetic are points as people count them.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from loyalty.catalogue import RewardKind as RewardKind
from loyalty.events import Frozen
from loyalty.policies import Period

LimitKind = Literal["points", "times"]
Counted = Literal["member", "rule", "programme"]

VerdictName = Literal[
    "fired", "not held", "failed", "not in force", "not in audience", "held out", "lost", "cut off"
]
"""How a rule came out for one event."""


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


class LineTrace(Frozen):
    """A line of the order that a rule's points left out, or took times something, and why."""

    line: str
    eligible: Decimal
    told: str


class RuleTrace(Frozen):
    """One rule and why it fired or not; `why` and `arithmetic` are sentences for people."""

    rule: str
    fired: bool
    why: str
    clauses: tuple[ClauseTrace, ...] = ()
    arithmetic: str = ""
    lines: tuple[LineTrace, ...] = ()


class Verdict(Frozen):
    """How a rule came out, small enough to be kept for every event.

    Attributes:
        at: What decided, as a place in the document: `when[1]`, `audience.tiers`, `hours`.
        by: The rule that won the group, was better, or ended the round.
        values: The names in the deciding clause with what they were.
        error: Why it failed.
    """

    rule: str
    verdict: VerdictName
    at: str = ""
    by: str = ""
    values: dict[str, str] = Field(default_factory=dict)
    error: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON, without what is empty."""
        told = {"at": self.at, "by": self.by, "values": self.values, "error": self.error}
        kept = {name: value for name, value in told.items() if value}
        return {"rule": self.rule, "verdict": self.verdict, **kept}


class AppliedLimit(Frozen):
    """A limit that the booking has to hold an award against, with its settings resolved.

    Attributes:
        key: Names the counter: `{rule}:{kind}:{per}:{every}`; for `per: programme` the same
            for every rule. The amount is no part of it.
        amount: So many points in the smallest unit, or so many times.
        zone: The IANA zone in which the period turns.
        on_short: What happens to an award of more points than are left.
    """

    key: str
    kind: LimitKind
    amount: int
    per: Counted = "member"
    every: Period = "ever"
    zone: str = "UTC"
    on_short: Literal["partial", "skip"] = "partial"


class Award(Frozen):
    """Points that a rule grants; at most one award of each rule in a decision.

    Attributes:
        points: In the smallest unit, rounded, before caps and limits. Below zero only for
            `deduct`.
        wanted: Points as people count them, with all factors, before rounding.
        flat: Neither multiplied nor part of the rounding of earnings.
        arithmetic: In words: 25.00 of goods × 1 point × 2 (weekend) = 50.
        multiplied_by: The rules whose factors are in it.
    """

    rule: str
    points: int
    wanted: Decimal
    flat: bool = False
    arithmetic: str = ""
    limits: tuple[AppliedLimit, ...] = ()
    multiplied_by: tuple[str, ...] = ()


class RuleUse(Frozen):
    """A rule that fired, awards no points, and may do so only so many times."""

    rule: str
    limits: tuple[AppliedLimit, ...]


class TierMove(Frozen):
    """A rule puts the member into a tier."""

    rule: str
    tier: str


class LeftOut(Frozen):
    """A line that earned nothing because a rule excluded it."""

    line: str
    rule: str


class EffectKind(StrEnum):
    """What the planner is asked to do besides booking points."""

    SEND_MESSAGE = "send_message"
    UPSERT_CONTACT = "upsert_contact"
    ADD_TO_AUDIENCE = "add_to_audience"
    TRACK_EVENT = "track_event"
    POST_TO_CHAT = "post_to_chat"
    APPEND_ROW = "append_row"
    UPDATE_ROW = "update_row"
    CALL_WEBHOOK = "call_webhook"
    ISSUE_REWARD = "issue_reward"
    JOIN_CAMPAIGN = "join_campaign"
    CREATE_TICKET = "create_ticket"
    UPDATE_CUSTOMER = "update_customer"
    EMIT_EVENT = "emit_event"


class RewardOffer(Frozen):
    """A reward to be issued.

    Attributes:
        value: An amount in the programme's currency, or a percentage with `is_percent`; None
            where the kind has none.
        code_prefix: Codes begin with it.
        valid_days: How long it can be used; None without end.
    """

    kind: RewardKind
    value: Decimal | None = None
    is_percent: bool = False
    product: str = ""
    code_prefix: str = ""
    valid_days: int | None = None


class Effect(Frozen):
    """Something to be done because a rule fired, with its expressions evaluated.

    Attributes:
        index: The action's place in the rule, part of the idempotency key: `then` first, and
            `otherwise` goes on counting.
        channel: For messages: email, sms, or auto.
        purpose: For messages: marketing or transactional.
        topic: For messages: of the preference centre.
        valid_minutes: For messages: so long after the event they are of use; None for ever.
        priority: For messages: who wins where frequency caps are short.
        template: For messages, chat and tickets: the name of the text.
        connection: A fixed connection (`webhook/crm`); empty for the programme's route.
        name: For events, webhook calls, campaigns, rewards and tickets: what it is called.
        values: Evaluated named values, plain and JSON-ready but for Decimal and datetime.
        row: For appended rows: the evaluated cells.
        key_column: For updated rows: the column that `key` is looked up in.
        key: For updated rows: the value that names the row.
        reward: For rewards: what is issued.
    """

    rule: str
    index: int
    kind: EffectKind
    channel: str = ""
    purpose: str = "marketing"
    topic: str = ""
    valid_minutes: int | None = None
    priority: int = 0
    template: str = ""
    connection: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    values: dict[str, Any] = Field(default_factory=dict)
    row: tuple[Any, ...] = ()
    key_column: str = ""
    key: Any = None
    reward: RewardOffer | None = None


class Decision(Frozen):
    """The verdict on one event under one version of the rules.

    Attributes:
        uses: Rules without points whose times are counted; booked like an award of nothing.
        set_tier: The tier that a rule sets, of the first rule that sets one.
        verdicts: One for every rule that listens to the event, in the order of the rules.
        left_out: Lines that were excluded from earning.

    Without `explain` and `remember` there are no traces, verdicts, arithmetic, or left-out lines.
    """

    version: str = Field(description="Content hash of the rule set.")
    awards: tuple[Award, ...] = ()
    fired: tuple[str, ...] = ()
    traces: tuple[RuleTrace, ...] = ()
    otherwise: tuple[str, ...] = Field(
        (), description="Rules whose conditions did not hold and whose `otherwise` is done."
    )
    errors: tuple[str, ...] = Field((), description="Rules that failed at run time, and why.")
    uses: tuple[RuleUse, ...] = ()
    set_tier: TierMove | None = None
    verdicts: tuple[Verdict, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def points(self) -> int:
        """All points of the event, in the smallest unit, deductions subtracted."""
        return sum(award.points for award in self.awards)

    @property
    def limits(self) -> Iterable[AppliedLimit]:
        """Every limit whose counter the booking has to lock."""
        for award in self.awards:
            yield from award.limits
        for use in self.uses:
            yield from use.limits
