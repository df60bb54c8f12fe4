"""What people can choose to hear about: the topics of the preference centre."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from loyalty.events import Frozen
from loyalty.locales import choose


class Topic(Frozen):
    """A kind of news that a person can leave and still get the others.

    Messages name it as their `topic`; who left it does not get them.
    """

    id: str = Field(pattern=r"^[a-z0-9_-]+$", max_length=100)
    names: dict[str, Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default_factory=dict, description="What people read, by language (BCP 47)."
    )

    def name(self, locale: str) -> str:
        """What a person who reads this language reads."""
        return self.names[choose(locale, self.names).locale] if self.names else self.id


Topics = Annotated[tuple[Topic, ...], Field(max_length=20)]
