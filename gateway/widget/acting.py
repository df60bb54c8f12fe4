"""What members do in the widget: each becomes an event, and is answered when it is booked."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from hashlib import sha256

from fastapi import APIRouter, Response
from pydantic import Field

from gateway.answers import Refused
from gateway.outcomes import outcome_of
from gateway.widget.desk import PlainRoute, Visit, Visiting, done
from gateway.work import Work
from loyalty import reward_events
from loyalty.events import Customer, Event, EventType, Frozen, GiftCodeUse
from loyalty.gift_codes import guard_of_member, guard_of_origin, pause_after
from loyalty.links import LinkInvalid, LinkKind
from loyalty.money import Amount
from loyalty.store import gift_codes, request_rates
from loyalty.store.inbox import Incoming
from loyalty.store.request_rates import Rate

"""What failed is none: somebody looks at it, and it is tried again."""

Key = Field(pattern=r"^[A-Za-z0-9-]{8,64}$", description="Made by the browser: counts once.")

router = APIRouter(prefix="/widget/api/{site}", route_class=PlainRoute, include_in_schema=False)


class Typed(Frozen):
    """A gift code that was typed in."""

    key: str = Key
    code: str = Field(min_length=1, max_length=200)


class Wanted(Frozen):
    """A reward that is asked for."""

    key: str = Key
    reward: str = Field(min_length=1, max_length=200)
    amount: Amount | None = Field(None, gt=0)


@router.post("/join")
async def join(visit: Visiting) -> Response:
    """Makes the person who is signed in a member. Once per session, however often it is asked."""
    session = visit.session
    if session is None:
        raise Refused(401, "signed_out", visit.wording.say("please_sign_in"), "Sign in first.")
    store, kind, value = session.identity
    customer = Customer(
        id=value if kind == "customer" else None,
        email=session.email or None,
        first_name=session.first_name,
        locale=session.locale or visit.wording.language,
        referred_by=_recommended_by(visit, session.carries),
        traits={"ip": _origin(visit)},
    )
    source = store or f"widget/{visit.site.id}"
    event = _event(visit, EventType.CUSTOMER_CREATED, source, f"join:{session.id}", customer)
    return await _book(visit, event, said="joined")


def _recommended_by(visit: Visit, carries: str) -> str | None:
    """The code of the member by whose link somebody came to sign in."""
    kind, _, token = carries.lstrip("/").partition("/")
    if kind != LinkKind.REFER:
        return None
    try:
        return str(visit.desk.house.links.read(LinkKind.REFER, token).get("c", "")) or None
    except LinkInvalid:
        return None


@router.post("/redeem")
async def redeem(visit: Visiting) -> Response:
    """Asks for a reward of the catalogue."""
    member_id = visit.member()
    wanted = Wanted.model_validate(await visit.document())
    event = reward_events.requested(
        member_id, wanted.reward, request_id=wanted.key, now=visit.now, amount=wanted.amount
    )
    return await _book(visit, event, said="redeem_done")


@router.post("/gift-code")
async def gift_code(visit: Visiting) -> Response:
    """Redeems a gift code."""
    member_id = visit.member()
    typed = Typed.model_validate(await visit.document())
    data = GiftCodeUse(
        id=typed.key, code=typed.code, member_id=str(member_id), origin=_origin(visit)
    )
    await _slow_down(visit, [guard_of_member(member_id), guard_of_origin(data.origin)])
    source, key = f"widget/{visit.site.id}", f"{member_id}:{typed.key}"
    event = _event(visit, EventType.GIFT_CODE_REDEEMED, source, key, data)
    return await _book(visit, event, said="gift_done")


async def _slow_down(visit: Visit, guards: Sequence[str]) -> None:
    """Lets whoever typed wrong codes of late wait a moment; the desk's lock comes after it."""
    async with visit.desk.house.database.begin() as connection:
        count = await gift_codes.failures(connection, guards, now=visit.now)
    await asyncio.sleep(pause_after(count))


def _event(visit: Visit, kind: EventType, store: str, key: str, data: Frozen) -> Event:
    assert visit.session is not None
    whose, _, value = visit.session.identity
    subject = f"{whose}:customer:{value}" if whose else f"contact:{value}"
    return Event(type=kind, store=store, key=key, time=visit.now, subject=subject, data=data)


def _origin(visit: Visit) -> str:
    """Where the request comes from, so that guesses count, without keeping the address."""
    client = visit.request.client
    key = visit.desk.house.vault.derived("network addresses")
    return hmac.new(key, (client.host if client else "").encode(), sha256).hexdigest()[:32]


async def _book(visit: Visit, event: Event, *, said: str) -> Response:
    """Keeps the event, and answers with its outcome where that is known within two seconds.

    Args:
        said: The text for success.
    """
    assert visit.session is not None
    rate = Rate(f"actions {visit.session.id}", 30, 60)
    async with visit.desk.house.database.begin() as connection:
        is_within = await request_rates.is_within(connection, [rate], now=visit.now)
    if not is_within:
        raise Refused(429, "too_many", visit.wording.say("too_many"), "Wait a minute.")
    incoming = Incoming(event=event, received_at=visit.now)
    await visit.desk.house.commit.keep(Work(incoming=[incoming]))
    ended = await outcome_of(visit.desk.house.database, event.business_key)
    if ended is None or ended.state == "parked":
        return done({"state": "on_its_way", "text": visit.wording.say("on_its_way")}, 202)
    if ended.is_done:
        return done({"state": "done", "text": visit.wording.say(said)})
    key = f"refused_{ended.code}"
    text_key = key if visit.wording.knows(key) else "refused_other"
    return done({"state": "refused", "code": ended.code, "text": visit.wording.say(text_key)})
