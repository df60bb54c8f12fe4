"""Books what people do and say: signing up, changing, agreeing, withdrawing, answering."""

from __future__ import annotations

from collections.abc import Callable

from flows.clerk import Clerk
from flows.closings import done, refused, waits_for_person
from flows.workset import address_in
from loyalty.contacts import normal_email, normal_phone
from loyalty.events import Channel, ConsentState, Customer, EventType, InboundMessage
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import ConsentNote, Member

STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})
START_WORDS = frozenset({"start", "unstop", "yes"})


class PeopleDesk(Clerk):
    """Enrols members and keeps what they agreed to."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.CUSTOMER_CREATED: self._signed_up,
            EventType.CUSTOMER_UPDATED: self._updated,
            EventType.CUSTOMER_OPTED_IN: self._updated,
            EventType.MESSAGE_BOUNCED: self._reported,
            EventType.MESSAGE_UNSUBSCRIBED: self._reported,
            EventType.SMS_RECEIVED: self._heard,
        }

    def _signed_up(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return refused(item, "the customer has no id, e-mail or telephone number")
        self._learn(item, member, item.event.data)
        elsewhere = self.work.signed_up.get(member.id)
        if elsewhere:
            return done(item, member, f"already signed up at {elsewhere}: kept as an update")
        self.work.signed_up[member.id] = item.event.store
        return self.apply(item, member)

    def _updated(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return refused(item, "the customer has no id, e-mail or telephone number")
        self._learn(item, member, item.event.data)
        return self.apply(item, member)

    def _learn(self, item: Claimed, member: Member, customer: Customer) -> None:
        member.learn(customer, at=item.event.time)
        if member.state != "enrolled":
            member.state, member.is_changed = "enrolled", True
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
