"""What people did with a message, and what only looked like it.

Security scanners open every link of a mail within seconds of its arrival, Apple's Mail Privacy
Protection loads every picture whether or not anybody reads, and previews of chats fetch what they
show. They are counted apart: a campaign is judged by people, and nobody joins or leaves because a
machine came by. Pure: what is known comes in, what has to be written goes out.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from loyalty.lifecycle_policy import TrackingPolicy

BURST = timedelta(seconds=1)
"""Nobody clicks two different links of a mail within this time."""

SCANNERS = re.compile(
    r"bot\b|crawl|spider|slurp|scan|preview|prefetch|monitor|headless|phantomjs|validator"
    r"|barracuda|proofpoint|mimecast|ironport|messagelabs|fireeye|trendmicro|sophos|zscaler"
    r"|forcepoint|cloudmark|bitdefender|safelinks|virustotal"
    r"|facebookexternalhit|whatsapp/|skypeuripreview|bingpreview|google-safety"
    r"|curl/|wget/|python-|go-http-client|java/|okhttp|libwww|axios/|node-fetch|httpx/|aiohttp",
    re.IGNORECASE,
)
"""What programs call themselves that fetch links for safety, for a preview, or out of habit."""

PRIVACY_AGENT = "mozilla/5.0"
"""All that Apple's proxies say of themselves; they load pictures for people who may never read
the mail: https://www.apple.com/legal/privacy/data/en/mail-privacy-protection/"""


class Kind(StrEnum):
    """What became of a message."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    JOINED = "joined"


TOUCHES = frozenset({Kind.OPENED, Kind.CLICKED})
"""What machines do as well as people."""


@dataclass(frozen=True, slots=True)
class Touch:
    """Something that came back about a message.

    Attributes:
        link: Which link was followed, as a short mark; empty for everything else.
        is_prefetch: A HEAD request, or a browser that only looked ahead.
        is_said_machine: Somebody who can know says so (Apple's privacy proxy at a vendor).
    """

    kind: Kind
    at: datetime
    link: str = ""
    user_agent: str = ""
    is_prefetch: bool = False
    is_said_machine: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """That something happened to a message: the first time and the last.

    There is one for each kind, for people and for machines.
    """

    kind: Kind
    is_machine: bool
    at: datetime
    last_at: datetime
    last_link: str = ""
    times: int = 1

    def again(self, touch: Touch) -> Mark:
        """The same after one more of its kind."""
        is_later = touch.at >= self.last_at
        return replace(
            self,
            at=min(self.at, touch.at),
            last_at=max(self.last_at, touch.at),
            last_link=touch.link if is_later else self.last_link,
            times=self.times + 1,
        )


Key = tuple[Kind, bool]
Marks = dict[Key, Mark]


def machine_because(
    touch: Touch, marks: Marks, *, sent_at: datetime | None, policy: TrackingPolicy
) -> str:
    """Why an open or a click was no person's; empty for a person's.

    Args:
        marks: What is known of the message already.
        sent_at: When the message was handed over.
    """
    if touch.kind not in TOUCHES:
        return ""
    if touch.is_said_machine:
        return "the vendor says that a machine opened it"
    if touch.is_prefetch:
        return "it was fetched ahead, not opened"
    if _calls_itself_a_machine(touch):
        return "a program by its own name"
    if _is_too_soon(touch, marks, sent_at, policy):
        return f"within {policy.scanner_seconds} seconds of delivery"
    if touch.kind is Kind.CLICKED and _burst(touch, marks) is not None:
        return "several links at the same moment"
    return ""


def _calls_itself_a_machine(touch: Touch) -> bool:
    is_private = touch.kind is Kind.OPENED and touch.user_agent.strip().lower() == PRIVACY_AGENT
    return is_private or SCANNERS.search(touch.user_agent) is not None


def _is_too_soon(
    touch: Touch, marks: Marks, sent_at: datetime | None, policy: TrackingPolicy
) -> bool:
    arrived = marks.get((Kind.DELIVERED, False))
    known = [sent_at] if sent_at is not None else []
    # A report of delivery that came after the click says nothing about how soon it was.
    known += [arrived.at] if arrived is not None and arrived.at <= touch.at else []
    if not known:
        return False
    return touch.at < max(known) + timedelta(seconds=policy.scanner_seconds)


def _burst(touch: Touch, marks: Marks) -> Mark | None:
    """The click on another link at the same moment, if there was one."""
    for is_machine in (False, True):
        mark = marks.get((Kind.CLICKED, is_machine))
        if mark is None or not touch.link or mark.last_link == touch.link:
            continue
        if abs(touch.at - mark.last_at) <= BURST:
            return mark
    return None


def take(marks: Marks, touch: Touch, *, sent_at: datetime | None, policy: TrackingPolicy) -> Marks:
    """What is known of a message after a touch; the same marks where nothing changed.

    A click taken for a person's is taken back where the next link follows at the same moment.
    """
    is_machine = bool(machine_because(touch, marks, sent_at=sent_at, policy=policy))
    found = dict(marks)
    if is_machine and touch.kind is Kind.CLICKED:
        _take_back(found, _burst(touch, marks))
    _note(found, touch, is_machine=is_machine)
    is_a_persons_click = touch.kind is Kind.CLICKED and not is_machine
    if is_a_persons_click and policy.click_implies_open and (Kind.OPENED, False) not in found:
        _note(found, replace(touch, kind=Kind.OPENED, link=""), is_machine=False)
    return found


def _note(found: Marks, touch: Touch, *, is_machine: bool) -> None:
    key = (touch.kind, is_machine)
    known = found.get(key)
    first = Mark(touch.kind, is_machine, touch.at, touch.at, touch.link)
    found[key] = first if known is None else known.again(touch)


def _take_back(found: Marks, burst: Mark | None) -> None:
    """A person's only click that turns out to be the first of a machine's becomes a machine's."""
    if burst is None or burst.is_machine or burst.times > 1:
        return
    del found[Kind.CLICKED, False]
    known = found.get((Kind.CLICKED, True))
    found[Kind.CLICKED, True] = (
        replace(burst, is_machine=True)
        if known is None
        else replace(known, at=min(known.at, burst.at), times=known.times + 1)
    )
    opened = found.get((Kind.OPENED, False))
    if opened is not None and opened.at == burst.at and opened.times == 1:
        del found[Kind.OPENED, False]


@dataclass(frozen=True, slots=True)
class Figures:
    """How a campaign did, in people: each counts once, whatever they did how often.

    Attributes:
        delivered: Sent, and not reported as come back.
        confirmed: Those of them whose arrival the vendor has reported.
    """

    sent: int = 0
    delivered: int = 0
    confirmed: int = 0
    bounced: int = 0
    complained: int = 0
    unsubscribed: int = 0
    opens_human: int = 0
    opens_machine: int = 0
    clicks_human: int = 0
    clicks_machine: int = 0
    joined: int = 0

    @property
    def open_rate(self) -> Decimal | None:
        """People who opened it, of those it was delivered to."""
        return rate(self.opens_human, self.delivered)

    @property
    def click_rate(self) -> Decimal | None:
        """People who clicked, of those it was delivered to."""
        return rate(self.clicks_human, self.delivered)

    @property
    def join_rate(self) -> Decimal | None:
        """People who joined, of those it was delivered to."""
        return rate(self.joined, self.delivered)


def rate(part: int, whole: int) -> Decimal | None:
    """A share with four decimals, half up; None where there is nothing to have a share of."""
    if not whole:
        return None
    return (Decimal(part) / whole).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def link_mark(address: str) -> str:
    """A short mark that tells one link from another and says nothing of where it leads."""
    return hashlib.sha256(address.encode()).hexdigest()[:16] if address else ""
