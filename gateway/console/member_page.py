"""The page of one member, gathered in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from fastapi.responses import HTMLResponse

from gateway.console.movements import in_words
from gateway.console.points import shown_points
from gateway.console.verdicts import verdicts_in_words
from gateway.console.visit import Visitor
from loyalty.programme import Programme
from loyalty.store import delivery_lists, member_records
from loyalty.store.balances import balance
from loyalty.store.books import BookTerms
from loyalty.store.delivery_lists import Search
from loyalty.store.expiry_since import expiry_since
from loyalty.store.people import Member
from loyalty.store.recipients import consent_log
from loyalty.store.verdicts import verdicts_on

SHOWN = 30


async def member_page(
    visit: Visitor,
    one: Member,
    programme: Programme,
    *,
    before: UUID | None = None,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Everything there is of a member.

    Args:
        before: The last movement of the page before.
        problems: What is wrong with the form that was sent, by field.
    """
    async with visit.house.database.begin() as connection:
        terms = BookTerms.of(programme, await expiry_since(connection))
        values: dict[str, Any] = {
            "balance": await balance(connection, one.id, terms, now=visit.now),
            "known_by": await member_records.identities_of(connection, one.id),
            "lots": await member_records.open_lots(connection, one.id, now=visit.now, limit=SHOWN),
            "waiting": await member_records.waiting_adjustments(connection, one.id),
            "consents": await consent_log(connection, one.id, limit=SHOWN),
            "messages": await delivery_lists.search(connection, Search(member=one.id, limit=SHOWN)),
        }
        values["verdicts"] = verdicts_in_words(
            await verdicts_on(connection, [each.id for each in values["messages"]]),
            values["messages"],
        )
        found = await member_records.movements(connection, one.id, limit=SHOWN + 1, before=before)
    movements = found[:SHOWN]
    older = str(movements[-1].id) if len(found) > SHOWN else ""
    return visit.page(
        "console/member.html",
        status=status,
        member=one,
        scale=programme.unit_scale,
        movements=[(each, in_words(each)) for each in movements],
        older=older,
        problems=problems or {},
        form={"points": visit.text("points"), "reason": visit.text("reason")},
        once=visit.text("once") or str(uuid4()),
        points=lambda number: shown_points(number, programme.unit_scale),
        **values,
    )
