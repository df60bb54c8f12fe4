"""From claims to points: factors combined, everything that is earned rounded once.

Exact throughout: decimals, and fractions where a rate such as 1 point per 3 does not end. The
points of the rules are found by rounding the running sum, so that they add up to the rounded
whole, whatever the number of rules.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from loyalty.facts import MemberFacts, RatedLine
from loyalty.programme import Programme
from rules.claims import MAX_AWARD, Claim, Mask
from rules.compiled import CompiledEarn
from rules.decision import Award
from rules.exact import Exact, add, rounding_to, settled
from rules.language.arithmetic import ADD, EXACT, MULTIPLY

WHOLE_ORDER = -1
"""The part of an order that is rounded on its own where lines are not: all of it, or what is no
line's."""

_ONE = Decimal(1)
_NONE = Decimal(0)
_MOST = Decimal(MAX_AWARD)

_HUGE = Decimal(10) ** 90
"""Stands for a factor beyond all numbers: what it is applied to is out of range."""


@dataclass(slots=True)
class Part:
    """What earns at one factor: how much of the value, under which of the multipliers."""

    unit: int
    bits: int
    amount: Decimal


@dataclass(slots=True)
class Share:
    """What one claim comes to: `points` in the smallest unit, `exact` before rounding.

    `by_line` are the exact points of lines that are rounded on their own, `rest` what is rounded
    once for the order; `parts` are the amounts behind them. `award` is kept with a share that is
    always the same.
    """

    claim: Claim
    exact: Exact
    points: int
    rest: Exact = _NONE
    by_line: Sequence[tuple[int, Exact]] = ()
    parts: Sequence[Part] = ()
    bits: int = 0
    problem: str = ""
    award: Award | None = None


class Reckoner:
    """Reckons claims on one event together.

    Args:
        data: The event's data as rules see them; rated where they are a purchase.
        member: Whose tier's factor counts.
        programme: How factors combine and points are rounded.

    Attributes:
        rounded: Points as whole numbers of the smallest unit, as the programme rounds.
    """

    def __init__(self, data: Any, member: MemberFacts, programme: Programme) -> None:
        self.data = data
        self.member = member
        self.programme = programme
        self.claims: Sequence[Claim] = ()
        self.multipliers: list[Claim] = []
        self.rounded = rounding_to(programme.unit_scale, programme.rounding)

    def shares(self, claims: Sequence[Claim]) -> list[Share]:
        """What each claim that gives or takes points comes to, in their order.

        A share with a `problem` is out of range, and no part of the rest.
        """
        self._take(claims)
        found: list[Share] = []
        whole: Exact = _NONE
        before = 0
        by_line: dict[int, tuple[Exact, int]] = {}
        for claim in claims:
            if claim.wanted is None and claim.earn is None:
                continue
            if claim.is_flat:
                found.append(self._flat(claim))
                continue
            share = self._earned(claim)
            found.append(share)
            if share.by_line:
                self._round_lines(share, by_line)
            if share.rest:
                whole = add(whole, share.rest)
                after = self.rounded(whole)
                share.points += after - before
                before = after
        return found

    def _round_lines(self, share: Share, by_line: dict[int, tuple[Exact, int]]) -> None:
        for line, value in share.by_line:
            total, before = by_line.get(line, (_NONE, 0))
            total = add(total, value)
            after = self.rounded(total)
            share.points += after - before
            by_line[line] = (total, after)

    def _earned(self, claim: Claim) -> Share:
        """The exact share, not rounded yet, and its parts that are rounded on their own."""
        try:
            if claim.wanted is None:
                share = self._by_value(claim)
            else:
                exact = MULTIPLY(claim.wanted, self._general)
                share = Share(claim, exact, 0, exact, (), (), self._everywhere)
        except decimal.DecimalException:
            return Share(claim, _NONE, 0, problem="the number of points is out of range")
        if share.exact > _MOST:
            share.rest, share.by_line = _NONE, ()
            share.problem = f"the award would be more than {MAX_AWARD:,} points"
        return share

    def _by_value(self, claim: Claim) -> Share:
        earn = claim.earn
        assert earn is not None
        if self._is_plain and claim.earns_on is None and (earn.is_whole or earn.rate):
            exact: Exact = MULTIPLY(_plainly(earn, self.data.eligible), self._general)
            return Share(claim, exact, 0, exact, (), self._all())
        parts = self._parts(claim.earns_on)
        units = self._units(earn, parts)
        exact = _total(units)
        rest = units.pop(WHOLE_ORDER, _NONE)
        return Share(claim, exact, 0, rest, tuple(units.items()), parts)

    def total(self, claims: Sequence[Claim]) -> int:
        """The points of some claims together, to compare one choice with another."""
        return sum(share.points for share in self.shares(claims))

    def factor(self, bits: int) -> Decimal:
        """The factor where these multipliers apply, the tier's included."""
        known = self._factors.get(bits)
        if known is None:
            try:
                known = self._combined(bits)
            except decimal.DecimalException:
                known = _HUGE
            self._factors[bits] = known
        return known

    def applied(self, bits: int) -> list[Claim]:
        """The multipliers of a factor."""
        return [one for at, one in enumerate(self.multipliers) if bits >> at & 1]

    def multiplied_by(self, share: Share) -> tuple[str, ...]:
        """The rules whose factors are in a share."""
        bits = share.bits
        for part in share.parts:
            bits |= part.bits
        names = self._names.get(bits)
        if names is None:
            names = self._names[bits] = tuple([one.rule.id for one in self.applied(bits)])
        return names

    @property
    def lines(self) -> tuple[RatedLine, ...]:
        """The lines of an order; none for other events."""
        found: tuple[RatedLine, ...] = getattr(self.data, "lines", ())
        return found

    def _take(self, claims: Sequence[Claim]) -> None:
        self.claims = claims
        self._factors: dict[int, Decimal] = {}
        self._names: dict[int, tuple[str, ...]] = {}
        self._everywhere = 0
        self._excluded: Mask | None = None
        self._is_plain = not (self.programme.rounding_scope == "line" and self.lines)
        multipliers: list[Claim] = []
        masks: list[Mask] = []
        for claim in claims:
            if claim.factor is not None:
                if claim.multiplies is None:
                    self._everywhere |= 1 << len(multipliers)
                else:
                    self._is_plain = False
                multipliers.append(claim)
            if claim.excludes is not None:
                masks.append(claim.excludes)
        self.multipliers = multipliers
        if masks:
            self._is_plain = False
            self._excluded = [any(column) for column in zip(*masks, strict=True)]
        self._general = self.factor(self._everywhere)

    def _all(self) -> tuple[Part, ...]:
        return (Part(WHOLE_ORDER, self._everywhere, self.data.eligible),)

    def _combined(self, bits: int) -> Decimal:
        factors = [one.factor for one in self.applied(bits) if one.factor is not None]
        tier = self.member.tier_factor
        if not factors:
            return tier
        if tier != 1:
            factors.insert(0, tier)
        match self.programme.multipliers:
            case "additive":
                return max(sum((one - 1 for one in factors), _ONE), _NONE)
            case "max":
                return max(factors)
        product = _ONE
        for one in factors:
            product = MULTIPLY(product, one)
        return product

    def _parts(self, mask: Mask | None) -> Sequence[Part]:
        """What earns, by factor; where lines are rounded on their own, line by line."""
        if mask is None and self._is_plain:
            return self._all()
        by_line = self.programme.rounding_scope == "line"
        data = self.data
        found: dict[tuple[int, int], Part] = {}
        for at, line in enumerate(self.lines):
            if (mask is not None and not mask[at]) or (self._excluded and self._excluded[at]):
                continue
            key = (at if by_line else WHOLE_ORDER, self._bits(at))
            _gather(found, key, line.eligible)
        if mask is None and data.extra:
            _gather(found, (WHOLE_ORDER, self._everywhere), data.extra)
        return tuple(found.values())

    def _bits(self, line: int) -> int:
        bits = self._everywhere
        for at, one in enumerate(self.multipliers):
            if one.multiplies is not None and one.multiplies[line]:
                bits |= 1 << at
        return bits

    def _units(self, earn: CompiledEarn, parts: Sequence[Part]) -> dict[int, Exact]:
        """The exact points of each part that is rounded on its own."""
        if not earn.is_whole and earn.rate is not None:
            units: dict[int, Exact] = {}
            for part in parts:
                value = MULTIPLY(MULTIPLY(part.amount, self.factor(part.bits)), earn.rate)
                units[part.unit] = add(units[part.unit], value) if part.unit in units else value
            return units
        weights: dict[int, Decimal] = {}
        amounts: dict[int, Decimal] = {}
        for part in parts:
            weighted = MULTIPLY(part.amount, self.factor(part.bits))
            weights[part.unit] = ADD(weights.get(part.unit, _NONE), weighted)
            amounts[part.unit] = ADD(amounts.get(part.unit, _NONE), part.amount)
        return {unit: _worth(earn, amounts[unit], weights[unit]) for unit in weights}

    def _flat(self, claim: Claim) -> Share:
        """The share of a flat number; where that is always the same, so is the share."""
        programme = self.programme
        key = (programme.unit_scale, programme.rounding)
        if claim.kept is not None and key in claim.kept:
            known: Share = claim.kept[key]
            return known
        assert claim.award is not None
        assert claim.wanted is not None
        sign = claim.award.sign
        share = Share(claim, sign * claim.wanted, sign * self.rounded(claim.wanted))
        if claim.kept is not None:
            claim.kept[key] = share
        return share


def _plainly(earn: CompiledEarn, amount: Decimal) -> Decimal:
    """The points of an amount without any factor."""
    if earn.is_whole:
        steps = EXACT.divide_int(amount, earn.per) if amount > 0 else _NONE
        return MULTIPLY(steps, earn.points)
    assert earn.rate is not None
    return MULTIPLY(amount, earn.rate)


def _gather(found: dict[tuple[int, int], Part], key: tuple[int, int], amount: Decimal) -> None:
    part = found.get(key)
    if part is None:
        found[key] = Part(*key, amount)
    else:
        part.amount = ADD(part.amount, amount)


def _worth(earn: CompiledEarn, amount: Decimal, weighted: Decimal) -> Exact:
    """The points of an amount, each part of it weighted with its factor.

    Whole steps are counted over the whole amount and take its average factor, so that lines at
    different factors lose no step between them.
    """
    if not earn.is_whole:
        return settled(Fraction(weighted) * Fraction(earn.points) / Fraction(earn.per))
    steps = EXACT.divide_int(amount, earn.per)
    if steps <= 0:
        return _NONE
    exact = Fraction(weighted) / Fraction(amount)
    return settled(Fraction(steps) * Fraction(earn.points) * exact)


def _total(units: dict[int, Exact]) -> Exact:
    if len(units) == 1:
        return next(iter(units.values()))
    total: Exact = _NONE
    for value in units.values():
        total = add(total, value)
    return total
