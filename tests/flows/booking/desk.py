"""Books events as the flows do, without Prefect: one transaction per batch, on a real database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.booking import Booked, Terms, book
from flows.directory import Directory
from flows.planning import Planner
from flows.runtime import shipped_texts
from loyalty.events import TRIGGERS, Event, subject_of
from loyalty.links import Links
from loyalty.programme import Programme
from loyalty.store import inbox, rulebook
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.hooks_out import Hooks
from loyalty.texts import Texts
from rules import RuleSet
from rules.shipped import shipped_rules

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SHOP = "shopify/main"
OWNER = "desk"
ROUTES = {
    "sms": ("twilio/main",),
    "email": ("smtp/main",),
    "crm": ("hubspot/main",),
    "audience": ("mailchimp/main",),
    "track": ("klaviyo/main",),
    "chat": ("slack/main",),
    "sheet": ("sheets/main",),
    "webhook": ("webhook/main",),
}
PROGRAMME = Programme.model_validate(
    {
        "name": "Club",
        "tiers": {
            "metric": "earned_points",
            "refund_downgrades": True,
            "levels": [
                {"name": "silver", "at": 300, "factor": "1.5"},
                {"name": "gold", "at": 1000, "factor": "2"},
            ],
        },
        "milestones": [{"id": "every-500", "every": 500}],
        "routes": ROUTES,
    }
)
FLAT = PROGRAMME.model_copy(update={"tiers": None, "milestones": ()})
"""Without tiers and milestones, so that points are easy to foresee."""


def connected() -> Directory:
    """All routes with active connections."""
    slugs = [slug for route in ROUTES.values() for slug in route]
    return Directory(
        {slug: StoredConnection(*slug.split("/"), "active", "", b"x", "f") for slug in slugs}
    )


@dataclass
class Desk:
    """A booking desk: accepts events and books them, with a clock of its own."""

    database: Database
    programme: Programme = FLAT
    rules: RuleSet = field(default_factory=shipped_rules)
    texts: Texts = field(default_factory=shipped_texts)
    directory: Directory = field(default_factory=connected)
    now: datetime = NOON
    older: dict[str, RuleSet] = field(default_factory=dict)
    older_programmes: dict[str, Programme] = field(default_factory=dict)
    expiry_since: datetime | None = None
    hooks: Hooks = field(default_factory=dict)
    links: Links | None = None

    def terms(self) -> Terms:
        """Under what the next batch is booked."""
        self.older[self.rules.version] = self.rules
        self.older_programmes[self.programme.version] = self.programme
        return Terms(
            programme=self.programme,
            rules=self.rules,
            texts=self.texts,
            planner=Planner(
                self.programme, self.texts, self.directory, OWNER, self.now, links=self.links
            ),
            now=self.now,
            rules_of=self._rules_of,
            programme_of=self._programme_of,
            older=self.older,
            older_programmes=self.older_programmes,
            expiry_since=self.expiry_since,
            hooks=self.hooks,
        )

    async def _rules_of(self, connection: AsyncConnection, version: str) -> RuleSet:
        documents = await rulebook.documents_of(connection, version)
        assert documents is not None, f"rules {version} were never published"
        return RuleSet.from_documents(documents)

    async def _programme_of(self, connection: AsyncConnection, version: str) -> Programme:
        programme = await rulebook.programme_of(connection, version)
        assert programme is not None, f"the programme {version} was never saved"
        return programme

    async def publish(self, rules: RuleSet) -> None:
        """Puts other rules in force."""
        async with self.database.begin() as connection:
            for one in (self.rules, rules):
                await rulebook.activate(
                    connection, one.version, one.documents(), author="a", reason="", now=self.now
                )
        self.rules = rules

    async def accept(self, *events: Event) -> set[str]:
        """Takes events in as the gateway does."""
        async with self.database.begin() as connection:
            return await inbox.emit(connection, events, now=self.now)

    async def book(self, trigger: str, *, limit: int = 1000) -> Booked | None:
        """Books the next batch of a trigger; None where none waits."""
        async with self.database.begin() as connection:
            items = await inbox.claim(connection, trigger, limit=limit, now=self.now)
            if not items:
                return None
            return await book(connection, items, self.terms(), run_id=None)

    async def work_off(self, *, limit: int = 1000) -> list[Booked]:
        """Books until nothing waits, whichever trigger it belongs to."""
        done: list[Booked] = []
        while True:
            found = [await self.book(trigger, limit=limit) for trigger in TRIGGERS]
            some = [one for one in found if one is not None]
            done += some
            if not some:
                return done

    async def take(self, *events: Event) -> None:
        """Accepts events one by one and books each before the next comes."""
        for event in events:
            await self.accept(event)
            await self.work_off()

    # --- what the database says ------------------------------------------------------------------

    async def empty(self) -> None:
        """Forgets everything that happened."""
        async with self.database.begin() as connection:
            await connection.execute(text("truncate inbox, members, identities, sales cascade"))
            await connection.execute(text("truncate deliveries, consents"))

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """The rows of a query."""
        async with self.database.begin() as connection:
            return list((await connection.execute(text(query), values)).all())

    async def points(self, email: str = "ada@example.com") -> int:
        """A member's points, after checking that books and lots add up to them."""
        await self.check_books()
        rows = await self.rows(
            "select points from members m join identities i on i.member_id = m.id"
            " where i.kind = 'email' and i.value = :email",
            email=email,
        )
        return int(rows[0].points) if rows else 0

    async def state_of(self, event: Event) -> tuple[str, str]:
        """State and reason of an event."""
        rows = await self.rows(
            "select state, reason from inbox where business_key = :key", key=event.business_key
        )
        return rows[0].state, rows[0].reason

    async def deliveries(self, *states: str) -> list[tuple[str, str, str]]:
        """(capability, rule, state) of what was planned, in order."""
        rows = await self.rows("select capability, rule, state from deliveries order by id")
        return [tuple(row) for row in rows if not states or row.state in states]

    async def emitted(self, event_type: str) -> list[Any]:
        """The data of our own events of a type, in order."""
        rows = await self.rows(
            "select data from inbox where store = 'hub' and type = :type order by id",
            type=event_type,
        )
        return [row.data for row in rows]

    async def check_books(self) -> None:
        """Rebuilds every member's books from the entries and compares them with what is kept."""
        broken = await self.rows("""
            select m.id, m.points, coalesce(e.sum, 0) as entries, coalesce(l.left, 0) as lots,
                   coalesce(d.owed, 0) as owed, m.lifetime_points, coalesce(e.counted, 0) as counted
            from members m
            left join (select member_id, sum(points) as sum,
                              sum(points) filter (where counts_at is not null) as counted
                       from entries group by member_id) e on e.member_id = m.id
            left join (select member_id, sum(remaining) as left from lots group by member_id) l
                   on l.member_id = m.id
            left join (select member_id, sum(remaining) as owed from debts group by member_id) d
                   on d.member_id = m.id
            where m.points <> coalesce(e.sum, 0) or m.lifetime_points <> coalesce(e.counted, 0)
               or m.points <> coalesce(l.left, 0) - coalesce(d.owed, 0)
        """)
        assert broken == []
        unlike = await self.rows("""
            select l.id from lots l left join allocations a on a.lot_id = l.id
            group by l.id having l.points - l.remaining <> coalesce(sum(a.points), 0)
        """)
        assert unlike == []
        unequal = await self.rows("""
            select s.store, s.order_id, s.awards, e.points, s.written_off from sales s join (
                select sale, sum(points) filter (where kind <> 'expire') as points
                from entries where sale <> '' group by sale) e
            on e.sale = s.store || ':' || s.order_id
            where (select sum(cast(value as bigint)) from jsonb_each_text(s.given)) - s.taken_back
                  is distinct from e.points
        """)
        assert unequal == []
        counters = await self.rows("""
            select m.id from members m left join (
                select member_id, sum(spend) as spend, count(*) filter (where is_counted) as orders
                from sales group by member_id) s on s.member_id = m.id
            where m.lifetime_spend <> coalesce(s.spend, 0)
               or m.orders_count <> coalesce(s.orders, 0)
        """)
        assert counters == []

    async def facts(self) -> dict[str, Any]:
        """Everything about the members that must not depend on the order of arrival."""
        await self.check_books()
        members = await self.rows(
            "select points, lifetime_points, lifetime_spend, orders_count, tier from members"
        )
        sales = await self.rows("select awards, spend, is_cancelled from sales order by order_id")
        return {
            "members": sorted(tuple(row) for row in members),
            "sales": [tuple(row) for row in sales],
        }


# --- events --------------------------------------------------------------------------------------

ADA: dict[str, Any] = {
    "id": "c1",
    "email": "ada@example.com",
    "phone": "+4915112345678",
    "first_name": "Ada",
}
CONSENTING = {**ADA, "consents": {"email": "granted", "sms": "granted"}}


def event(
    kind: str,
    key: str,
    data: dict[str, Any],
    *,
    store: str = SHOP,
    at: datetime | None = None,
    subject: str = "",
) -> Event:
    """An event; its subject is the customer's where the data names one."""
    built = Event.model_validate(
        {"type": kind, "store": store, "key": key, "time": at or NOON, "subject": "s", "data": data}
    )
    whom = built.data if kind.startswith("customer.") else getattr(built.data, "customer", None)
    found = subject or subject_of(store, whom, getattr(built.data, "order_id", None) or key)
    return built.model_copy(update={"subject": found})


def signed_up(customer: dict[str, Any] | None = None, **more: Any) -> Event:
    """customer.created."""
    customer = customer or CONSENTING
    return event("customer.created", str(customer.get("id", "c1")), customer, **more)


def line(price: str, *, sku: str = "TEA", at: str = "L1", **more: Any) -> dict[str, Any]:
    """A line of one piece."""
    return {"id": at, "sku": sku, "quantity": 1, "unit_price": price, **more}


def paid(
    total: str,
    *,
    id: str = "1001",
    customer: dict[str, Any] | None = ADA,
    lines: Sequence[dict[str, Any]] | None = None,
    store: str = SHOP,
    at: datetime | None = None,
    kind: str = "order.paid",
    revision: int = 0,
    **more: Any,
) -> Event:
    """order.paid, or order.edited at a revision."""
    data = {
        "id": id,
        "number": f"#{id}",
        "currency": "EUR",
        "total": total,
        "lines": list(lines) if lines is not None else [line(total)],
        "customer": customer,
        "revision": (NOON + timedelta(minutes=revision)).isoformat(),
        **more,
    }
    key = id if kind == "order.paid" else f"{id}:{revision}"
    return event(kind, key, data, store=store, at=at)


def edited(total: str, revision: int, **more: Any) -> Event:
    """order.edited."""
    return paid(total, kind="order.edited", revision=revision, **more)


def refunded(id: str, amount: str = "0", *, order: str = "1001", **more: Any) -> Event:
    """order.refunded; like Shopify's, it does not name the customer unless told."""
    data = {"id": id, "order_id": order, "currency": "EUR", "amount": amount, **more}
    return event("order.refunded", id, data)


def piece(line_id: str, amount: str, quantity: int = 1) -> dict[str, Any]:
    """A line of a refund."""
    return {"line_id": line_id, "quantity": quantity, "amount": amount}


def cancelled(order: str = "1001", **more: Any) -> Event:
    """order.cancelled."""
    return event("order.cancelled", order, {"order_id": order, **more})


def redeemed(id: str, points: int, customer: dict[str, Any] = ADA) -> Event:
    """reward.redeemed."""
    return event("reward.redeemed", id, {"id": id, "points": points, "customer": customer})


def payment(id: str, amount: str, *, store: str = "square/till", **more: Any) -> Event:
    """payment.completed at a till."""
    data = {"id": id, "currency": "EUR", "amount": amount, "customer": ADA, **more}
    return event("payment.completed", id, data, store=store)


def report(kind: str, key: str, channel: str, address: str, **more: Any) -> Event:
    """What a vendor says of a message: bounced, unsubscribed."""
    data = {"channel": channel, "address": address, **more}
    return event(kind, key, data, store="smtp/main", subject=f"contact:{address.lower()}")


def texted(key: str, body: str, *, sender: str = ADA["phone"], at: datetime | None = None) -> Event:
    """sms.received."""
    data = {"id": key, "channel": "sms", "sender": sender, "body": body}
    return event("sms.received", key, data, store="twilio/main", at=at, subject=f"contact:{sender}")
