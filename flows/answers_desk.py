"""Books what comes back: bounces, complaints, people who leave, and texts that people write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flows.announcing import Announcement
from flows.closings import done, refused
from flows.consent_clerk import ConsentClerk
from flows.consent_papers import START, review_of
from flows.introductions import address_in
from loyalty.events import Channel, ConsentState, EventType, InboundMessage, MessageReport
from loyalty.gate import EVERYTHING, About, Intent, Reason, classify
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.opt_ins import Review, Suppression

GRANTED, WITHDRAWN = ConsentState.GRANTED, ConsentState.WITHDRAWN

_STOPS_CHANNEL = (Channel.SMS,)
"""Channels on which a vendor's report of leaving is a STOP from the handset."""

HELP_IS_GOOD_FOR = timedelta(hours=24)
"""An answer that was held for longer answers nothing any more."""

_SUPPRESSES = {
    EventType.MESSAGE_BOUNCED: Reason.HARD_BOUNCE,
    EventType.MESSAGE_COMPLAINED: Reason.COMPLAINT,
}


class AnswersDesk(ConsentClerk):
    """What vendors report of addresses and what people write back decides who is written to."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.MESSAGE_BOUNCED: self._bounced,
            EventType.MESSAGE_COMPLAINED: self._bounced,
            EventType.MESSAGE_UNSUBSCRIBED: self._left,
            EventType.SMS_RECEIVED: self._heard,
            EventType.REVIEW_DECIDED: self._decided,
        }

    # --- what vendors report

    def _bounced(self, item: Claimed) -> Closing:
        report: MessageReport = item.event.data
        if item.event.type is EventType.MESSAGE_BOUNCED and not report.permanent:
            return done(item, self.work.member(item), "a temporary bounce: noted")
        address = address_in(item.event)
        reason = _SUPPRESSES[item.event.type]
        self.work.consent_papers.suppressed.append(
            Suppression(report.channel.value, address, reason.value, item.event.time,
                        item.event.store, report.detail)
        )  # fmt: skip
        self.work.known.stopped.setdefault((report.channel.value, address), reason)
        if reason is Reason.COMPLAINT:
            self._note(item, About(report.channel.value, address), WITHDRAWN)
        return self._booked(item)

    def _left(self, item: Claimed) -> Closing:
        report: MessageReport = item.event.data
        address = address_in(item.event)
        if report.channel in _STOPS_CHANNEL:
            self._stop(item, report.channel.value, address)
        else:
            self._note(item, About(report.channel.value, address), WITHDRAWN)
        return self._booked(item)

    # --- what people text

    def _heard(self, item: Claimed) -> Closing:
        message: InboundMessage = item.event.data
        address = address_in(item.event)
        match classify(message.body):
            case Intent.STOP:
                self._stop(item, message.channel.value, address)
            case Intent.START:
                self._note(item, About(message.channel.value, address, EVERYTHING), GRANTED)
                self._note(item, About(message.channel.value, address), GRANTED)
                self.work.released.append(f"{START}{message.channel.value}:{address}")
            case Intent.HELP:
                self._help(item, message, address)
            case Intent.REVIEW_STOP:
                self._review(item, message, address)
        return self._booked(item)

    def _help(self, item: Claimed, message: InboundMessage, address: str) -> None:
        """Answers once, also whoever stopped the channel: carriers require it of both (CTIA)."""
        self._announce(
            Announcement(
                key=f"sms_help:{item.event.business_key}",
                template="sms_help",
                channel=message.channel.value,
                purpose="transactional",
                member=self.work.member(item),
                address=address,
                valid_until=item.event.time + HELP_IS_GOOD_FOR,
                event_id=item.id,
            )
        )

    def _review(self, item: Claimed, message: InboundMessage, address: str) -> None:
        """Nothing goes to this address until somebody has read what the person wrote."""
        about = (message.channel.value, address)
        if self.work.known.stopped.get(about) is Reason.PAUSED_FOR_REVIEW:
            return
        member = self.work.member(item)
        self.work.known.stopped[about] = Reason.PAUSED_FOR_REVIEW
        self.work.consent_papers.reviews.append(
            Review(
                id=new_id(self.terms.now),
                channel=message.channel.value,
                address=address,
                member_id=member.id if member else None,
                body=message.body,
                asked_at=item.event.time,
                source=item.event.store,
            )
        )

    def _decided(self, item: Claimed) -> Closing:
        review = review_of(item, self.work.consent_papers)
        if review is None:
            return refused(item, "there is no such review", code="unknown_review")
        if review.state == "decided":
            return self._known(item, "already_decided", f"{review.decided_by} decided it before")
        decision = item.event.data
        review.state, review.decision = "decided", decision.decision
        review.decided_by, review.decided_at = decision.by, item.event.time
        self.work.consent_papers.reviews.append(review)
        self.work.known.stopped.pop((review.channel, review.address), None)
        if decision.decision == "stop":
            self._stop(item, review.channel, review.address, member_id=review.member_id)
        return self._booked(item)
