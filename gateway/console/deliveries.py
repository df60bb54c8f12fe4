"""Deliveries: what failed and why, and a person's word on what is to become of it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.console.paging import ROWS, Paging
from gateway.console.rendering import query
from gateway.console.verdicts import verdicts_in_words
from gateway.console.visit import Turned, Visit
from loyalty.store import attempts, delivery_lists
from loyalty.store.delivery_lists import Search
from loyalty.store.verdicts import verdicts_on

router = APIRouter(prefix="/console/deliveries")
HERE = "/console/deliveries"

STATES = (
    "dead", "unknown", "parked", "held", "suppressed", "cancelled", "pending", "sending", "sent",
)  # fmt: skip
TROUBLE = ("dead", "unknown", "parked", "held")
MOST = 200
"""How many can be decided on at once."""


@router.get("")
async def listed(
    visit: Visit, state: str = "", route: str = "", key: str = "", before: UUID | None = None
) -> HTMLResponse:
    """Those that did not go out, or those in a state; newest first."""
    states = (state,) if state in STATES else TROUBLE
    route, key = route.strip()[:100], key.strip()[:200].replace("\x00", "")
    wanted = Search(states=states, route=route, key=key, limit=ROWS + 1, before=before)
    async with visit.house.database.begin() as connection:
        found = await delivery_lists.search(connection, wanted)
    chosen = {"state": state, "route": route, "key": key}
    rows, first = found[:ROWS], query(chosen)
    after = query({**chosen, "before": rows[-1].id}) if len(found) > ROWS else ""
    pages = Paging(
        before=f"{HERE}?{first}" if before else "", after=f"{HERE}?{after}" if after else ""
    )
    return visit.page(
        "console/deliveries.html",
        deliveries=rows,
        pages=pages,
        states=[("", "not gone out"), *((one, one) for one in STATES)],
        chosen=chosen,
        here=f"{HERE}?{first}",
    )


@router.get("/{delivery_id}")
async def shown(visit: Visit, delivery_id: UUID) -> HTMLResponse:
    """One delivery: what it says, and every try."""
    async with visit.house.database.begin() as connection:
        found = await delivery_lists.search(connection, Search(ids=(delivery_id,)))
        if not found:
            raise Turned(404, "There is no such delivery", "The list has all there are.")
        tries = await attempts.attempts_of(connection, delivery_id)
        verdicts = verdicts_in_words(await verdicts_on(connection, [delivery_id]), found)
    return visit.page(
        "console/delivery.html", one=found[0], tries=tries, verdicts=verdicts.get(delivery_id, [])
    )


@router.post("")
async def decide(visit: Visit) -> Response:
    """Sends again, says that it arrived, or gives up: one or many, with a reason."""
    act = ACTS.get(visit.text("act"))
    ids = _ids(visit.texts("id"))
    reason, back = visit.text("reason", longest=300), _back(visit.text("back"))
    if act is None or not ids:
        return visit.go(back, said="Tick the deliveries, and choose what to do.", tone="bad")
    if not reason:
        return visit.go(back, said="Say why: it is kept with the deliveries.", tone="bad")
    async with visit.house.database.begin() as connection:
        found = await delivery_lists.search(connection, Search(ids=tuple(ids), limit=len(ids)))
    doubtful = sum(one.state == "unknown" for one in found)
    if (act.state == "cancelled" or (act.state == "pending" and doubtful)) and (
        not visit.is_confirmed
    ):
        fields = {"act": visit.text("act"), "id": visit.texts("id"), "reason": reason, "back": back}
        return visit.ask(
            f"{act.word} {len(found)} {_noun(len(found))}?",
            act.warning.format(doubtful=doubtful),
            fields=fields,
            word=act.word,
            back=back,
        )
    return await _decided(visit, act, ids, reason=reason, back=back)


class Act:
    """What a person can decide: its state in the store, and its words."""

    def __init__(self, state: str, name: str, *, word: str, done: str, warning: str) -> None:
        self.state, self.name, self.word, self.done = state, name, word, done
        self.warning = warning


ACTS = {
    "again": Act(
        "pending",
        "sent_again",
        word="Send again",
        done="sent again",
        warning="Of {doubtful} of them nobody knows whether they arrived: they may arrive twice. "
        "Look at the vendor first.",
    ),
    "sent": Act("sent", "said_to_be_sent", word="It arrived", done="marked as sent", warning=""),
    "cancel": Act(
        "cancelled",
        "cancelled",
        word="Give up",
        done="given up",
        warning="They will never be sent.",
    ),
}


async def _decided(
    visit: Visit, act: Act, ids: Sequence[UUID], *, reason: str, back: str
) -> RedirectResponse:
    async with visit.house.database.begin() as connection:
        changed = await delivery_lists.decide(connection, ids, state=act.state, reason=reason)
        for one in changed:
            await visit.note(connection, f"delivery.{act.name}", str(one), {"why": reason})
    said = f"{len(changed)} {_noun(len(changed))} {act.done}."
    left = len(ids) - len(changed)
    if left:
        said += f" {left} stayed: their state does not allow it, or changed meanwhile."
    return visit.go(back, said=said, tone="good" if changed else "bad")


def _ids(given: Sequence[str]) -> list[UUID]:
    found = []
    for one in given[:MOST]:
        try:
            found.append(UUID(one))
        except ValueError:
            raise Turned(400, "This is no delivery", "Tick deliveries in the list.") from None
    return list(dict.fromkeys(found))


def _noun(count: int) -> str:
    return "delivery" if count == 1 else "deliveries"


def _back(given: str) -> str:
    """Back to this section, whatever was sent."""
    is_ours = given.startswith((HERE + "?", HERE + "/")) and given.isascii() and "\\" not in given
    return given[:500] if is_ours and given.isprintable() else HERE
