"""Books conversations: who writes, whom the team invites, and whose membership a chat becomes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from connectors.kit.action import Capability
from connectors.kit.capabilities import PushButton, PushMessage
from flows.clerk import Clerk
from flows.closings import done, refused
from loyalty.chat_policy import ChatPolicy
from loyalty.chats import REFUSALS, ChatInvitation, Contact, link_refusal, refusal
from loyalty.events import ChatBound, ChatInvited, Customer, Event, EventType, MemberMerge
from loyalty.gate import Intent, classify
from loyalty.links import LinkKind
from loyalty.store.deliveries import LEASE, Delivery
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member

TEMPLATE = "chat_invitation"


class ChatsDesk(Clerk):
    """Keeps conversations and the invitations sent in them."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.CHAT_RECEIVED: self._received,
            EventType.CHAT_INVITED: self._invited,
            EventType.CHAT_BOUND: self._bound,
        }

    def _received(self, item: Claimed) -> Closing:
        """The conversation was noted when the batch was opened; here is what follows from it."""
        message, member = item.event.data, self.work.member(item)
        if classify(message.body) is Intent.STOP:
            contact = self._contact(item.event.store, message.customer.id or "", message.channel)
            contact.stopped_at = contact.stopped_at or item.event.time
            contact.is_changed = True
        if member is None:
            return done(item, None, "nobody is known by this chat yet")
        return self.apply(item, member)

    # --- inviting

    def _invited(self, item: Claimed) -> Closing:
        asked: ChatInvited = item.event.data
        policy, now = self.terms.programme.chat, self.terms.now
        contact = self.work.chats.contacts.get((item.event.store, asked.contact))
        messaging = self.terms.programme.messaging
        code = refusal(contact, policy, messaging, channel=asked.channel, now=now)
        if not code and contact is not None and contact.member_id is not None:
            code, told = "already_member", "this chat belongs to a member already"
            return refused(item, told, code=code)
        if code or contact is None:
            return refused(item, REFUSALS[code], code=code)
        invitation = ChatInvitation(
            id=UUID(asked.invitation_id),
            store=item.event.store,
            contact=asked.contact,
            sent_by=asked.by,
            sent_at=now,
            expires_at=now + timedelta(minutes=policy.invite_link_minutes),
        )
        self.work.chats.invitations[invitation.id] = invitation
        delivery = self._delivery(item, contact, invitation, policy)
        self.work.deliveries.append(delivery)
        outcome = {"expires_at": invitation.expires_at, "delivery": str(delivery.id)}
        return done(item, None, outcome=outcome)

    def _delivery(
        self, item: Claimed, contact: Contact, invitation: ChatInvitation, policy: ChatPolicy
    ) -> Delivery:
        planner, now = self.terms.planner, self.terms.now
        route = planner.directory.route(Capability.PUSH, self.terms.programme, contact.store)
        state = "held" if route.problem else "pending"
        return Delivery(
            id=new_id(now),
            key=f"{item.event.business_key}:{TEMPLATE}:{contact.contact}",
            capability=Capability.PUSH.value,
            input=self._message(contact, invitation, policy).model_dump(mode="json"),
            state=state,
            created_at=now,
            connector=route.connector,
            connection=route.connection,
            action=route.action,
            event_id=item.id,
            rule=TEMPLATE,
            target=contact.contact,
            reason=route.problem,
            owner=planner.owner if state == "pending" else "",
            lease_until=now + LEASE if state == "pending" else None,
        )

    def _message(
        self, contact: Contact, invitation: ChatInvitation, policy: ChatPolicy
    ) -> PushMessage:
        links = self.terms.planner.links
        assert links is not None, "nothing here can make links"
        link = links.url(LinkKind.BIND, {"i": str(invitation.id)})
        values = {"link": link, "minutes": policy.invite_link_minutes}
        if contact.channel == "whatsapp":
            return PushMessage(
                to=contact.contact,
                kind="template",
                template=policy.whatsapp_template,
                parameters=(link, str(policy.invite_link_minutes)),
            )
        context = {"programme": self.terms.programme, "values": values}
        parts = self.terms.texts.render(TEMPLATE, "chat", context)
        button = PushButton(label=parts.get("button", "")[:20] or "Join", url=link)
        return PushMessage(
            to=contact.contact, text=parts["text"], button=button, place=contact.place
        )

    # --- becoming one member

    def _bound(self, item: Claimed) -> Closing:
        asked: ChatBound = item.event.data
        member = self.work.member(item)
        invitation = self.work.chats.invitations.get(UUID(asked.invitation_id))
        code = link_refusal(invitation, now=item.event.time)
        if code or invitation is None:
            return refused(item, REFUSALS[code], code=code, member=member)
        if member is None:
            return refused(item, "nobody is signed in", code="unknown_member")
        invitation.member_id, invitation.bound_at = member.id, item.event.time
        invitation.is_changed = True
        contact = self._contact(invitation.store, invitation.contact, "")
        contact.member_id, contact.is_changed = member.id, True
        self._one_person(item, invitation, member)
        return self.apply(item, member)

    def _one_person(self, item: Claimed, invitation: ChatInvitation, member: Member) -> None:
        """The chat's person is the member from now on; where both were members they are merged."""
        key = (invitation.store, "customer", invitation.contact)
        other = self.work.chats.owners.get(key)
        if other is None:
            self.work.papers.identities[key] = member.id
            return
        if other == member.id:
            return
        address: dict[str, Any] = {"email": member.email} if member.email else {}
        if not address and member.phone:
            address = {"phone": member.phone}
        if address:
            merge = MemberMerge(source=Customer(id=invitation.contact), target=Customer(**address))
            self.work.emitted.append(
                Event(
                    type=EventType.MEMBER_MERGED,
                    store=invitation.store,
                    key=f"chat:{invitation.id}",
                    time=item.event.time,
                    subject=f"member:{member.id}",
                    data=merge,
                )
            )

    def _contact(self, store: str, contact: str, channel: str) -> Contact:
        return self.work.chats.contact(store, contact, channel)
