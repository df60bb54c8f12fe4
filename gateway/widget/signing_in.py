"""How a person signs in: a link by e-mail, or the word of the shop."""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from pydantic import Field

from connectors.bigcommerce.account import BigCommerceAccount
from connectors.shopify.account import ShopifyAccount
from gateway.answers import SECURITY_HEADERS, Refused
from gateway.widget import vouching
from gateway.widget.desk import PlainRoute, Visit, Visiting, desk_of, done
from gateway.widget.sessions import BY_LINK, BY_SHOP, Person, digest
from gateway.widget.vouching import NotVouched
from loyalty.contacts import normal_email
from loyalty.events import Event, EventType, Frozen, SignInRequest
from loyalty.links import LinkInvalid, LinkKind
from loyalty.sites import Site
from loyalty.store import inbox, request_rates, sign_ins
from loyalty.store.ids import new_id
from loyalty.store.inbox import Incoming
from loyalty.store.request_rates import Rate
from loyalty.store.sign_ins import SignIn

LINK_LASTS = timedelta(minutes=15)
CODE_LASTS = timedelta(minutes=5)
MARK_LASTS = timedelta(hours=1)

_CARRIED = re.compile(r"/([a-z])/([A-Za-z0-9._-]{1,1000})")
_MAY_BE_CARRIED = (LinkKind.JOIN, LinkKind.BIND, LinkKind.REFER)

router = APIRouter(prefix="/widget/api/{site}", route_class=PlainRoute, include_in_schema=False)
vouch_router = APIRouter(
    prefix="/widget/vouch/{site}", route_class=PlainRoute, include_in_schema=False
)


class AskedLink(Frozen):
    """What the page sends to ask for a link."""

    email: str = Field(max_length=254)
    carries: str = Field("", max_length=1100)


class Shown(Frozen):
    """What the page shows to be signed in: the shop's word, or a code from the link."""

    token: str = Field("", max_length=4000)
    code: str = Field("", max_length=100)
    agreed: bool = False


@router.post("/sign-in")
async def ask_for_link(visit: Visiting) -> Response:
    """Sends a link to an address; the answer is the same whoever it belongs to, or nobody."""
    asked = AskedLink.model_validate(await visit.document())
    email = normal_email(asked.email)
    if email is None:
        raise Refused(422, "bad_email", visit.wording.say("bad_email"), "Correct the address.")
    answer = done({"state": "sent", "text": visit.wording.say("link_sent")}, 202)
    mark = visit.desk.sessions.know_again(visit.request, answer, lasts=MARK_LASTS)
    wanted = SignIn(
        id=new_id(visit.now),
        site=visit.site.id,
        email=email,
        locale=visit.wording.language,
        carries=carried(visit, asked.carries),
        asked_by=digest(mark),
        expires_at=visit.now + LINK_LASTS,
    )
    async with visit.desk.house.database.begin() as connection:
        is_within = await request_rates.is_within(connection, _rates(visit, email), now=visit.now)
        if is_within:
            await sign_ins.ask(connection, wanted, now=visit.now)
            await inbox.accept(connection, [_request(visit, wanted)])
    if not is_within:
        raise Refused(429, "too_many", visit.wording.say("too_many"), "Wait a few minutes.")
    return answer


def _rates(visit: Visit, email: str) -> list[Rate]:
    """Few for an address, so that nobody's inbox is flooded; some more for a whole site."""
    site = visit.site.id
    return [
        Rate(f"sign-in address {email}", 3, 300),
        Rate(f"sign-in address by day {email}", 20, 86_400),
        Rate(f"sign-in site {site}", 600, 60),
    ]


def _request(visit: Visit, wanted: SignIn) -> Incoming:
    event = Event(
        type=EventType.SIGN_IN_ASKED,
        store=f"widget/{visit.site.id}",
        key=str(wanted.id),
        time=visit.now,
        subject=f"sign-in:{wanted.id}",
        data=SignInRequest(sign_in_id=str(wanted.id)),
    )
    return Incoming(event=event, received_at=visit.now)


def carried(visit: Visit, page: str) -> str:
    """The page to go on to, where it is one of the hub's own links; empty otherwise."""
    found = _CARRIED.fullmatch(page)
    if found is None:
        return ""
    try:
        kind = LinkKind(found[1])
        visit.desk.house.links.read(kind, found[2])
    except (ValueError, LinkInvalid):
        return ""
    return page if kind in _MAY_BE_CARRIED else ""


@router.post("/session")
async def take_session(visit: Visiting) -> Response:
    """Signs in by the shop's word or by a code of a link."""
    shown = Shown.model_validate(await visit.document())
    if shown.code:
        return await _by_code(visit, shown)
    try:
        person = await _vouched(visit, shown.token)
    except NotVouched as error:
        raise Refused(403, "not_vouched", str(error), "See docs/widget.md.") from None
    token = await visit.desk.sessions.begin(person, visit.site.id, lasts=BY_SHOP)
    answer = done({"state": "signed_in", "token": token})
    visit.desk.sessions.keep(answer, token, lasts=BY_SHOP)
    return answer


async def _by_code(visit: Visit, shown: Shown) -> Response:
    """Takes a sign-in by link over into the shop's page.

    A browser that asked for the link is known again by its mark. Otherwise somebody may have
    sent the address of the shop's page with a code of their own, to have a stranger act in
    their account: so the person is asked whose it is to be.
    """
    async with visit.desk.house.database.begin() as connection:
        found = await sign_ins.of_code(
            connection, digest(shown.code), site=visit.site.id, now=visit.now
        )
        mark = digest(visit.desk.sessions.mark_of(visit.request))
        is_same = found is not None and hmac.compare_digest(mark, found.asked_by)
        if found is not None and (is_same or shown.agreed):
            await sign_ins.drop_code(connection, found.id)
    if found is None:
        raise Refused(410, "over", visit.wording.say("link_over"), "Ask for a new link.")
    if not (is_same or shown.agreed):
        return done({"state": "asks", "email": veiled(found.email)})
    token = await visit.desk.sessions.begin(person_of(found), visit.site.id, lasts=BY_LINK)
    answer = done({"state": "signed_in", "token": token})
    visit.desk.sessions.keep(answer, token, lasts=BY_LINK)
    return answer


def person_of(found: SignIn) -> Person:
    """Whom a used link signs in."""
    return Person(
        ("", "email", found.email),
        email=found.email,
        locale=found.locale,
        carries=found.carries,
    )


def veiled(email: str) -> str:
    """An address that its owner knows again and nobody else learns: m…a@example.com."""
    name, _, host = email.partition("@")
    return f"{name[0]}…{name[-1] if len(name) > 2 else ''}@{host}"


def new_code() -> str:
    """What takes a sign-in back to the shop's page."""
    return secrets.token_urlsafe(24)


async def _vouched(visit: Visit, token: str) -> Person:
    site, house, now = visit.site, visit.desk.house, visit.now
    match site.vouches:
        case "signed":
            secret = vouching.secret_of(house.vault, site)
            return vouching.by_own_form(site, token, secret, now=now)
        case "shopify":
            return vouching.by_own_word(house.links, site, token, now=now)
        case "bigcommerce":
            account = (await house.table.find(site.connection)).account
            assert isinstance(account, BigCommerceAccount)
            return vouching.by_bigcommerce(
                site, token, account.webhook_secrets, store_hash=account.store_hash, now=now
            )
        case _:
            raise NotVouched("this site's shop does not vouch for its customers")


@router.post("/sign-out")
async def sign_out(visit: Visiting) -> Response:
    """Ends the session."""
    if visit.session is not None:
        await visit.desk.sessions.end(visit.session)
    answer = done({"state": "signed_out"})
    visit.desk.sessions.forget(answer)
    return answer


@vouch_router.get("/shopify")
async def shopify_proxy(site: str, request: Request) -> Response:
    """What Shopify's app proxy asks: the answer is the customer in the hub's own words."""
    desk = desk_of(request)
    found = await desk.boards.site(site)
    if found.vouches != "shopify":
        raise Refused(404, "unknown_address", "this site has no app proxy", "See docs/widget.md.")
    account = (await desk.house.table.find(found.connection)).account
    assert isinstance(account, ShopifyAccount)
    try:
        customer = vouching.by_shopify(
            found,
            request.query_params.multi_items(),
            account.webhook_secrets,
            shop=account.shop_domain,
            now=desk.now(),
        )
    except NotVouched as error:
        raise Refused(403, "not_vouched", str(error), "See docs/widget.md.") from None
    word = _word(found, request, customer)
    return Response(word, media_type="text/plain", headers=SECURITY_HEADERS)


def _word(site: Site, request: Request, customer: str) -> str:
    desk = desk_of(request)
    if not customer:
        return ""
    return vouching.own_word(desk.house.links, site, customer, now=desk.now())
