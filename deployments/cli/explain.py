"""`hub explain`: why a sale earned what it earned, in words, and what became of it since."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.kit.redact import without_people
from deployments.cli.answers import Failure, answering, say, unusable, write_json
from deployments.cli.desk import Desk, at_desk
from loyalty.store import stories
from loyalty.story import PastEvent, Story
from rules.story import tell


@answering
def run_explain(name: str, *, store: str, as_json: bool) -> int:
    """Explains an order by its id, or an event by its number or key."""

    async def find(desk: Desk) -> Story:
        async with desk.database.begin() as connection:
            found = await stories.sold(connection, name, store=store)
            one = _the_one(found, name) or await stories.named(connection, name)
            if one is None:
                raise Failure(f"there is no order or event {name!r}", "`hub events` lists events")
            return await stories.story_of(connection, one, now=desk.now)

    told = tell(at_desk(find))
    if as_json:
        write_json(told.model_dump(mode="json"))
        return 0
    for line in told.says:
        say(without_people(line))
    for doubt in told.doubts:
        say(f"(Not certain: {doubt}.)")
    return 0


def _the_one(found: Sequence[PastEvent], name: str) -> PastEvent | None:
    """The event that the points were booked for: one store's, and the one with an outcome."""
    stores = sorted({one.store for one in found})
    if len(stores) > 1:
        raise unusable(f"{name} is an order in {' and '.join(stores)}", "say which with --store")
    told = [one for one in found if one.outcome is not None]
    return next(iter(told or found), None)
