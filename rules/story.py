"""Tells the story of a sale or another event: why it earned what it earned, and what came later.

From what was stored with the event: its verdicts, the facts of the member, and the rules and
programme in the versions of then. So it is true for good, whatever was published since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from pydantic import ValidationError

from loyalty.eligibility import rate
from loyalty.events import EventType, Order, Refund
from loyalty.programme import Programme
from loyalty.sales import Sale
from loyalty.story import PastEntry, PastEvent, Story
from rules.decision import Verdict
from rules.explain import why
from rules.past import Past
from rules.told import Explanation, LaterTold, LineTold, RuleTold


def tell(story: Story) -> Explanation:
    """Explains an event. Never fails over old data: what cannot be told is in `doubts`."""
    event = story.event
    outcome = event.outcome or {}
    facts = outcome.get("facts") or {}
    doubts: list[str] = []
    past = Past.of(story, doubts)
    rules = tuple(_rules(story, past, doubts))
    lines = tuple(_lines(past))
    later = tuple(_later(story, past))
    booked = sum(one.points for one in story.entries if one.event_id == event.id)
    told = Explanation(
        event=f"{event.store}:{event.type}:{event.key}",
        kind=event.type,
        order=story.sale.order_id if story.sale else "",
        store=event.store,
        member=event.member_id,
        occurred_at=event.occurred_at,
        state=event.state,
        reason=event.reason,
        rules=str(outcome.get("version", "")),
        programme=str(outcome.get("programme", "")),
        tier=str(facts.get("tier", "")),
        factor=str(facts.get("tier_factor", "1")),
        points=booked,
        rule_stories=rules,
        lines=lines,
        left_out=tuple(_charges(past)),
        later=later,
        points_now=_now(story),
        doubts=tuple(doubts),
    )
    return told.model_copy(update={"says": tuple(_says(told, story, past))})


# --- its rules and lines ------------------------------------------------------------------------


def _rules(story: Story, past: Past, doubts: list[str]) -> Iterator[RuleTold]:
    outcome = story.event.outcome or {}
    stored = [Verdict.model_validate(one) for one in outcome.get("verdicts", ())]
    traces = {one.rule: one for one in past.decision.traces} if past.decision else {}
    again = {one.rule: one.verdict for one in past.decision.verdicts} if past.decision else {}
    documents = {one.id: one for one in past.rules.rules} if past.rules else {}
    bitten = {one["rule"]: one for one in outcome.get("limits", ())}
    booked = {
        rule: (points, told)
        for (rule, points, told), kind in zip(
            outcome.get("entries", ()), outcome.get("kinds", ()), strict=False
        )
        if kind in ("earn", "adjust")
    }
    for verdict in stored:
        document, trace = documents.get(verdict.rule), traces.get(verdict.rule)
        if trace is not None and again.get(verdict.rule) != verdict.verdict:
            doubts.append(f"{verdict.rule}: this program would decide otherwise; told as stored")
            trace = None
        points, arithmetic = booked.get(verdict.rule, (0, ""))
        told = trace.why if trace else why(verdict, document) if document else verdict.verdict
        yield RuleTold(
            rule=verdict.rule,
            description=document.description if document else "",
            verdict=verdict.verdict,
            fired=verdict.verdict == "fired",
            why=told,
            points=points,
            arithmetic=arithmetic or (trace.arithmetic if trace else ""),
            clauses=trace.clauses if trace else (),
            lines=trace.lines if trace else (),
            capped=bitten.get(verdict.rule),
        )


def _lines(past: Past) -> Iterator[LineTold]:
    rated = past.rated
    if rated is None or not isinstance(rated, Order):
        return
    excluded = {one.line: one.rule for one in past.decision.left_out} if past.decision else {}
    for line in rated.lines:
        counts = getattr(line, "eligible", line.net)
        told = ""
        if line.id in excluded:
            told = f"the rule `{excluded[line.id]}` leaves it out"
        elif line.is_gift_card and not counts:
            told = "a gift card that is bought earns nothing: what it pays for later does"
        elif counts < line.net and rated.currency == (past.programme or Programme()).currency:
            told = "less its share of the order's discount or of what vouchers paid"
        yield LineTold(
            line=line.id, title=line.title or line.sku, net=line.net, counts=counts, why=told
        )


def _charges(past: Past) -> Iterator[str]:
    """What of the bill is no line and does not count."""
    rated, programme = past.rated, past.programme
    if not isinstance(rated, Order) or programme is None:
        return
    for name in ("tax", "shipping", "tip"):
        amount = getattr(rated, name)
        if amount and not getattr(programme.eligible, name):
            yield f"{name} of {amount} does not count for points"
    for tender in rated.tenders:
        if tender.kind in programme.eligible.subtract_tenders:
            paid = tender.kind.replace("_", " ")
            yield f"{tender.amount} paid by {paid} does not count for points"


# --- what became of it -------------------------------------------------------------------------


def _later(story: Story, past: Past) -> Iterator[LaterTold]:
    """Refunds, edits and cancellations with the rest they left; and what expired."""
    if story.sale is None:
        return
    stands = sum(one.points for one in story.entries if one.event_id == story.event.id)
    rest = _Rest(story.sale, past)
    steps: list[tuple[datetime, LaterTold]] = []
    for event in story.later:
        entries = [one for one in story.entries if one.event_id == event.id]
        points = sum(one.points for one in entries)
        what = rest.after(event)
        before, stands = stands, stands + points
        says = f"{what} {_arithmetic(before, points, stands, entries)}"
        if event.outcome and event.outcome.get("owed"):
            says += f" {event.outcome['owed']} of them were spent already and are owed now."
        key = f"{event.store}:{event.type}:{event.key}"
        steps.append((event.done_at or event.occurred_at, LaterTold(
            at=event.occurred_at, what=event.type, key=key, points=points, stands=stands, says=says,
        )))  # fmt: skip
    for entry in story.entries:
        if entry.event_id is None and entry.kind == "expire":
            says = f"{-entry.points} points of it expired."
            steps.append((entry.posted_at, LaterTold(
                at=entry.occurred_at, what="expire", points=entry.points, stands=0, says=says,
            )))  # fmt: skip
    for _, step in sorted(steps, key=lambda one: one[0]):
        yield step


class _Rest:
    """The sale as it was after each of its changes."""

    def __init__(self, sale: Sale, past: Past) -> None:
        data = past.event.data if past.event is not None else sale.data
        self.sale = replace(sale, data=data, refunds=[], reversed_refunds=set(), is_cancelled=False)
        self.programme = past.programme

    def after(self, event: PastEvent) -> str:
        """Applies a change, and says what it was and what it left."""
        try:
            told = self._apply(event)
        except (ValidationError, KeyError, ValueError):
            return f"{event.type} {event.key}."
        return f"{told} {self._left()}"

    def _apply(self, event: PastEvent) -> str:
        match event.type:
            case EventType.ORDER_REFUNDED:
                refund = Refund.model_validate(event.data)
                self.sale.refunds.append(refund)
                amount = f"of {refund.amount} {refund.currency}" if refund.amount else ""
                whole = "of all that was left" if refund.full else amount
                pieces = ", ".join(f"{one.quantity} × {one.line_id}" for one in refund.lines)
                return f"Refund {refund.id} {whole or f'of {pieces}'}.".replace("  ", " ")
            case EventType.REFUND_REVERSED:
                self.sale.reversed_refunds.add(str(event.data["refund_id"]))
                return f"Refund {event.data['refund_id']} was taken back and counts no more."
            case EventType.ORDER_CANCELLED:
                self.sale.is_cancelled = True
                return "The order was cancelled."
            case _:
                self.sale.data = Order.model_validate(event.data)
                return "The order was changed."

    def _left(self) -> str:
        rest = self.sale.remaining()
        if rest is None:
            return "Nothing is left of it."
        if self.programme is None:
            return ""
        left = rate(rest, self.programme, self.sale.fx_rate).eligible
        return f"{left} {self.programme.currency} of it still counts."


def _arithmetic(before: int, points: int, stands: int, entries: Sequence[PastEntry]) -> str:
    let_off = sum(one.points for one in entries if one.kind == "write_off")
    told = "That changed no points."
    if points < 0:
        told = f"That is worth {stands} points, and {before} stood: {-points} were taken back."
    elif points > 0:
        told = f"That is worth {stands} points, and {before} stood: {points} were added."
    if let_off:
        told += f" {let_off} more were spent already, and were let off."
    return told


def _now(story: Story) -> int | None:
    """Points of the sale that stand today; None for what is no sale."""
    if story.sale is None:
        return None
    kinds = ("earn", "reverse", "restore", "write_off")
    return sum(one.points for one in story.entries if one.kind in kinds)


# --- in words ----------------------------------------------------------------------------------


def _says(told: Explanation, story: Story, past: Past) -> Iterator[str]:
    yield _opening(told, story)
    if told.state != "done" or not told.rules:
        return
    counted = getattr(past.rated, "eligible", None)
    if counted is not None and past.programme is not None:
        factor = f", times {told.factor} in the tier {told.tier}" if told.factor != "1" else ""
        yield f"{counted} {past.programme.currency} of it counted for points{factor}."
    for line in told.lines:
        if line.why:
            name = line.title or line.line
            yield f"Line {name}: {line.counts} of {line.net} counted, {line.why}."
    yield from (f"Left out: {one}." for one in told.left_out)
    for rule in told.rule_stories:
        if rule.fired:
            yield _fired(rule)
    for rule in told.rule_stories:
        if not rule.fired:
            yield f"{rule.rule}: {rule.why}"
    yield from (f"{one.at:%Y-%m-%d}: {one.says}" for one in told.later)
    if told.points_now is not None and told.later:
        yield f"Today {told.points_now} points of it stand."
    lots = story.lots
    if lots.points:
        pending = f", {lots.pending} of them not to be spent yet" if lots.pending else ""
        held = f", {lots.held} held at a checkout" if lots.held else ""
        yield f"{lots.remaining} of its points are unspent{pending}{held}."


def _opening(told: Explanation, story: Story) -> str:
    what = f"Order {told.order}" if told.order else f"Event {told.event}"
    when = f"{told.occurred_at:%Y-%m-%d %H:%M} UTC"
    if told.state != "done":
        return f"{what} of {when} is {told.state}: {told.reason}."
    if not told.rules:
        return f"{what} of {when}: {told.reason or 'no rule was asked'}."
    by = story.published.get("author")
    since = f", put in force by {by}" if by else ""
    return f"{what} of {when} earned {told.points} points under the rules {told.rules}{since}."


def _fired(rule: RuleTold) -> str:
    told = f"{rule.rule}: {rule.why}"
    if rule.points:
        told += (
            f" {rule.points:+d} points: {rule.arithmetic}."
            if rule.arithmetic
            else (f" {rule.points:+d} points.")
        )
    if rule.capped:
        cap = rule.capped
        told += (
            f" {cap['wanted']} were wanted; {cap['capped_by']} had room for {cap['granted']} only."
        )
    return told
