"""For whom a rule is: an audience, and a holdout of members who never get it."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from loyalty.events import Frozen
from loyalty.facts import MemberFacts
from rules.fields import Labels, Number


class Audience(Frozen):
    """Members that a rule is for. Everything that is given has to be true of them.

    Of several tags, or segments, one suffices, or with `match: all` all are needed. A locale
    `pt` stands for `pt-BR` too.
    """

    tiers: Labels = ()
    tags: Labels = ()
    segments: Labels = ()
    match: Literal["any", "all"] = "any"
    locales: Labels = ()
    enrolled_since: AwareDatetime | None = None
    enrolled_before: AwareDatetime | None = None

    @model_validator(mode="after")
    def _is_somebody(self) -> Audience:
        since, before = self.enrolled_since, self.enrolled_before
        if since and before and since >= before:
            raise ValueError("nobody can have enrolled in this time")
        return self

    def missed_by(self, member: MemberFacts) -> str:
        """What a member does not meet: tiers, tags, …; "" for a member of the audience."""
        if self.tiers and member.tier not in self.tiers:
            return "tiers"
        if self.tags and not self._matches(self.tags, member.tags):
            return "tags"
        if self.segments and not self._matches(self.segments, member.segments):
            return "segments"
        if self.locales and not _speaks(member.locale, self.locales):
            return "locales"
        joined = member.joined_at
        if self.enrolled_since and (joined is None or joined < self.enrolled_since):
            return "enrolled_since"
        if self.enrolled_before and (joined is None or joined >= self.enrolled_before):
            return "enrolled_before"
        return ""

    def _matches(self, asked: tuple[str, ...], has: tuple[str, ...]) -> bool:
        met = (one in has for one in asked)
        return all(met) if self.match == "all" else any(met)


def _speaks(locale: str, asked: tuple[str, ...]) -> bool:
    given = locale.replace("_", "-").casefold()
    return any(
        given == one or given.startswith(f"{one}-")
        for one in (wanted.replace("_", "-").casefold() for wanted in asked)
    )


class Holdout(Frozen):
    """So many per cent of members for whom the rule does nothing, to compare them with the
    others. Who it is depends on member and salt alone, on every machine and for ever; rules
    with the same salt hold out the same people."""

    percent: Annotated[Number, Field(ge=0, le=100)]
    salt: Annotated[str, Field(max_length=100)] = Field(
        "", description="The rule's own id where it is empty."
    )

    def holds_out(self, member_id: str, rule: str) -> bool:
        """Whether the member is one of them."""
        return bucket(member_id, self.salt or rule) < self.percent * BUCKETS / 100


BUCKETS = 1_000_000


def bucket(member_id: str, salt: str) -> int:
    """A member's place from 0 to 999,999: the first 8 bytes of SHA-256 of `{salt}:{id}`."""
    digest = hashlib.sha256(f"{salt}:{member_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % BUCKETS
