"""Members, the keys they are found by, and what they said."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from loyalty.events import Channel, ConsentState, Customer
from loyalty.gate import Words
from loyalty.store import people
from loyalty.store.database import Database
from loyalty.store.ids import new_id
from loyalty.store.people import ConsentNote, Identity, Member

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GRANTED, WITHDRAWN = ConsentState.GRANTED, ConsentState.WITHDRAWN
EMAIL: Identity = ("", "email", "ada@example.com")
CUSTOMER: Identity = ("shopify/main", "customer", "1")


def member(**fields: object) -> Member:
    """A member who joined at noon."""
    return Member(id=new_id(NOON), joined_at=NOON, created_at=NOON, **fields)  # type: ignore[arg-type]


async def test_a_member_is_written_and_read_whole(database: Database) -> None:
    ada = member(
        first_name="Ada 🫖",
        email="ada@example.com",
        tags=["a", 'b"c', "d,e"],
        birthday=NOON.date(),
        lifetime_spend=Decimal("12345678901.25"),
        points=2**40,
    )
    async with database.begin() as connection:
        await people.add(connection, [ada], now=NOON)
    async with database.begin() as connection:
        found = await people.lock(connection, [ada.id, UUID(int=5)])
    assert found == {ada.id: ada}
    ada.first_name, ada.is_changed = "Augusta", True
    async with database.begin() as connection:
        await people.save(connection, [ada, member()], now=NOON + timedelta(days=1))
        (again,) = (await people.lock(connection, [ada.id])).values()
    assert (again.first_name, again.created_at) == ("Augusta", NOON)


async def test_a_key_belongs_to_whoever_came_first(database: Database) -> None:
    one, two = UUID(int=1), UUID(int=2)
    async with database.begin() as connection:
        first = await people.claim_identities(connection, {EMAIL: one}, now=NOON)
        second = await people.claim_identities(connection, {EMAIL: two, CUSTOMER: two}, now=NOON)
        found = await people.find(connection, [EMAIL, CUSTOMER, ("", "phone", "+49")])
    assert first == {EMAIL: one}
    assert second == found == {EMAIL: one, CUSTOMER: two}


async def test_whoever_claims_at_the_same_time_learns_who_won(database: Database) -> None:
    one, two = UUID(int=1), UUID(int=2)
    async with database.begin() as first:
        await people.claim_identities(first, {EMAIL: one, CUSTOMER: one}, now=NOON)

        async def late() -> dict[Identity, UUID]:
            async with database.begin() as second:
                return await people.claim_identities(second, {CUSTOMER: two, EMAIL: two}, now=NOON)

        waiting = asyncio.create_task(late())
        await asyncio.sleep(0.1)
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, 2) == {EMAIL: one, CUSTOMER: one}


async def test_claims_in_any_order_do_not_block_each_other(database: Database) -> None:
    keys: list[Identity] = [("", "email", f"{n}@example.com") for n in range(12)]

    async def claim(number: int) -> dict[Identity, UUID]:
        turned = keys[number:] + keys[:number]
        async with database.begin() as connection:
            wanted = dict.fromkeys(turned, UUID(int=number + 1))
            return await people.claim_identities(connection, wanted, now=NOON)

    owners = await asyncio.gather(*(claim(number) for number in range(8)))
    assert all(one == owners[0] for one in owners)
    assert len(set(owners[0].values())) == 1


async def test_a_draft_hands_its_keys_over(database: Database) -> None:
    one, two = UUID(int=1), UUID(int=2)
    async with database.begin() as connection:
        await people.claim_identities(connection, {EMAIL: one, CUSTOMER: two}, now=NOON)
        await people.hand_over(connection, {two: one})
        assert await people.find(connection, [EMAIL, CUSTOMER]) == {EMAIL: one, CUSTOMER: one}


def test_a_person_is_found_by_id_then_email_then_telephone() -> None:
    customer = Customer(id="1", email=" Ada@Example.com", phone="01511 2345678", country="DE")
    assert people.identities_of("shopify/main", customer) == [
        CUSTOMER,
        EMAIL,
        ("", "phone", "+4915112345678"),
    ]
    assert people.identities_of("shop", Customer(email="no", phone="no")) == []


def test_what_a_store_does_not_say_is_not_forgotten() -> None:
    ada = member(first_name="Ada", email="ada@example.com", tags=["a"])
    assert not ada.learn(Customer(id="1", email="nonsense"), at=NOON)
    assert not ada.is_changed
    assert ada.learn(Customer(id="1", last_name="L", tags=("a", "b"), created_at=NOON), at=NOON)
    assert (ada.first_name, ada.last_name, ada.email) == ("Ada", "L", "ada@example.com")
    assert ada.tags == ["a", "b"]
    earlier = NOON - timedelta(days=400)
    assert ada.learn(Customer(id="1", created_at=earlier), at=NOON)
    assert ada.joined_at == earlier


# --- consent -------------------------------------------------------------------------------------

SAID = [("shop", GRANTED, 0), ("sms", WITHDRAWN, 5), ("shop", GRANTED, 9), ("shop", WITHDRAWN, 9)]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ([0], GRANTED),
        ([0, 1], WITHDRAWN),
        ([1, 2], GRANTED),
        ([2, 3], WITHDRAWN),
        ([0, 1, 2, 3], WITHDRAWN),
        ([], None),
    ],
)
async def test_the_latest_word_counts_and_at_the_same_instant_the_no(
    database: Database, said: list[int], state: ConsentState | None
) -> None:
    """Whatever order the words come in; in the database and in memory alike."""
    about = ("email", "ada@example.com")
    for at, turned in enumerate(itertools.permutations(said)):
        address = f"{at}@example.com"
        words = Words()
        notes = []
        for number in turned:
            store, word, minutes = SAID[number]
            when = NOON + timedelta(minutes=minutes)
            words.hear(about, store=store, state=word, at=when)
            notes.append(ConsentNote(UUID(int=1), Channel.EMAIL, address, word, f"{store} t", when))
        assert words.state(*about) is state
        async with database.begin() as connection:
            await people.note_consents(connection, notes, now=NOON)
            stored = await people.words_on(connection, [("email", address), ("sms", address)])
        assert stored.state("email", address) is state
        assert stored.state("sms", address) is None


async def test_a_store_that_repeats_itself_says_nothing_new(database: Database) -> None:
    address, about = "ada@example.com", ("email", "ada@example.com")
    note = ConsentNote(UUID(int=1), Channel.EMAIL, address, GRANTED, "shop customer.created", NOON)
    async with database.begin() as connection:
        await people.note_consents(connection, [note], now=NOON)
        words = await people.words_on(connection, [about])
    assert not words.is_news(about, store="shop", state=GRANTED)
    assert words.is_news(about, store="shop", state=WITHDRAWN)
    assert words.is_news(about, store="till", state=GRANTED)
    assert words.is_news(("sms", address), store="shop", state=GRANTED)


async def test_nothing_asked_is_nothing_found(database: Database) -> None:
    async with database.begin() as connection:
        assert await people.find(connection, []) == {}
        assert await people.lock(connection, []) == {}
        assert list(await people.words_on(connection, [])) == []
        await people.add(connection, [], now=NOON)
