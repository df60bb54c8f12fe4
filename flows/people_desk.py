"""Books who people are, as shops tell it: signing up, changing, and what they agreed to there."""

from __future__ import annotations

from collections.abc import Callable

from flows.campaigns_desk import welcome_invited
from flows.clerk import Clerk
from flows.closings import done, refused
from flows.confirming import note_pending, send_link
from flows.recommending import refer
from loyalty.contacts import normal_email, normal_phone
from loyalty.events import Channel, ConsentRequest, ConsentState, Customer, EventType
from loyalty.occasions import may_be_paid
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import ConsentNote, Member

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
        for channel, state in customer.consents.items():
            address = _address(channel, customer)
            if address is None:
                continue
            if not self._counts(item, (channel.value, address), state):
                continue
            if state is ConsentState.GRANTED and self._needs_proof(item, channel, address):
                self._ask(item, member, channel, address)
            else:
                self._note(item, member, channel, address=address, state=state)

    def _counts(self, item: Claimed, about: tuple[str, str], state: ConsentState) -> bool:
        """Whether a shop's word is the person's.

        A shop that speaks of somebody for the first time with a change of their record says what
        it has kept, since whenever: that must not undo a withdrawal. Signing up and opting in
        are acts of the person.
        """
        words, store = self.work.words, item.event.store
        if item.event.type is EventType.CUSTOMER_OPTED_IN:
            return True
        if not words.is_news(about, store=store, state=state):
            return False
        is_copy = item.event.type is EventType.CUSTOMER_UPDATED and not words.spoke(
            about, store=store
        )
        return state is ConsentState.WITHDRAWN or not (is_copy and words.withdrawn_at(*about))

    def _needs_proof(self, item: Claimed, channel: Channel, address: str) -> bool:
        """Whether this connection's yes has to be confirmed by the person."""
        policy = self.terms.programme.messaging.double_opt_in
        is_given = self.work.words.state(channel.value, address) is ConsentState.GRANTED
        return policy.needed_of(item.event.store, channel) and not is_given

    def _ask(self, item: Claimed, member: Member, channel: Channel, address: str) -> None:
        """Asks the person; once, however often the shop repeats it with changes of the record."""
        is_asked = self.work.words.state(channel.value, address) is ConsentState.PENDING
        if is_asked and item.event.type is EventType.CUSTOMER_UPDATED:
            return
        request = ConsentRequest(
            channel=channel,
            address=address,
            via=item.event.type.value,
            locale=member.locale,
            name=f"{member.first_name} {member.last_name}".strip(),
        )
        code = send_link(self, item, request, address)
        if code != "already_requested":
            note_pending(self, item, channel, address)

    def _note(
        self, item: Claimed, member: Member, channel: Channel, *, address: str, state: ConsentState
    ) -> None:
        source = f"{item.event.store} {item.event.type.value}"
        note = ConsentNote(member.id, channel, address, state, source, item.event.time)
        self.work.note(note)


def _address(channel: Channel, customer: Customer) -> str | None:
    if channel is Channel.EMAIL:
        return normal_email(customer.email)
    return normal_phone(customer.phone, customer.country)
