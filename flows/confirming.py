"""Double opt-in: the link that is sent to an address, whoever said that the person agreed."""

from __future__ import annotations

from datetime import timedelta

from flows.announcing import Announcement, planned
from flows.clerk import Clerk
from loyalty.consent_links import confirm_token, confirm_url, token_hash
from loyalty.events import Channel, ConsentRequest, ConsentState
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed
from loyalty.store.opt_ins import Request
from loyalty.store.people import ConsentNote

HUB = "hub"
"""In the log: that the hub asks is no word of the shop's."""

REFUSALS = {
    "already_requested": "a message with the link was sent a moment ago",
    "no_links": "nothing here can make links",
}


def send_link(clerk: Clerk, item: Claimed, asked: ConsentRequest, address: str) -> str:
    """Plans the message with the link, and notes that the consent is pending.

    Args:
        address: The one of the request, in normal form.

    Returns:
        Why no link is sent, as a code of `REFUSALS`; empty where one is.
    """
    policy, work = clerk.terms.programme.messaging.double_opt_in, clerk.work
    at, links = item.event.time, clerk.terms.planner.links
    before = work.consent_papers.asked.get((asked.channel.value, address))
    if before and at < before.requested_at + timedelta(minutes=policy.resend_minutes):
        return "already_requested"
    if links is None:
        return "no_links"
    member = work.member(item)
    number = new_id(clerk.terms.now)
    request = Request(
        id=number,
        channel=asked.channel.value,
        address=address,
        member_id=member.id if member else None,
        token_hash=token_hash(confirm_token(links, number)),
        requested_at=at,
        expires_at=at + timedelta(hours=policy.token_hours),
        source=f"{item.event.store} {asked.via}".strip(),
        text_version=asked.text_version,
    )
    work.consent_papers.asked[request.channel, address] = request
    work.consent_papers.requests.append(request)
    announcement = Announcement(
        key=f"confirm_optin:{number}",
        template="confirm_optin",
        channel=asked.channel.value,
        purpose="transactional",
        member=member,
        address=address,
        name=asked.name,
        locale=asked.locale,
        values={"link": confirm_url(links, number), "hours": policy.token_hours},
        valid_until=request.expires_at,
        event_id=item.id,
    )
    work.deliveries.append(planned(clerk.terms.planner, announcement, work.known))
    return ""


def note_pending(clerk: Clerk, item: Claimed, channel: Channel, address: str) -> None:
    """Notes that the person was asked because a shop said yes; the shop has said nothing yet.

    What a shop repeats with every change of a record is compared with what it said last. A yes
    that only led to the question must not be taken for its word, or each repetition would ask.
    """
    member = clerk.work.member(item)
    clerk.work.note(
        ConsentNote(
            member_id=member.id if member else None,
            channel=channel,
            address=address,
            state=ConsentState.PENDING,
            source=f"{HUB} asked for {item.event.store} {item.event.type.value}",
            occurred_at=item.event.time,
        )
    )
