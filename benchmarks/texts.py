"""How many messages a second are filled in, and what making them ready costs once.

Run: python -m benchmarks.texts
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from loyalty.mail_source import _compiled, prepared
from loyalty.preview import preview
from loyalty.programme import Programme
from loyalty.texts import Recipient
from rules.shipped import shipped_rules, shipped_templates
from rules.text_checks import texts_of
from rules.text_samples import sample_of

LOCALES = ("en-GB", "de-AT", "fr", "ja", "")


def a_second(work: Callable[[int], Any], *, seconds: float = 2.0) -> float:
    """How often work is done in a second, after it was done once for each language."""
    for number in range(len(LOCALES)):
        work(number)
    count, begun = 0, perf_counter()
    while (taken := perf_counter() - begun) < seconds:
        for number in range(20):
            work(count + number)
        count += 20
    return count / taken


def main() -> None:
    """Measures and prints, all in one run."""
    begun = perf_counter()
    templates = shipped_templates()
    read = perf_counter()
    texts = texts_of(templates)
    ready = perf_counter()
    print(f"read the shipped texts        {1000 * (read - begun):8.0f} ms")
    print(f"make {len(texts.sources())} of them ready         {1000 * (ready - read):8.0f} ms")

    programme = Programme(name="Tea Club")
    people = [Recipient(name="Ada L", first_name="Ada", locale=one) for one in LOCALES]
    invitation = sample_of("invitation", "email", shipped_rules(), programme=programme)
    earned = sample_of("points_earned", "sms", shipped_rules(), programme=programme)
    assert invitation is not None
    assert earned is not None

    def send(name: str, channel: str, context: dict[str, Any]) -> Callable[[int], Any]:
        return lambda number: texts.render(
            name, channel, context | {"recipient": people[number % len(people)]}
        )

    mail = texts.render("invitation", "email", invitation)
    print(f"one mail has {len(mail['html'])} characters of HTML")
    print(
        f"mails filled in               {a_second(send('invitation', 'email', invitation)):8.0f} /s"
    )
    print(f"text messages filled in       {a_second(send('points_earned', 'sms', earned)):8.0f} /s")
    shown = a_second(lambda _: preview(texts, "points_earned", "sms", locale="de", context=earned))
    print(f"previews with segments        {shown:8.0f} /s")

    email = templates["invitation"].email
    assert email is not None
    source = email["de"].parts()

    def compile_again(_: int) -> None:
        _compiled.cache_clear()
        prepared(source)

    print(f"MJML compiled, text derived   {a_second(compile_again):8.0f} /s")


if __name__ == "__main__":
    main()
