"""The catalogue: what members can spend points on, under which conditions, and why somebody cannot.

Points are whole numbers of the programme's smallest unit, amounts are Decimals in its currency.
An item is a document that operations edit; what was issued keeps the document it was issued
under, so that a change touches nobody who has asked already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)

from loyalty.events import Frozen
from loyalty.money import Amount


class RewardKind(StrEnum):
    """What a member is given."""

    DISCOUNT = "discount"
    FREE_SHIPPING = "free_shipping"
    PRODUCT = "product"
    GIFT_CARD = "gift_card"
    STORE_CREDIT = "store_credit"
    CUSTOM = "custom"


VARIABLE = (RewardKind.GIFT_CARD, RewardKind.STORE_CREDIT, RewardKind.DISCOUNT)
"""Kinds whose amount a member may choose, at so many points per unit of money."""
WITH_VALUE = (RewardKind.GIFT_CARD, RewardKind.STORE_CREDIT, RewardKind.DISCOUNT)

Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Long = Annotated[str, Field(max_length=2000)]
_Words = TypeVar("_Words", bound=str)


def _from_pairs(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    are_pairs = all(isinstance(one, list) and len(one) == 2 for one in value)
    if not are_pairs or not all(isinstance(one[0], str) for one in value):
        raise ValueError("give the words by language, or as pairs of a language and its words")
    return dict(value)


ByLanguage = Annotated[
    dict[Language, _Words],
    Field(max_length=50),
    BeforeValidator(_from_pairs),
    PlainSerializer(lambda words: list(words.items()), when_used="json"),
]
"""Words by language, the fallback first. In JSON they are pairs: PostgreSQL's jsonb forgets in
which order the keys of an object came."""
Days = Annotated[int, Field(ge=1, le=3650)]
Https = Annotated[str, Field(pattern=r"^(https://[^\s\"'<>]+)?$", max_length=500)]


class RewardItem(Frozen):
    """One thing to spend points on.

    Attributes:
        names: By language, `{"en": "5 € off", "de": "5 € Rabatt"}`; the first is the fallback.
        points: What it costs; or, where the member chooses the amount, `points_per_unit`.
        value: An amount in the programme's currency, or a percentage with `is_percent`.
        connection: The shop that issues it, `shopify/main`; empty takes the programme's route.
        per_member: How often one member may have it; 1 is once.
        stock: How many there are in all; what failed or was voided goes back on the shelf.
        valid_days: Usable through the whole of so many days after that of asking.
        returns_on_expiry: Whether the points of one that expired unused come back.
        shop_url: Where it is used: the shop's address.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    kind: RewardKind
    names: Annotated[ByLanguage[Title], Field(min_length=1)]
    descriptions: ByLanguage[Long] = Field(default_factory=dict)
    is_active: bool = True
    points: int | None = Field(None, ge=1, le=1_000_000_000)
    points_per_unit: int | None = Field(None, ge=1, le=1_000_000)
    least_amount: Amount | None = Field(None, gt=0)
    most_amount: Amount | None = Field(None, gt=0, le=1_000_000)
    value: Amount | None = Field(None, gt=0, le=1_000_000)
    is_percent: bool = False
    product: Annotated[str, Field(max_length=200)] = ""
    connection: Annotated[str, Field(pattern=r"^([a-z0-9_]+/[A-Za-z0-9_.-]+)?$")] = ""
    code_prefix: Annotated[str, Field(pattern=r"^[A-Z0-9]{0,8}$")] = ""
    tiers: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] = ()
    order_minimum: Amount | None = Field(None, gt=0)
    per_member: int | None = Field(None, ge=1, le=100_000)
    stock: int | None = Field(None, ge=0, le=100_000_000)
    valid_days: int | None = Field(None, ge=1, le=3650)
    reminder_days: Annotated[tuple[Days, ...], Field(max_length=5)] = ()
    returns_on_expiry: bool = False
    image_url: Https = ""
    shop_url: Https = ""
    starts: AwareDatetime | None = None
    ends: AwareDatetime | None = None
    place: int = Field(0, ge=0, le=1_000_000, description="Lower ones are shown first.")

    @field_validator("reminder_days")
    @classmethod
    def _furthest_first(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(value), reverse=True))

    @model_validator(mode="after")
    def _holds_together(self) -> RewardItem:
        for problem in (_cost_problem(self), _value_problem(self), _time_problem(self)):
            if problem:
                raise ValueError(problem)
        return self

    @property
    def is_variable(self) -> bool:
        """Whether the member chooses the amount."""
        return self.points_per_unit is not None

    def name_in(self, locale: str) -> str:
        """Its name in a language, or in the nearest that there is."""
        return in_language(self.names, locale)

    def description_in(self, locale: str) -> str:
        """Its description in a language, or in the nearest that there is."""
        return in_language(self.descriptions, locale) if self.descriptions else ""


def in_language(words: Mapping[str, str], locale: str) -> str:
    """The words in a language: `de-CH`, else `de`, else the first there are."""
    by_tag = {tag.lower(): text for tag, text in words.items()}
    wanted = locale.replace("_", "-").lower()
    while wanted:
        if wanted in by_tag:
            return by_tag[wanted]
        wanted = wanted.rpartition("-")[0]
    return next(iter(words.values()))


def _cost_problem(item: RewardItem) -> str:
    if (item.points is None) == (item.points_per_unit is None):
        return "a reward costs either `points` or `points_per_unit`: give one of them"
    if not item.is_variable:
        return ""
    if item.kind not in VARIABLE or item.is_percent or item.value is not None:
        return "only an amount of money can be chosen by the member, and then it has no `value`"
    if item.least_amount is None or item.most_amount is None:
        return "where members choose the amount, say the least and the most they can choose"
    return "" if item.least_amount <= item.most_amount else "the least amount is above the most"


def _value_problem(item: RewardItem) -> str:
    if item.is_percent and item.kind is not RewardKind.DISCOUNT:
        return "only a discount can be a percentage"
    if item.is_percent and (item.value or 0) > 100:
        return "a discount is at most 100 per cent"
    if item.kind in WITH_VALUE and not item.is_variable and item.value is None:
        return f"a {item.kind.value.replace('_', ' ')} needs a `value`"
    if item.kind is RewardKind.PRODUCT and not item.product:
        return "say which `product` is given"
    return ""


def _time_problem(item: RewardItem) -> str:
    if item.starts and item.ends and item.ends <= item.starts:
        return "it ends before it starts"
    if item.reminder_days and item.valid_days is None:
        return "a reminder before the expiry needs `valid_days`"
    if item.reminder_days and max(item.reminder_days) > (item.valid_days or 0):
        return "a reminder cannot be earlier than the reward itself"
    return ""


# --- asking for one ------------------------------------------------------------------------------

RefusalCode = Literal[
    "not_a_member", "not_offered", "not_yet", "over", "tier", "once", "sold_out", "amount",
    "insufficient_points",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody cannot have a reward: a code for machines, a sentence for the person."""

    code: RefusalCode
    words: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: what they can spend, and their tier."""

    available: int
    tier: str = ""
    is_enrolled: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """How many of an item are taken: by everybody, and by the one who asks."""

    by_all: int = 0
    by_member: int = 0


def cost_of(item: RewardItem, amount: Decimal | None = None) -> int:
    """What it costs in points; a part of a point counts whole."""
    if item.points is not None:
        return item.points
    assert item.points_per_unit is not None
    wanted = amount if amount is not None else item.least_amount
    assert wanted is not None
    return int((wanted * item.points_per_unit).to_integral_value(rounding=ROUND_CEILING))


def worth_of(item: RewardItem, amount: Decimal | None = None) -> Decimal | None:
    """What it is worth: the amount chosen, else the item's own value."""
    return amount if item.is_variable else item.value


def why_not(
    item: RewardItem,
    asker: Asker,
    *,
    taken: Taken,
    at: datetime,
    amount: Decimal | None = None,
) -> Refusal | None:
    """Why somebody cannot have the reward; None where they can.

    Args:
        at: When they asked.
        amount: What they chose, where the amount is theirs to choose.
    """
    refusal = _not_offered(item, asker, at) or _used_up(item, taken)
    if refusal:
        return refusal
    if item.is_variable and not _fits(item, amount):
        words = f"choose an amount from {item.least_amount} to {item.most_amount}"
        return Refusal("amount", words)
    missing = cost_of(item, amount) - asker.available
    if missing > 0:
        points = "1 point is" if missing == 1 else f"{missing} points are"
        return Refusal("insufficient_points", f"{points} missing")
    return None


def _not_offered(item: RewardItem, asker: Asker, at: datetime) -> Refusal | None:
    if not asker.is_enrolled:
        return Refusal("not_a_member", "this reward is for members of the programme")
    if not item.is_active:
        return Refusal("not_offered", "this reward is not offered at present")
    if item.starts and at < item.starts:
        return Refusal("not_yet", "this reward is not offered yet")
    if item.ends and at >= item.ends:
        return Refusal("over", "this reward is not offered any more")
    if item.tiers and asker.tier not in item.tiers:
        return Refusal("tier", f"this reward is for {' and '.join(item.tiers)} members")
    return None


def _used_up(item: RewardItem, taken: Taken) -> Refusal | None:
    if item.per_member is not None and taken.by_member >= item.per_member:
        times = "once" if item.per_member == 1 else f"{item.per_member} times"
        return Refusal("once", f"each member can have this reward {times}")
    if item.stock is not None and taken.by_all >= item.stock:
        return Refusal("sold_out", "there is none left of this reward")
    return None


def _fits(item: RewardItem, amount: Decimal | None) -> bool:
    assert item.least_amount is not None
    assert item.most_amount is not None
    return amount is not None and item.least_amount <= amount <= item.most_amount
