"""Rewards in the console: who has what, voiding one or all of an item, handing out."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from gateway.console import catalogue as catalogue_pages
from gateway.console.happening import happened, told
from gateway.console.paging import ROWS, offset_of, paged
from gateway.console.visit import Turned, Visit, Visitor
from loyalty import reward_events
from loyalty.reward_use import ASKS_A_PERSON
from loyalty.store import catalogue, errands, reward_lists, rulebook
from loyalty.store.reward_lists import Listed, Wanted

ADDRESS = "/console/rewards"
VOIDABLE = ("held", "issued")

router = APIRouter(prefix=ADDRESS)
router.include_router(catalogue_pages.router)


@router.get("")
async def listing(
    visit: Visit, item: str = "", state: str = "", who: str = "", page: str = "1"
) -> HTMLResponse:
    """Rewards that fit the filter, newest first."""
    asked = {"item": item[:60], "state": state[:20], "who": who.strip()[:200]}
    wanted, offset = Wanted(**asked), offset_of(page)
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        items = await catalogue.items(connection)
        found = await reward_lists.listed(
            connection, wanted, now=visit.now, limit=ROWS + 1, offset=offset
        )
        count = await reward_lists.count_voidable(connection, wanted) if wanted.item else 0
    rows, pages = paged(found, offset=offset, address=ADDRESS, query=asked)
    return visit.page(
        "rewards/list.html",
        wanted=wanted,
        rewards=rows,
        pages=pages,
        items=[("", "any"), *((one.item.id, one.item.name_in("")) for one in items)],
        states=[("", "any"), *((one, one) for one in reward_lists.STATES)],
        count=count,
        scale=programme.unit_scale,
    )


@router.get("/one/{reward_id}")
async def one(visit: Visit, reward_id: UUID) -> HTMLResponse:
    """One reward, and what can be done with it."""
    found = await _known(visit, reward_id)
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
    return visit.page(
        "rewards/one.html",
        one=found,
        reward=found.reward,
        can_void=found.state in VOIDABLE and found.reward.void is None,
        can_hand_out=found.state == "issued" and found.reward.terms.kind in ASKS_A_PERSON,
        scale=programme.unit_scale,
    )


@router.post("/one/{reward_id}/void")
async def void(visit: Visit, reward_id: UUID) -> Response:
    """Takes one back, once, however often the form is sent."""
    found = await _known(visit, reward_id)
    reason = visit.text("reason", longest=400)
    page = f"{ADDRESS}/one/{reward_id}"
    if not reason:
        return visit.go(page, said="Say why: it is kept with the reward.", tone="bad")
    gives_back = visit.text("gives_back") == "yes"
    event = reward_events.voided(
        found.reward,
        by=f"console:{visit.who}",
        reason=reason,
        gives_back=gives_back,
        now=visit.now,
    )
    async with visit.house.database.begin() as connection:
        detail = {"reason": reason, "gives_back": gives_back}
        await visit.note(connection, "reward.voided", str(reward_id), detail)
    done = "It is taken back" + (", and the points are returned." if gives_back else ".")
    tone, said = told(await happened(visit, event), done=done)
    return visit.go(page, said=said, tone=tone)


@router.post("/one/{reward_id}/hand-out")
async def hand_out(visit: Visit, reward_id: UUID) -> Response:
    """Says that the member has got what it is."""
    found = await _known(visit, reward_id)
    event = reward_events.handed_out(found.reward, by=f"console:{visit.who}", now=visit.now)
    async with visit.house.database.begin() as connection:
        await visit.note(connection, "reward.handed_out", str(reward_id))
    tone, said = told(await happened(visit, event), done="It is marked as used.")
    return visit.go(f"{ADDRESS}/one/{reward_id}", said=said, tone=tone)


@router.post("/void-all")
async def void_all(visit: Visit) -> Response:
    """Has every reward of an item taken back, after a look at how many that are."""
    item, reason = visit.text("item", longest=60), visit.text("reason", longest=400)
    if not item or len(reason) < 3:
        raise Turned(422, "Say which reward, and why", "The reason is kept with every reward.")
    wanted = Wanted(item=item)
    async with visit.house.database.begin() as connection:
        count = await reward_lists.count_voidable(connection, wanted)
    gives_back = visit.text("gives_back") == "yes"
    back = f"{ADDRESS}?item={item}"
    if not count:
        return visit.go(back, said="There is none that could be taken back.", tone="wait")
    if not visit.is_confirmed:
        points = "get their points back" if gives_back else "do not get their points back"
        return visit.ask(
            f"Take back {count} rewards?",
            f"They are ended in the shop where it can, and the members {points}. Rewards that "
            "were used stay as they are.",
            fields={"item": item, "reason": reason, "gives_back": "yes" if gives_back else "no"},
            word=f"Take back {count} rewards",
            back=back,
        )
    parameters = {
        "item": item,
        "reason": reason,
        "gives_points_back": gives_back,
        "by": f"console:{visit.who}"[:100],
        "really": True,
    }
    async with visit.house.database.begin() as connection:
        await errands.ask(
            connection,
            deployment="void-rewards",
            parameters=parameters,
            key=f"void-rewards:{item}:{visit.now:%Y%m%dT%H%M}",
            now=visit.now,
        )
        await visit.note(connection, "rewards.void_asked", item, parameters)
    return visit.go(back, said=f"{count} rewards are being taken back; Home shows the run.")


async def _known(visit: Visitor, reward_id: UUID) -> Listed:
    async with visit.house.database.begin() as connection:
        found = await reward_lists.listed(
            connection, Wanted(who=str(reward_id)), now=visit.now, limit=1
        )
    if not found or found[0].reward.id != reward_id:
        raise Turned(404, "There is no such reward", "The list shows all there are.")
    return found[0]
