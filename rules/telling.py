"""The arithmetic of an award in words that a shop assistant can check with a pencil."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from loyalty.events import Payment
from rules.claims import Claim
from rules.compiled import CompiledEarn
from rules.earning import Part, Reckoner, Share
from rules.exact import as_decimal
from rules.language.arithmetic import EXACT, written

SHOWN_PARTS = 4
SHOWN_DIGITS = 6


def arithmetic(share: Share, reckoner: Reckoner) -> str:
    """How the points of a share come about: 25.00 of goods × 1 point × 2 (weekend) = 50."""
    scale = reckoner.programme.unit_scale
    points = Decimal(share.points).scaleb(-scale) if scale else Decimal(share.points)
    claim = share.claim
    if claim.earn is not None:
        told = _earned(claim.earn, share.parts, reckoner)
        return f"{told} = {_trimmed(_shown(share))}{_rounding(share, points, reckoner)}"
    assert claim.wanted is not None
    assert claim.award is not None
    total = written(claim.wanted)
    told = total
    if claim.award.fixed is None:
        filled = claim.award.points.filled_in(claim.environment)
        told = total if filled == total else f"{filled} = {total}"
    if not claim.is_flat:
        factor = reckoner.factor(share.bits)
        if factor != 1:
            told += f", times {_factor(share.bits, reckoner)} = {_shown(share)}"
    return told + _rounding(share, abs(points), reckoner)


def _earned(earn: CompiledEarn, parts: Sequence[Part], reckoner: Reckoner) -> str:
    if earn.is_whole:
        return _stepped(earn, parts, reckoner)
    by_factor: dict[int, Decimal] = {}
    for part in parts:
        by_factor[part.bits] = EXACT.add(by_factor.get(part.bits, Decimal(0)), part.amount)
    each = _rate(earn)
    goods = _goods(reckoner)
    told = []
    for bits, amount in by_factor.items():
        one = f"{written(amount)} {goods} × {each}"
        factor = reckoner.factor(bits)
        told.append(f"{one} × {_factor(bits, reckoner)}" if factor != 1 else one)
    if len(told) > SHOWN_PARTS:
        told[SHOWN_PARTS:] = ["…"]
    return " + ".join(told) or f"0 {goods} × {each}"


def _stepped(earn: CompiledEarn, parts: Sequence[Part], reckoner: Reckoner) -> str:
    amounts: dict[int, Decimal] = {}
    for part in parts:
        amounts[part.unit] = EXACT.add(amounts.get(part.unit, Decimal(0)), part.amount)
    total = sum(amounts.values(), Decimal(0))
    steps = sum(max(int(EXACT.divide_int(one, earn.per)), 0) for one in amounts.values())
    per = written(earn.per)
    full = "step" if steps == 1 else "steps"
    told = (
        f"{written(total)} {_goods(reckoner)} has {steps} full {full} of {per}, "
        f"× {_points(earn.points)}"
    )
    kinds = {part.bits for part in parts}
    if len(kinds) == 1:
        bits = kinds.pop()
        return told if reckoner.factor(bits) == 1 else f"{told} × {_factor(bits, reckoner)}"
    return f"{told} × the average factor of its lines" if kinds else told


def _goods(reckoner: Reckoner) -> str:
    data = reckoner.data
    if isinstance(data, Payment):
        return "paid"
    return "of goods and charges" if data.extra else "of goods"


def _rate(earn: CompiledEarn) -> str:
    told = _points(earn.points)
    return told if earn.per == 1 else f"{told} per {written(earn.per)}"


def _points(points: Decimal) -> str:
    return f"{written(points)} point{'' if points == 1 else 's'}"


def _factor(bits: int, reckoner: Reckoner) -> str:
    """A factor with whose it is: 2 (weekend), or 2.5 (gold 1.5 and weekend 2, added)."""
    member = reckoner.member
    named = [(one.factor, one.rule.id) for one in reckoner.applied(bits) if one.factor is not None]
    if member.tier_factor != 1:
        named.insert(0, (member.tier_factor, member.tier))
    how = reckoner.programme.multipliers
    if len(named) > 1 and how in {"additive", "max"}:
        each = " and ".join(f"{name or 'tier'} {written(one)}" for one, name in named)
        word = "added" if how == "additive" else "the highest counts"
        return f"{written(reckoner.factor(bits))} ({each}, {word})"
    return " × ".join(f"{written(one)} ({name})" if name else written(one) for one, name in named)


def _shown(share: Share) -> str:
    """The exact points; those without end at a few decimals."""
    value = as_decimal(share.exact)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > 12:
        return f"{value:.{SHOWN_DIGITS}f}…"
    return written(value)


def _trimmed(number: str) -> str:
    """Without zeros at the end: the decimals of money say nothing about points."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _rounding(share: Share, points: Decimal, reckoner: Reckoner) -> str:
    exact = as_decimal(share.exact).copy_abs()
    if exact == points:
        return ""
    shown = written(points)
    alone = reckoner.rounded(share.exact if share.exact >= 0 else -share.exact)
    if alone != abs(share.points):
        scope = "line by line" if _is_by_line(share) else "together with the other rules"
        return f", rounded {scope} to {shown}"
    return f", rounded {'down' if points < exact else 'up'} to {shown}"


def _is_by_line(share: Share) -> bool:
    return len({part.unit for part in share.parts}) > 1


def left_out(claim: Claim, reckoner: Reckoner) -> list[tuple[str, Decimal, str]]:
    """The lines that earned nothing, or at a factor of their own: id, what counts of it, why."""
    told: list[tuple[str, Decimal, str]] = []
    if claim.earn is None:
        return told
    for at, line in enumerate(reckoner.lines):
        why = _why_left_out(claim, at, reckoner)
        if not why and not line.eligible:
            why = "nothing of it counts for points"
        if not why:
            own = [
                f"× {written(one.factor or 1)} ({one.rule.id})"
                for one in reckoner.multipliers
                if one.multiplies is not None and one.multiplies[at]
            ]
            why = "earns " + " ".join(own) if own else ""
        if why:
            told.append((line.id, line.eligible, why))
    return told


def _why_left_out(claim: Claim, at: int, reckoner: Reckoner) -> str:
    by = excluded_by(reckoner.claims, at)
    if by:
        return f"left out by `{by}`"
    if claim.earn and claim.earn.lines and claim.earns_on and not claim.earns_on[at]:
        return f"left out: `{claim.earn.lines.condition.line}` does not hold for it"
    return ""


def excluded_by(claims: Sequence[Claim], line: int) -> str:
    """The rule that takes a line out of every earning; empty where none does."""
    return next((one.rule.id for one in claims if one.excludes and one.excludes[line]), "")
