"""Books what people say about being written to: forms, links, lists, double opt-in."""

from __future__ import annotations

from collections.abc import Callable

from flows.closings import done, parked, refused
from flows.confirming import REFUSALS, send_link
from flows.consent_clerk import ConsentClerk
from flows.consent_papers import START, request_of
from flows.introductions import address_in
from loyalty.events import (
    Channel,
    Consent,
    ConsentImport,
    ConsentRequest,
    ConsentState,
    EventType,
)
from loyalty.gate import EVERYTHING, About
from loyalty.store.inbox import Claimed, Closing

GRANTED, PENDING, WITHDRAWN = ConsentState.GRANTED, ConsentState.PENDING, ConsentState.WITHDRAWN


class ConsentsDesk(ConsentClerk):
    """Keeps the log of consents; what it books is what the gate sees next."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.CONSENT_GIVEN: self._given,
            EventType.CONSENT_WITHDRAWN: self._taken_back,
            EventType.CONSENT_IMPORTED: self._imported,
            EventType.CONSENT_REQUESTED: self._requested,
            EventType.CONSENT_CONFIRMED: self._confirmed,
        }

    # --- what people say themselves

    def _given(self, item: Claimed) -> Closing:
        said: Consent = item.event.data
        address = address_in(item.event)
        about = About(said.channel.value, address, said.purpose, said.topic)
        if self._needs_start(said.channel, address):
            return self._waits_for_start(item, said.channel, address)
        if self.work.words.state(*about) is GRANTED:
            return self._known(item, "already_granted", "this consent was given before")
        needs_proof = self.terms.programme.messaging.double_opt_in.needed(said.channel)
        if needs_proof and not said.is_proven and not said.topic:
            request = ConsentRequest(
                channel=said.channel,
                address=said.address,
                member_id=said.member_id,
                via=said.via,
                text_version=said.text_version,
            )
            return self._ask(item, request)
        self._note(item, about, GRANTED, via=said.via, text_version=said.text_version)
        return self._booked(item)

    def _needs_start(self, channel: Channel, address: str) -> bool:
        only = self.terms.programme.messaging.sms.handset_optout == "needs_keyword"
        words = self.work.words
        return only and words.is_stopped(channel.value, address, only_by_keyword=True)

    def _waits_for_start(self, item: Claimed, channel: Channel, address: str) -> Closing:
        return parked(
            item,
            "the person stopped the channel from the handset: it counts once they text START",
            waits_for=f"{START}{channel.value}:{address}",
            code="needs_start_keyword",
            member=self.work.member(item),
        )

    def _taken_back(self, item: Claimed) -> Closing:
        said: Consent = item.event.data
        address = address_in(item.event)
        about = About(said.channel.value, address, said.purpose, said.topic)
        if self.work.words.state(*about) is WITHDRAWN:
            return self._known(item, "already_withdrawn", "this consent was withdrawn before")
        self._note(item, about, WITHDRAWN, via=said.via, text_version=said.text_version)
        return self._booked(item)

    # --- what lists say

    def _imported(self, item: Claimed) -> Closing:
        said: ConsentImport = item.event.data
        address = address_in(item.event)
        about = About(said.channel.value, address)
        if said.state is not WITHDRAWN:
            if said.evidence_at is None:
                reason = "nobody can say when the person agreed: a yes without evidence is none"
                return self._known(item, "no_evidence", reason)
            withdrawn_at = self.work.words.withdrawn_at(*about)
            stop = self.work.words.said(said.channel.value, address, EVERYTHING)
            if stop is not None and stop.state is WITHDRAWN:
                withdrawn_at = max(withdrawn_at or stop.at, stop.at)
            if withdrawn_at is not None and said.evidence_at <= withdrawn_at:
                reason = "the person withdrew consent after that"
                return self._known(item, "older_than_withdrawal", reason)
            if self._needs_start(said.channel, address):
                return self._waits_for_start(item, said.channel, address)
        self._note(item, about, said.state, via=said.origin, text_version=said.text_version,
                   evidence_at=said.evidence_at)  # fmt: skip
        return self._booked(item)

    # --- double opt-in

    def _requested(self, item: Claimed) -> Closing:
        request: ConsentRequest = item.event.data
        address = address_in(item.event)
        if self._needs_start(request.channel, address):
            return self._waits_for_start(item, request.channel, address)
        if self.work.words.state(request.channel.value, address) is GRANTED:
            return self._known(item, "already_granted", "this consent was given before")
        return self._ask(item, request)

    def _ask(self, item: Claimed, asked: ConsentRequest) -> Closing:
        """Sends the link, unless one was sent a moment ago."""
        address = address_in(item.event)
        code = send_link(self, item, asked, address)
        if code == "no_links":
            return refused(item, REFUSALS[code], code=code)
        if code:
            return self._known(item, code, REFUSALS[code])
        about = About(asked.channel.value, address)
        self._note(item, about, PENDING, via=asked.via, text_version=asked.text_version)
        return done(item, self.work.member(item))

    def _confirmed(self, item: Claimed) -> Closing:
        request = request_of(item, self.work.consent_papers)
        if request is None:
            return refused(item, "there is no such request", code="link_invalid")
        member = self.work.member(item)
        if request.confirmed_at is not None:
            return self._known(item, "already_confirmed", "this link was used before")
        if item.event.time >= request.expires_at:
            reason = "the link is too old: the person has to ask for a new one"
            return refused(item, reason, code="token_expired", member=member)
        request.confirmed_at = item.event.time
        self.work.consent_papers.requests.append(request)
        self._note(item, About(request.channel, request.address), GRANTED, via="double_opt_in",
                   text_version=request.text_version, member_id=request.member_id)  # fmt: skip
        return self._booked(item)
