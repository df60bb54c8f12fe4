"""`hub liability`: points outstanding and what they may cost, now or at any instant of the past."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal

from deployments.cli.answers import answering, moment, say, show_fields, write_json
from deployments.cli.desk import Desk, at_desk
from deployments.cli.instants import instant
from loyalty.liability import Liability
from loyalty.store import rulebook
from loyalty.store.books import BookTerms
from loyalty.store.expiry_since import expiry_since
from loyalty.store.liability import liability_at


@answering
def run_liability(as_of: str, *, as_json: bool) -> int:
    """Tells what the points that people hold may cost, by what was in the books by then."""

    async def find(desk: Desk) -> tuple[Liability, int]:
        at = instant(as_of, "--as-of") if as_of else desk.now
        async with desk.database.begin() as connection:
            programme = await rulebook.programme(connection)
            terms = BookTerms.of(programme, await expiry_since(connection))
            found = await liability_at(connection, programme, terms, at=at)
        return found, programme.unit_scale

    found, scale = at_desk(find)
    if as_json:
        write_json(asdict(found) | {"unit_scale": scale})
        return 0
    say(f"At {moment(found.at)}, by what was in the books by then:")
    show_fields(
        [
            ("points outstanding", _points(found.outstanding, scale)),
            ("points pending", _points(found.pending, scale)),
            ("points owed by members", _points(found.owed, scale)),
            ("cost if all are spent", f"{found.gross} {found.currency}"),
            ("expected cost", f"{found.expected} {found.currency}"),
        ]
    )
    return 0


def _points(units: int, scale: int) -> str:
    """Points as people count them; the books count the smallest unit."""
    return f"{Decimal(units).scaleb(-scale):,}"
