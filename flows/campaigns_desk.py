"""Books what an invitation promised: once for the invitation, once for the person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from flows.clerk import Clerk
from flows.closings import refused
from flows.workset import Workset
from loyalty.campaigns import Claimant, Invitation, InvitationState, claim_event, judge_claim
from loyalty.events import EventType, InvitationClaim
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.invitations import Claim
from loyalty.store.people import Member


class CampaignsDesk(Clerk):
    """Pays for joining what was promised when the invitation was sent."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {EventType.INVITATION_CLAIMED: self._claimed}

    def _claimed(self, item: Claimed) -> Closing:
        claim: InvitationClaim = item.event.data
        member, papers = self.work.member(item), self.work.papers
        invitation = papers.invitations.get(UUID(claim.invitation_id))
        if invitation is None:
            return refused(item, "there is no such invitation", code="unknown_invitation")
        if member is None:
            return refused(item, "the claim names nobody", code="nobody")
        if claim.customer is not None:
            member.learn(claim.customer, at=item.event.time)
        who = Claimant(
            since=member.created_at,
            addresses=frozenset(one for one in (member.email, member.phone) if one),
            has_claimed=member.id in papers.claimants,
        )
        refusal = judge_claim(invitation, who, at=item.event.time)
        if refusal is not None:
            return refused(item, refusal.reason, code=refusal.code, member=member)
        return self._pay(item, member, invitation)

    def _pay(self, item: Claimed, member: Member, invitation: Invitation) -> Closing:
        assert invitation.amount is not None
        case = self.case(item, member)
        posting = replace(
            self.posting(case, f"campaign:{invitation.campaign}", verb="award"),
            key=f"invitation:{invitation.id}",
            reason=f"joined by invitation: {invitation.campaign}",
        )
        if invitation.amount:
            self.earn(case, invitation.amount, posting, earned_at=item.event.time)
        papers = self.work.papers
        invitation.close(InvitationState.JOINED, at=item.event.time)
        papers.claimants.add(member.id)
        papers.claims.append(
            Claim(
                member.id,
                invitation.id,
                invitation.amount,
                item.event.data.via,
                item.event.time,
            )
        )
        return self.close_case(case)


def welcome_invited(work: Workset, item: Claimed, member: Member) -> None:
    """Lets somebody who signs up without the link have what they were invited with.

    One invitation is claimed, the one that promised most; one that was not sent yet ends, since
    nobody is invited to where they are.
    """
    mine = [
        one
        for one in work.papers.invited_by.get(item.id, ())
        if one.state in (InvitationState.WAITING, InvitationState.INVITED)
    ]
    for one in mine:
        if one.state is InvitationState.WAITING:
            one.close(
                InvitationState.JOINED, at=item.event.time, reason="joined before it was sent"
            )
    sent = [one for one in mine if one.state is InvitationState.INVITED]
    if sent:
        best = max(sent, key=lambda one: (one.amount or 0, one.id))
        work.emitted.append(
            claim_event(best.id, at=item.event.time, via="address", member_id=member.id)
        )
