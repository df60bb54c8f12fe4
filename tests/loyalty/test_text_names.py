"""Every name in a text is looked up before the text is used, on branches that are not taken too."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty.facts import MemberFacts, RatedOrder, Result
from loyalty.programme import Programme
from loyalty.text_names import ANYTHING, Names, names_of, unknown_names
from loyalty.texts import Texts

SCOPE: dict[str, Any] = {
    "member": names_of(MemberFacts, ("first_name", "tags", "joined_at", "birthday")),
    "programme": Programme,
    "order": RatedOrder,
    "result": Result,
    "values": Names({"number": ANYTHING}),
}


def unknown(text: str) -> list[str]:
    """What is not known in a text, as people read it."""
    [source] = Texts({"t": {"sms": text}}).sources()
    return [f"{one.name}{one.hint}" for one in unknown_names(source, SCOPE)]


@pytest.mark.parametrize(
    "text",
    [
        "{{ member.first_name }} {{ values.number|number }} {{ result.points|points }}",
        "{% for line in order.lines %}{{ loop.index }} {{ line.title }} {{ line.sku }}{% endfor %}",
        "{% for a, b in member.tags %}{{ a }}{{ b }}{% endfor %}",
        "{% set name = member.first_name %}{{ name }}",
        "{{ order.customer.email }} {{ order['number'] }} {{ programme.letterhead.support }}",
        "{{ member.first_name.upper() }} {{ member.joined_at.strftime('%d') }}",
        "{{ values.gift|default('none') }} {{ values.gift|d('none') }}",
        "{% if payment is defined %}{{ payment.amount }}{% endif %}",
        "{{ plural(result.points, one='a', other='b') }}{% for i in range(3) %}{{ i }}{% endfor %}",
        "{{ programme.version }} {{ order.lines|length }} {{ order.lines[0].whatever }}",
    ],
)
def test_names_that_are_there_are_not_complained_of(text: str) -> None:
    assert unknown(text) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ member.frist_name }}", "member.frist_name; did you mean `first_name`?"),
        ("{{ membr.first_name }}", "membr; did you mean `member`?"),
        ("{% if false %}{{ nobody }}{% endif %}", "nobody; there are: member, order, plural,"),
        ("{% for l in order.lines %}{{ l.titel }}{% endfor %}", "l.titel; did you mean `title`?"),
        ("{% for l in order.lines %}{% endfor %}{{ l }}", "l; there are:"),
        ("{{ values.numbr }}", "values.numbr; did you mean `number`?"),
        ("{{ order.customer.emial }}", "order.customer.emial; did you mean `email`?"),
        ("{{ order['nubmer'] }}", "order.nubmer; did you mean `number`?"),
        ("{{ result.points|money(order.curency) }}", "order.curency; did you mean `currency`?"),
        ("{% set a = order %}{{ a.tottal }}", "a.tottal; did you mean `total`?"),
        ("{{ 'x' if order.tests else 'y' }}", "order.tests; did you mean `is_test`?"),
        ("{{ member.first_name ~ xyzzy }}", "xyzzy; there are:"),
        ("{{ member.learn }}", "member.learn; there are: birthday,"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_the_nearest(text: str, told: str) -> None:
    [found] = unknown(text)
    assert found.startswith(told)


def test_of_an_email_each_name_is_told_once_with_its_part() -> None:
    parts = {"subject": "{{ values.nmber }}", "html": "<p>{{ values.nmber }} {{ x }}</p>"}
    [source] = Texts({"t": {"email": {"de": parts, "en": parts}}}).sources()[:1]
    told = [str(one) for one in unknown_names(source, SCOPE)]
    assert len(told) == 2
    assert told[0].startswith("the email text 't' (de) of subject: there is no `values.nmber`")
