"""A second, slow and simple account of points, to hold against the books.

It lives every single day: releases, payments of debts and expiry happen when their day comes,
in plain lists, while the books are opened only now and then.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Pile:
    """Points earned together; days are numbers."""

    number: int
    sale: str
    left: int
    opens: int
    closes: int | None
    earned: int
    held: int = 0

    def is_open(self, day: int) -> bool:
        """Whether it can be spent on the day."""
        return self.opens <= day and (self.closes is None or day < self.closes)


@dataclass
class Account:
    """A member's piles, what is owed, and the sum of everything that was booked."""

    piles: list[Pile] = field(default_factory=list)
    owed: int = 0
    booked: int = 0
    is_fifo: bool = False

    def in_turn(self, piles: list[Pile]) -> list[Pile]:
        """Soonest to close first, then the oldest; or by age alone."""
        far = 10**9

        def turn(pile: Pile) -> tuple[int, ...]:
            closes = 0 if self.is_fifo else far if pile.closes is None else pile.closes
            return (closes, pile.earned, pile.opens, pile.number)

        return sorted(piles, key=turn)

    def usable(self, day: int) -> list[Pile]:
        """What can be spent, in the order of use."""
        return self.in_turn([p for p in self.piles if p.is_open(day) and p.left > p.held])

    def available(self, day: int) -> int:
        """What can be spent, less what is owed."""
        return sum(p.left - p.held for p in self.usable(day)) - self.owed

    def pending(self, day: int) -> int:
        """What cannot be spent yet."""
        return sum(p.left - p.held for p in self.piles if p.opens > day)

    @property
    def held(self) -> int:
        """What is set aside."""
        return sum(p.held for p in self.piles)

    def dawn(self, day: int) -> None:
        """A day begins: what closes is gone, what opens pays debts."""
        for pile in self.piles:
            if pile.closes is not None and pile.closes <= day:
                self.booked -= pile.left - pile.held
                pile.left = pile.held
        self.pay(day)

    def pay(self, day: int) -> None:
        """Debts are paid from what can be spent."""
        self.owed -= self.take(self.owed, self.usable(day))

    def take(self, points: int, piles: list[Pile]) -> int:
        """Takes free points of the piles in turn; returns how many there were."""
        got = 0
        for pile in piles:
            part = min(points - got, pile.left - pile.held)
            pile.left -= part
            got += part
        return got

    def reverse(self, points: int, sale: str, day: int, negative: str) -> None:
        """Takes back what a sale earned."""
        own = self.in_turn([p for p in self.piles if sale and p.sale == sale])
        got = self.take(points, own)
        if negative != "own_lot_only":
            got += self.take(points - got, self.usable(day))
        if negative == "allow":
            self.owed += points - got
            self.booked -= points
        else:
            self.booked -= got

    def spend(self, points: int, day: int) -> None:
        """Spends points; what is not there is owed."""
        self.owed += points - self.take(points, self.usable(day))
        self.booked -= points
