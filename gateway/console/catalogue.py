"""The catalogue in the console: what can be had for points, added and changed by forms."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from connectors.kit.action import Capability
from connectors.kit.registry import manifest, slugs
from gateway.console import catalogue_form
from gateway.console.visit import Turned, Visit, Visitor
from loyalty.catalogue import RewardKind
from loyalty.programme import Programme
from loyalty.store import catalogue, reward_lists, rulebook
from loyalty.store.catalogue import CatalogueItem, ChangedMeanwhile

ADDRESS = "/console/rewards/catalogue"
NEW = "new"
_ISSUES = {Capability.COUPON, Capability.GIFT_CARD, Capability.STORE_CREDIT}

router = APIRouter(prefix="/catalogue")


@router.get("")
async def listing(visit: Visit) -> HTMLResponse:
    """All items, with how many of each are taken."""
    async with visit.house.database.begin() as connection:
        items = await catalogue.items(connection)
        programme = await rulebook.programme(connection)
        tally = await reward_lists.tally(connection, now=visit.now)
    counts: dict[str, dict[str, int]] = {}
    for one in tally:
        counts.setdefault(one.item, {})[one.state] = one.count
    return visit.page(
        "rewards/catalogue.html", items=items, counts=counts, scale=programme.unit_scale
    )


@router.get("/{item_id}")
async def form(visit: Visit, item_id: str) -> HTMLResponse:
    """The form of an item, or of a new one."""
    found, programme = await _known(visit, item_id)
    if found is None:
        shown = dict.fromkeys((*catalogue_form.FIELDS, *catalogue_form.TICKS), "")
        return _page(visit, programme, {**shown, "is_active": "yes", "names": "en: "}, seen=0)
    shown = catalogue_form.written(found.item, programme)
    return _page(visit, programme, shown, seen=found.version)


@router.post("/{item_id}")
async def save(visit: Visit, item_id: str) -> Response:
    """Keeps the item; what was issued before keeps the terms it was issued under."""
    found, programme = await _known(visit, item_id)
    names = (*catalogue_form.FIELDS, *catalogue_form.TICKS)
    sent = {name: visit.text(name, longest=20_000) for name in names}
    seen = visit.text("seen", longest=9)
    seen_version = int(seen) if seen.isascii() and seen.isdigit() else 0
    if found is not None:
        sent["id"] = found.item.id
    filled = catalogue_form.read_form(sent, programme)
    if filled.item is not None and filled.item.id == NEW:
        filled.problems["id"] = "This word is taken by the console itself: choose another."
    if filled.item is None or filled.problems:
        return _page(
            visit, programme, sent, seen=seen_version, problems=filled.problems, status=422
        )
    try:
        async with visit.house.database.begin() as connection:
            await catalogue.save(
                connection,
                filled.item,
                seen=seen_version,
                by=f"console:{visit.who}",
                now=visit.now,
            )
    except ChangedMeanwhile as error:
        problems = {"form": f"{error}."}
        return _page(visit, programme, sent, seen=seen_version, problems=problems, status=409)
    return visit.go(ADDRESS, said=f"{filled.item.id} is kept; members see it so from now on.")


async def _known(visit: Visitor, item_id: str) -> tuple[CatalogueItem | None, Programme]:
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        found = await catalogue.named(connection, [item_id])
    if item_id not in found and item_id != NEW:
        raise Turned(404, "There is no such reward", "The catalogue lists all there are.")
    return found.get(item_id), programme


def _page(
    visit: Visitor,
    programme: Programme,
    shown: Mapping[str, str],
    *,
    seen: int,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    return visit.page(
        "rewards/item.html",
        status=status,
        shown=shown,
        seen=seen,
        problems=problems or {},
        kinds=[(one.value, one.value.replace("_", " ")) for one in RewardKind],
        shops=[("", "as the programme's routes say"), *((one, one) for one in _shops(visit))],
        currency=programme.currency,
        zone=programme.zone,
        tiers=[level.name for level in programme.tiers.levels] if programme.tiers else [],
        action=f"{ADDRESS}/{shown['id'] if seen else NEW}",
    )


def _shops(visit: Visitor) -> list[str]:
    """Connections whose shop can issue rewards."""
    return [one.slug for one in visit.house.table.listed() if _issues(one.slug.partition("/")[0])]


def _issues(connector: str) -> bool:
    if connector not in slugs():
        return False
    return any(action.capability in _ISSUES for action in manifest(connector).actions)
