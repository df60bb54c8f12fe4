"""Books what people do and say: signing up, changing, agreeing, withdrawing, answering."""

from __future__ import annotations

from collections.abc import Callable

from flows.campaigns_desk import welcome_invited
from flows.clerk import Clerk
from flows.closings import done, refused, waits_for_person
from flows.referrals_desk import refer
from flows.workset import address_in
from loyalty.contacts import normal_email, normal_phone
from loyalty.events import Channel, ConsentState, Customer, EventType, InboundMessage
from loyalty.occasions import may_be_paid
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import ConsentNote, Member

STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})
START_WORDS = frozenset({"start", "unstop", "yes"})
NAMELESS = "the customer has no id, card, e-mail or telephone number"


class PeopleDesk(Clerk):
    """Enrols members and keeps what they agreed to."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.CUSTOMER_CREATED: self._signed_up,
            EventType.CUSTOMER_UPDATED: self._updated,
            EventType.CUSTOMER_OPTED_IN: self._updated,
            EventType.BIRTHDAY_DUE: self._birthday,
            EventType.MESSAGE_BOUNCED: self._reported,
            EventType.MESSAGE_UNSUBSCRIBED: self._reported,
            EventType.SMS_RECEIVED: self._heard,
        }

    def _signed_up(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return refused(item, NAMELESS, code="nobody")
        self._learn(item, member, item.event.data)
        refer(self, item, member)
        elsewhere = self.work.signed_up.get(member.id)
        if elsewhere:
            reason = f"already signed up at {elsewhere}: kept as an update"
            return done(item, member, reason, code="already_member")
        self.work.signed_up[member.id] = item.event.store
        welcome_invited(self.work, item, member)
        return self.apply(item, member)

    def _updated(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return refused(item, NAMELESS, code="nobody")
        self._learn(item, member, item.event.data)
        return self.apply(item, member)

    def _birthday(self, item: Claimed) -> Closing:
        """Counts where it was told early enough and the last that counted is long enough ago."""
        member = self.work.member(item)
        if member is None:
            return refused(item, "nobody is known whose birthday it is", code="unknown_member")
        starts = item.event.time
        told_at, paid_at = member.birthday_told_at, member.birthday_paid_at
        policy = self.terms.programme.birthday
        if not may_be_paid(policy, starts=starts, told_at=told_at, paid_at=paid_at):
            reason = "the birthday was told too late, or the last one is not long enough ago"
            return done(item, member, reason, code="birthday_too_soon")
        member.birthday_paid_at, member.is_changed = starts, True
        return self.apply(item, member)

    def _learn(self, item: Claimed, member: Member, customer: Customer) -> None:
        member.learn(customer, at=item.event.time)
        opts_in = item.event.type is EventType.CUSTOMER_OPTED_IN
        store = item.event.store
        for channel, state in customer.consents.items():
            address = _address(channel, customer)
            if address is None:
                continue
            about = (channel.value, address)
            if opts_in or self.work.words.is_news(about, store=store, state=state):
                self._note(item, member, channel, address=address, state=state)

    def _note(
        self, item: Claimed, member: Member, channel: Channel, *, address: str, state: ConsentState
    ) -> None:
        source = f"{item.event.store} {item.event.type.value}"
        note = ConsentNote(member.id, channel, address, state, source, item.event.time)
        self.work.note(note)

    def _reported(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        report = item.event.data
        if item.event.type is EventType.MESSAGE_BOUNCED and not report.permanent:
            return done(item, member, "a temporary bounce: noted")
        address = address_in(item.event)
        if member is None:
            return waits_for_person(item, address, "nobody is known under this address yet")
        self._note(item, member, report.channel, address=address, state=ConsentState.WITHDRAWN)
        return self.apply(item, member)

    def _heard(self, item: Claimed) -> Closing:
        message: InboundMessage = item.event.data
        member = self.work.member(item)
        word = message.body.strip().strip(".!").lower()
        address = address_in(item.event)
        if member is None:
            if word in STOP_WORDS:
                return waits_for_person(item, address, "nobody is known under this number yet")
            return done(item, None, "nobody is known under this number")
        if word in STOP_WORDS | START_WORDS:
            state = ConsentState.WITHDRAWN if word in STOP_WORDS else ConsentState.GRANTED
            self._note(item, member, message.channel, address=address, state=state)
        return self.apply(item, member)


def _address(channel: Channel, customer: Customer) -> str | None:
    if channel is Channel.EMAIL:
        return normal_email(customer.email)
    return normal_phone(customer.phone, customer.country)
