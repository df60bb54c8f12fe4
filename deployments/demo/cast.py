"""The demo's calendar, its people and its goods: all invented, telephone numbers reserved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal


@dataclass(frozen=True)
class DemoDay:
    """The day whose story is told: the one before `today`, so that nothing lies ahead of now.

    Ids carry the date, so that another day is a new day and the same day is the same day
    again; times hang on the date alone.
    """

    today: date
    zone: tzinfo

    @classmethod
    def of(cls, now: datetime) -> DemoDay:
        """The demo day seen from `now` (aware)."""
        return cls(now.date(), now.tzinfo or UTC)

    @property
    def stamp(self) -> str:
        """`20260115`, for ids and addresses."""
        return f"{self.today:%Y%m%d}"

    def number(self, n: int) -> int:
        """A numeric id, such as 202601150042."""
        return int(self.stamp) * 10_000 + n

    def at(self, clock: str) -> datetime:
        """The moment of the story's day, from `9:40`."""
        hour, minute = clock.split(":")
        start = datetime(self.today.year, self.today.month, self.today.day, tzinfo=self.zone)
        return start - timedelta(days=1) + timedelta(hours=int(hour), minutes=int(minute))

    def joining_of(self, person: Person) -> datetime:
        """When the person's shop first knew them."""
        return self.at(person.joined) if person.joined else self.a_year_ago()

    def a_year_ago(self) -> datetime:
        """A year before six in the morning of the story's day; 28 February for a 29th.

        The anniversary is then past nine o'clock of that day wherever the person lives.
        """
        morning = self.at("6:00")
        try:
            return morning.replace(year=morning.year - 1)
        except ValueError:
            return morning.replace(year=morning.year - 1, day=28)


@dataclass(frozen=True)
class Person:
    """Somebody in the story.

    Attributes:
        n: Makes ids, addresses and telephone numbers.
        joined: The time of day at which their shop first knew them; empty for a year ago.
    """

    n: int
    first: str
    last: str
    joined: str = ""
    email_consent: str = "subscribed"
    sms_consent: str = "subscribed"
    country: str = "IE"

    def email(self, day: DemoDay) -> str:
        """An address below example.com, another one each day."""
        name = "".join(c for c in self.last.lower() if c.isascii() and c.isalpha())
        return f"{name}.{self.n}.{day.stamp}@example.com"

    def phone(self, day: DemoDay) -> str:
        """From the range that Ofcom reserves for drama (07700 900000 to 900999)."""
        return f"+447700900{(day.today.toordinal() * 20 + self.n) % 1000:03d}"


@dataclass(frozen=True)
class Goods:
    """An article of the shops, priced in EUR, tax free to keep the points easy to follow."""

    n: int
    sku: str
    title: str
    price: Decimal


KIT = Goods(1, "STARTER-KIT-01", "Starter kit: first six oils", Decimal("49.00"))
LAVENDER = Goods(2, "OIL-LAV-10", "Lavender oil 10 ml", Decimal("9.50"))
NEROLI = Goods(3, "OIL-NER-05", "Neroli oil 5 ml", Decimal("32.00"))
DIFFUSER = Goods(4, "DIF-STONE", "Stone diffuser", Decimal("120.00"))
GIFT_BOX = Goods(5, "BOX-WINTER", "Winter gift box 🎁", Decimal("200.00"))
BALM = Goods(6, "BALM-CAL-30", "Calendula balm 30 ml", Decimal("12.90"))

LINA = Person(1, "Lina", "Brandt", "8:05", country="DE")
MAREK = Person(2, "Marek", "Nowák", "8:12", sms_consent="not_subscribed", country="CZ")
AOIFE = Person(3, "Aoife", "Byrne")
SOFIA = Person(4, "Sofia", "Ricci", "8:20", country="IT")
JONAS = Person(5, "Jonas", "Weber", "8:31", "not_subscribed", "not_subscribed", "DE")
CHLOE = Person(6, "Chloé 🌿", "Martin", "8:40", country="FR")
INES = Person(7, "Inês", "Duarte", "10:02", "not_subscribed", "not_subscribed", "PT")
TOMASZ = Person(8, "Tomasz", "Zieliński", "8:50", country="PL")
HANNA = Person(9, "Hanna", "Koivu", "8:55", country="FI")
PETRA = Person(10, "Petra", "Horvat", "12:20", country="HR")
EVA = Person(11, "Eva", "Lind", "9:00", country="SE")
NOAH = Person(12, "Noah", "Keller", "9:04", "unsubscribed", country="AT")
