"""A person who asks to be forgotten is in no column of no table any more; the figures stay."""

from __future__ import annotations

from loyalty.store import rulebook
from loyalty.store.inbox import Incoming, accept
from tests.flows.booking.accounts import (
    BO,
    PLAIN,
    adjusted,
    balance,
    check,
    ending,
    erased,
    held,
    merged,
    programme,
    spent,
)
from tests.flows.booking.desk import (
    CONSENTING,
    NOON,
    Desk,
    event,
    paid,
    redeemed,
    refunded,
    report,
    signed_up,
    texted,
)

SOFIA = {
    **CONSENTING,
    "id": "c7",
    "email": "Sofia.Quist@Example.com",
    "phone": "+4915198765432",
    "first_name": "Sofia",
    "last_name": "Quistgaard",
    "birthday": "1990-03-15",
    "card": "card-778899",
}
WORDS = ("sofia", "quist", "4915198765432", "15198765432", "card-778899")

_COLUMNS = """
select table_name, column_name, data_type from information_schema.columns
where table_schema = 'public' and table_name <> 'alembic_version'
  and data_type in ('text', 'jsonb', 'json', 'bytea', 'ARRAY', 'character varying')
"""


async def found(desk: Desk) -> list[tuple[str, str, str]]:
    """(table, column, word) wherever one of the person's words still stands."""
    places = []
    for column in await desk.rows(_COLUMNS):
        value = f'"{column.column_name}"'
        text = f"encode({value}, 'escape')" if column.data_type == "bytea" else f"{value}::text"
        for word in WORDS:
            rows = await desk.rows(
                f'select 1 from "{column.table_name}" where lower({text}) like :word limit 1',
                word=f"%{word}%",
            )
            places += [(column.table_name, column.column_name, word)] * len(rows)
    return places


async def accept_raw(desk: Desk, *events: object) -> None:
    """Takes events in as the gateway does, with the bytes they were read from."""
    async with desk.database.begin() as connection:
        incoming = [
            Incoming(one, received_at=desk.now, raw=one.model_dump_json().encode(), delivery_id="d")  # type: ignore[attr-defined,arg-type]
            for one in events
        ]
        await accept(connection, incoming)
    await desk.work_off()


async def a_life(desk: Desk) -> None:
    """Everything that leaves a trace: orders, refunds, messages, holds, refusals, a merge."""
    desk.programme = programme(adjust={"approval_above": 100, "negative": "refuse"}, retro_days=30)
    async with desk.database.begin() as connection:
        await rulebook.save_programme(connection, desk.programme, now=NOON)
    guest = {"email": "sofia.quist@example.com", "first_name": "Sofia"}
    await accept_raw(
        desk,
        texted("m0", "Hello, Sofia here", sender="+4915198765432"),
        signed_up(SOFIA),
        paid("250.00", customer=SOFIA),
        refunded("r1", "10.00", customer=SOFIA),
        paid("20.00", id="1002", customer=guest),
        redeemed("q1", 30, SOFIA),
        redeemed("q2", 100_000, SOFIA),
        held("h1", 20, customer=SOFIA),
        spent("t1", 10, is_offline=True, customer=SOFIA),
        adjusted("a1", 20, customer=SOFIA, reason="Sofia called"),
        adjusted("a2", 2000, customer=SOFIA, reason="Sofia Quistgaard called"),
        texted("m1", "STOP, says Sofia", sender="+4915198765432"),
        texted("m2", "please stop texting me. Sofia", sender="+4915198765432"),
        report(
            "message.bounced",
            "b1",
            "email",
            "Sofia.Quist@example.com",
            detail="sofia?",
            permanent=True,
        ),
        event(
            "consent.requested",
            "k1",
            {"channel": "sms", "address": "+4915198765432", "name": "Sofia"},
            store="hub",
        ),
        event("activity.reported", "v:1", {"name": "v", "ref": "1", "customer": SOFIA}),
        signed_up(BO),
        merged(BO, SOFIA),
    )
    await desk.rows("""
        insert into attempts (delivery_id, number, started_at, ended_at, outcome, detail)
        select id, 1, created_at, created_at, 'sent', 'to sofia' from deliveries returning 1
    """)


async def test_nothing_tells_who_it_was(desk: Desk) -> None:
    await a_life(desk)
    assert {table for table, _, _ in await found(desk)} >= {
        "adjustments", "attempts", "consents", "deliveries", "identities", "inbox", "members",
        "reviews", "sales", "suppressions",
    }  # fmt: skip
    await accept_raw(desk, erased(SOFIA))
    assert await found(desk) == []
    rows = await desk.rows("select distinct state from members")
    assert [row.state for row in rows] == ["erased"]


async def test_the_points_are_lost_and_the_books_still_add_up(desk: Desk) -> None:
    await a_life(desk)
    await accept_raw(desk, erased(SOFIA))
    await check(desk)
    (total,) = await desk.rows("""
        select (select sum(points) from entries) as entries,
               (select sum(remaining) from lots) as lots, (select sum(held) from lots) as held,
               (select count(*) from holds where state = 'held') as holds
    """)
    assert tuple(total) == (0, 0, 0, 0)


async def test_an_old_webhook_is_still_a_duplicate_and_brings_nobody_back(desk: Desk) -> None:
    await a_life(desk)
    await accept_raw(desk, erased(SOFIA))
    assert await desk.accept(paid("250.00", customer=SOFIA)) == set()
    late = refunded("r9", "50.00")
    await desk.take(late)
    assert await ending(desk, late) == ("done", "erased")
    assert await desk.rows("select 1 from members where state = 'enrolled'") == []
    await check(desk)


async def test_a_later_guest_of_that_address_is_an_unknown_guest(desk: Desk) -> None:
    await a_life(desk)
    await accept_raw(desk, erased(SOFIA))
    guest = paid("10.00", id="3001", customer={"email": "sofia.quist@example.com"})
    await desk.take(guest)
    assert (await desk.state_of(guest))[0] == "parked"
    assert await desk.rows("select 1 from members where state = 'enrolled'") == []


async def test_what_waited_for_somebody_without_an_account_is_forgotten_too(desk: Desk) -> None:
    desk.rules = PLAIN
    guest = {"email": "sofia.quist@example.com", "first_name": "Sofia"}
    sale, other = paid("10.00", customer=guest), paid("5.00", id="2", customer=BO)
    await accept_raw(desk, sale, other, erased(guest))
    assert await found(desk) == []
    assert (await desk.state_of(sale))[0] == "refused"
    assert await balance(desk, BO["email"]) == (5, 0, 0)


async def test_others_keep_everything(desk: Desk) -> None:
    desk.rules = PLAIN
    await accept_raw(desk, paid("30.00", id="1", customer=BO), paid("9.00", customer=SOFIA))
    first = "select to_jsonb(t) as row from inbox t order by id limit 1"
    before = await desk.rows(first)
    await accept_raw(desk, erased(SOFIA))
    assert await desk.rows(first) == before
    (bo,) = await desk.rows("select email, state, points from members where state = 'enrolled'")
    assert tuple(bo) == ("bo@example.com", "enrolled", 30)
