"""Forgetting a person: every column that says who it was is emptied, the figures stay.

What stays are anonymous rows: entries and lots under the account's id, sales without a customer,
and the business keys of events, so that an old webhook that comes again is still a duplicate.
Requests that could not be read at all (`rejects`) say nobody's name in a way that could be found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store import (
    chats,
    consent_traces,
    invitations,
    member_sessions,
    referrals,
    shop_customers,
    sign_ins,
)
from loyalty.store.message_moves import FORGET_MESSAGES
from loyalty.store.people import Identity

FORGOTTEN = "forgotten"
"""Stands where something has to stand."""


@dataclass(slots=True)
class Traces:
    """By what a person can be found in what was stored.

    Attributes:
        ids: The account and those that were merged into it.
        words: E-mail addresses and telephone numbers, in the hub's spelling.
        subjects: Under which the person's events are kept in order.
    """

    ids: frozenset[UUID]
    words: set[str] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)

    def add(self, keys: Iterable[Identity]) -> None:
        """Adds by what else the person is known: `(store, kind, value)`."""
        for store, kind, value in keys:
            if kind in ("email", "phone"):
                self.words.add(value)
                self.subjects.add(f"contact:{value}")
            elif kind == "customer":
                self.subjects.add(f"{store}:customer:{value}")


_KNOWN = text("""
select store, kind, value from identities where member_id = any(cast(:ids as uuid[]))
union all
select '', 'email', email from members where id = any(cast(:ids as uuid[])) and email is not null
union all
select '', 'phone', phone from members where id = any(cast(:ids as uuid[])) and phone is not null
union all
select '', case channel when 'email' then 'email' else 'phone' end, address from consents
where member_id = any(cast(:ids as uuid[]))
""")


async def traces(connection: AsyncConnection, ids: frozenset[UUID]) -> Traces:
    """Gathers by what these accounts' person is known, before it is emptied."""
    found = Traces(ids)
    rows = await connection.execute(_KNOWN, {"ids": sorted(ids)})
    found.add((row.store, row.kind, row.value) for row in rows)
    return found


_THEIRS = text("""
select id from inbox where member_id = any(cast(:ids as uuid[]))
union
select id from inbox where state = 'parked' and waits_for = any(cast(:waits as text[]))
union
select id from inbox
where (member_id is null or type in ('member.merged', 'member.unmerged'))
  and (subject = any(cast(:subjects as text[]))
       or lower(cast(data as text)) like any(cast(:patterns as text[])))
""")


async def _events_of(connection: AsyncConnection, person: Traces) -> list[int]:
    """The events that tell of the person; those of nobody are searched by their words."""
    rows = await connection.execute(
        _THEIRS,
        {
            "ids": sorted(person.ids),
            "waits": [f"contact:{word}" for word in sorted(person.words)],
            "subjects": sorted(person.subjects),
            "patterns": [f"%{_escaped(word)}%" for word in sorted(person.words)],
        },
    )
    return sorted(rows.scalars())


def _escaped(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return word


# What an event of a type still says once nobody is named in it; it can still be read.
_EVENTS = text("""
update inbox set
    raw = null,
    subject = 'forgotten:' || id,
    reason = case when state in ('waiting', 'parked', 'failed')
                  then 'the member asked to be forgotten' else '' end,
    outcome = case when outcome is null then null
                   else jsonb_strip_nulls(jsonb_build_object(
                       'forgotten', true, 'points', outcome -> 'points',
                       'code', outcome -> 'code', 'version', outcome -> 'version')) end,
    state = case when state in ('waiting', 'parked', 'failed') then 'refused' else state end,
    waits_for = '',
    data = case
        when type like 'customer.%' then '{}'::jsonb
        when type in ('member.merged', 'member.unmerged')
            then '{"source": {}, "target": {}}'::jsonb
        when type = 'member.erased' then '{"customer": {}}'::jsonb
        when type in ('points.adjusted', 'member.blocked', 'member.unblocked')
            then data || '{"customer": null, "reason": "forgotten"}'::jsonb
        when type = 'sms.received'
            then data || '{"sender": "forgotten", "recipient": "", "body": ""}'::jsonb
        when type = 'consent.requested'
            then data || '{"address": "forgotten", "member_id": null, "name": ""}'::jsonb
        when type in ('consent.given', 'consent.withdrawn', 'consent.imported')
            then data || '{"address": "forgotten", "member_id": null}'::jsonb
        when type = 'gift_code.redeemed'
            then data || '{"customer": null, "origin": "", "code": "forgotten"}'::jsonb
        when type = 'chat.received'
            then data || '{"id": "forgotten", "body": "", "customer": {}}'::jsonb
        when type = 'chat.invited' then data || '{"contact": "forgotten"}'::jsonb
        when type like 'message.%'
            then data || '{"address": "forgotten", "vendor_message_id": "", "detail": "",
                          "user_agent": ""}'::jsonb
        when data ? 'customer' then data || '{"customer": null}'::jsonb
        else data end
where id = any(cast(:events as bigint[])) and id <> all(cast(:own as bigint[]))
""")
_OWN_EVENT = text("""
update inbox set raw = null, subject = 'forgotten:' || id, data = '{"customer": {}}'::jsonb
where id = any(cast(:own as bigint[]))
""")
_MEMBERS = text("""
update members set state = 'erased', first_name = '', last_name = '', email = null, phone = null,
    locale = '', zone = '', country = '', birthday = null, tags = '{}', segments = '{}',
    tier = '', tier_since = null, tier_until = null, birthday_told_at = null,
    birthday_paid_at = null
where id = any(cast(:ids as uuid[]))
""")
_SALES = text("""
update sales set
    data = data || '{"customer": null}'::jsonb,
    refunds = (select coalesce(jsonb_agg(r || '{"customer": null}'::jsonb order by n), '[]'::jsonb)
               from jsonb_array_elements(refunds) with ordinality as u(r, n)),
    facts = facts || '{"first_name": "", "last_name": "", "email": null, "phone": null,
        "locale": "", "zone": "", "birthday": null, "tags": [], "segments": []}'::jsonb
where member_id = any(cast(:ids as uuid[]))
""")
_DELIVERIES = text("""
update deliveries set key = 'forgotten:' || id, input = '{}'::jsonb, target = '', vendor_id = '',
    reason = case when state in ('sent', 'sending') then '' else 'the member asked to be forgotten'
        end,
    state = case when state in ('pending', 'parked', 'held') then 'cancelled' else state end,
    owner = '', lease_until = null
where member_id = any(cast(:ids as uuid[]))
""")
_ATTEMPTS = text("""
update attempts set detail = '', request_id = '' where delivery_id in (
    select id from deliveries where member_id = any(cast(:ids as uuid[])))
""")
_ADJUSTMENTS = text("""
update adjustments set reason = '', data = jsonb_set(data, '{adjustment,reason}', '"forgotten"')
where member_id = any(cast(:ids as uuid[]))
""")
_REWARDS = text("""
update rewards set request_key = 'forgotten:' || id, code = '', reason = '', void = null,
    remind_at = null, state = case when state = 'held' then 'voided' else state end
where member_id = any(cast(:ids as uuid[]))
""")
_MERGES = text("""
update merges set source_before = source_before - 'filled'
where source_id = any(cast(:ids as uuid[])) or target_id = any(cast(:ids as uuid[]))
""")
_IDENTITIES = text("delete from identities where member_id = any(cast(:ids as uuid[]))")


_CONSENTS_OF_NOBODY = text("""
update consents set address = 'forgotten'
where member_id is null and address = any(cast(:words as text[]))
""")


async def _forget_customer(connection: AsyncConnection, person: Traces) -> None:
    """What an import kept of somebody as a shop's customer, and what was sent to them as such."""
    words = sorted(person.words)
    await connection.execute(_CONSENTS_OF_NOBODY, {"words": words})
    customers = await shop_customers.forget(
        connection, words=words, subjects=sorted(person.subjects)
    )
    await invitations.forget(connection, customers)


async def forget(connection: AsyncConnection, person: Traces, *, own_events: Sequence[int]) -> int:
    """Empties every column that tells who the person was; returns how many events told of them.

    Args:
        own_events: The erasure that is being worked off, which somebody else closes.
    """
    events = await _events_of(connection, person)
    ids = {"ids": sorted(person.ids)}
    await connection.execute(text("set local hub.erasing = 'on'"))
    await connection.execute(_EVENTS, {"events": events, "own": list(own_events)})
    await connection.execute(_OWN_EVENT, {"own": list(own_events)})
    for statement in (
        *FORGET_MESSAGES, _SALES, _ATTEMPTS, _DELIVERIES, _ADJUSTMENTS, _REWARDS,
        _MERGES, _IDENTITIES, _MEMBERS,
    ):  # fmt: skip
        await connection.execute(statement, ids)
    await consent_traces.forget(connection, ids=person.ids, words=person.words)
    await _forget_customer(connection, person)
    await chats.forget(connection, ids["ids"])
    await referrals.forget(connection, ids["ids"])
    await sign_ins.forget(connection, sorted(person.words))
    await member_sessions.forget(
        connection, words=sorted(person.words), subjects=sorted(person.subjects)
    )
    await connection.execute(text("set local hub.erasing = 'off'"))
    return len(events)
