"""Holds what came of the demo's day against what was expected, effect by effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import text

from deployments.demo import expected
from deployments.demo.cast import DemoDay, Person
from loyalty.contacts import normal_email
from loyalty.settings import HubSettings
from loyalty.store.database import Database


@dataclass
class Findings:
    """What holds and what does not.

    Attributes:
        effects: How many effects were found, by kind.
        problems: A sentence for each expectation that does not hold.
    """

    effects: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Notes a problem unless both are equal."""
        if found != wanted:
            self.problems.append(f"{what}: expected {wanted}, found {found}")

    def expect_each(self, what: str, found: Mapping[str, int], wanted: Mapping[str, int]) -> None:
        """Like `expect`, key by key; keys that are only on one side count as zero."""
        for key in sorted(found.keys() | wanted.keys()):
            self.expect(f"{what} of {key}", found.get(key, 0), wanted.get(key, 0))


async def check(settings: HubSettings, database: Database, day: DemoDay) -> Findings:
    """Compares books, inbox and the vendors' stand-ins with the hand-made expectation."""
    findings = Findings()
    await _check_books(database, day, findings)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{settings.sandbox_port}", timeout=10
    ) as client:
        texts = await _records(client, "twilio", "sms")
        mails = await _records(client, "smtp", "email")
        contacts = await _records(client, "hubspot", "contact")
        events = await _records(client, "klaviyo", "event")
        rows = await _records(client, "sheets", "row")
        posts = await _records(client, "slack", "chat")
        audience = await _records(client, "mailchimp", "member")
    _check_people(findings, day, texts=texts, mails=mails, contacts=contacts)
    _check_records(findings, day, events=events, rows=rows, audience=audience)
    await _check_chat(database, day, posts, findings)
    return findings


async def _check_books(database: Database, day: DemoDay, findings: Findings) -> None:
    names = {_email(person, day): person for person in expected.BALANCES}
    async with database.begin() as connection:
        members = (
            await connection.execute(
                text("select email, points from members where email = any(:emails)"),
                {"emails": list(names)},
            )
        ).all()
        sums = (
            await connection.execute(
                text("""
                    select m.email, sum(e.points) as points from entries e
                    join members m on m.id = e.member_id where m.email = any(:emails)
                    group by m.email
                """),
                {"emails": list(names)},
            )
        ).all()
        states = await connection.execute(
            text("select state, count(*) as n from inbox where key like :stamp group by state"),
            {"stamp": f"%{day.stamp}%"},
        )
        counts = {row.state: row.n for row in states}
    wanted = {_email(person, day): points for person, points in expected.BALANCES.items()}
    findings.expect_each("the balance", {row.email: row.points for row in members}, wanted)
    findings.expect_each("the ledger's sum", {row.email: int(row.points) for row in sums}, wanted)
    findings.expect("parked events", counts.get("parked", 0), expected.PARKED)
    findings.expect("failed events", counts.get("failed", 0), 0)
    findings.effects["members"] = len(members)
    findings.effects["points"] = sum(row.points for row in members)
    findings.effects["events"] = sum(counts.values())


def _check_people(
    findings: Findings,
    day: DemoDay,
    *,
    texts: list[dict[str, Any]],
    mails: list[dict[str, Any]],
    contacts: list[dict[str, Any]],
) -> None:
    phones = {person.phone(day) for person in expected.CONTACTS}
    emails = {_email(person, day) for person in expected.CONTACTS}
    sent = Counter(one["to"] for one in texts if one["to"] in phones)
    wanted = {person.phone(day): n for person, n in expected.TEXTS.items()}
    findings.expect_each("text messages", sent, wanted)
    mailed = Counter(one["to"].lower() for one in mails if one["to"].lower() in emails)
    wanted = {_email(person, day): n for person, n in expected.EMAILS.items()}
    findings.expect_each("e-mails", mailed, wanted)
    known = {one["email"].lower() for one in contacts} & emails
    findings.expect("contacts in the CRM", sorted(known), sorted(emails))
    findings.effects |= {
        "sms": sum(sent.values()),
        "email": sum(mailed.values()),
        "crm contacts": len(known),
    }


def _check_records(
    findings: Findings,
    day: DemoDay,
    *,
    events: list[dict[str, Any]],
    rows: list[dict[str, Any]],
    audience: list[dict[str, Any]],
) -> None:
    tracked = Counter(one["unique_id"] for one in events if day.stamp in str(one["unique_id"]))
    written = Counter(one["key"] for one in rows if day.stamp in str(one["key"]))
    emails = {_email(person, day) for person in expected.CONTACTS - {_stranger()}}
    members = {one["email"].lower() for one in audience} & emails
    findings.expect("events in the marketing tool", len(tracked), expected.ORDERS_EARNING)
    findings.expect("rows in the sheet", len(written), expected.ORDERS_EARNING)
    findings.expect("events told twice", _doubles(tracked), [])
    findings.expect("rows written twice", _doubles(written), [])
    findings.expect("members of the audience", sorted(members), sorted(emails))
    findings.effects |= {
        "tracked events": len(tracked),
        "sheet rows": len(written),
        "audience members": len(members),
    }


async def _check_chat(
    database: Database, day: DemoDay, posts: list[dict[str, Any]], findings: Findings
) -> None:
    """Posts carry no address: those of the day are known by the ids that Slack gave them."""
    emails = [_email(person, day) for person in expected.CONTACTS]
    async with database.begin() as connection:
        rows = await connection.execute(
            text("""
                select d.vendor_id from deliveries d join members m on m.id = d.member_id
                where d.capability = 'chat' and d.state = 'sent' and m.email = any(:emails)
            """),
            {"emails": emails},
        )
        sent = Counter(row.vendor_id for row in rows)
    arrived = Counter(one["id"] for one in posts if one["id"] in sent)
    findings.expect("chat posts", sum(arrived.values()), expected.CHAT_POSTS)
    findings.expect("chat posts that arrived", arrived, sent)
    findings.effects["chat posts"] = sum(arrived.values())


async def _records(client: httpx.AsyncClient, slug: str, kind: str) -> list[dict[str, Any]]:
    reply = await client.get(f"/{slug}/_sandbox/records", params={"kind": kind})
    reply.raise_for_status()
    found: list[dict[str, Any]] = reply.json()["records"]
    return found


def _email(person: Person, day: DemoDay) -> str:
    return normal_email(person.email(day)) or ""


def _doubles(found: Mapping[str, int]) -> list[str]:
    return [key for key, count in found.items() if count > 1]


def _stranger() -> Person:
    """Inês bought without signing up: no welcome, so no place in the audience."""
    return expected.INES


def problems_of(findings: Iterable[str]) -> str:
    """The problems as lines."""
    return "\n".join(f"  - {one}" for one in findings)
