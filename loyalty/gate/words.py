"""What a person said about being written to: the latest word on each address counts.

A word is about one channel, one address and one purpose: `marketing`, or `everything` where the
person stopped the channel itself (a STOP from the handset). A topic of the preference centre
narrows a marketing word; the empty topic is all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from loyalty.events import ConsentState

MARKETING = "marketing"
EVERYTHING = "everything"

_WEIGHT = {ConsentState.GRANTED: 0, ConsentState.PENDING: 1, ConsentState.WITHDRAWN: 2}


class About(NamedTuple):
    """What a word is about."""

    channel: str
    address: str
    purpose: str = MARKETING
    topic: str = ""


def about(*parts: str) -> About:
    """What a word is about, from (channel, address[, purpose[, topic]])."""
    return About(*parts)


class Said(NamedTuple):
    """A word and when it was said."""

    at: datetime
    state: ConsentState

    def yields_to(self, at: datetime, state: ConsentState) -> bool:
        """Whether another word counts more: a later one, or at the same instant a stricter one."""
        return at > self.at or (at == self.at and _WEIGHT[state] > _WEIGHT[self.state])


@dataclass(slots=True)
class Words:
    """What was last said about each address, by anybody and by each store."""

    _said: dict[About, Said] = field(default_factory=dict)
    _by_store: dict[tuple[About, str], Said] = field(default_factory=dict)
    _withdrawn: dict[About, datetime] = field(default_factory=dict)

    def hear(
        self, about: tuple[str, ...], *, store: str, state: ConsentState, at: datetime
    ) -> None:
        """Takes a word in; one that is older than the latest changes nothing."""
        subject = About(*about)
        latest = self._said.get(subject)
        if latest is None or latest.yields_to(at, state):
            self._said[subject] = Said(at, state)
        own = self._by_store.get((subject, store))
        if own is None or own.yields_to(at, state):
            self._by_store[subject, store] = Said(at, state)
        if state is ConsentState.WITHDRAWN:
            before = self._withdrawn.get(subject)
            self._withdrawn[subject] = at if before is None else max(before, at)

    def said(self, *about: str) -> Said | None:
        """The word that counts, with when it was said."""
        return self._said.get(About(*about))

    def state(self, *about: str) -> ConsentState | None:
        """The word that counts; None where the person never said anything."""
        found = self._said.get(About(*about))
        return None if found is None else found.state

    def withdrawn_at(self, *about: str) -> datetime | None:
        """When consent was last withdrawn, also where it was given again since."""
        return self._withdrawn.get(About(*about))

    def is_stopped(self, channel: str, address: str, *, only_by_keyword: bool) -> bool:
        """Whether the person stopped the whole channel from the handset.

        Args:
            only_by_keyword: Only START from the handset lifts it; otherwise any later consent.
        """
        stop = self.said(channel, address, EVERYTHING)
        if stop is None or stop.state is not ConsentState.WITHDRAWN:
            return False
        if only_by_keyword:
            return True
        later = self.said(channel, address)
        return later is None or later.state is not ConsentState.GRANTED or later.at <= stop.at

    def spoke(self, about: tuple[str, ...], *, store: str) -> bool:
        """Whether a store has ever said anything about it."""
        return (About(*about), store) in self._by_store

    def is_news(self, about: tuple[str, ...], *, store: str, state: ConsentState) -> bool:
        """Whether the store says something else than it last did.

        A store repeats what it knows with every change of a customer. That is no new word: it
        must not undo a withdrawal that reached us in another way, such as a STOP.
        """
        said = self._by_store.get((About(*about), store))
        return said is None or said.state is not state

    def __iter__(self) -> Iterator[tuple[About, Said]]:
        return iter(self._said.items())
