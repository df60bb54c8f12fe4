"""What a text may say and do: names are known, nothing is reached, nothing grows without bound."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from loyalty.facts import Result
from loyalty.programme import Programme
from loyalty.store.people import Member
from loyalty.texts import MAX_TEXT, TextError, Texts
from rules.shipped import shipped_templates

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def member() -> Member:
    """A member as the planner hands it to a text."""
    return Member(UUID(int=1), NOON, NOON, first_name="Ada", email="ada@example.com", tags=["a"])


def said(text: str, **more: Any) -> str:
    """The text, filled in."""
    context = {"member": member(), "tags": ("tea", "pot"), "total": Decimal("19.90"), **more}
    return Texts({"t": {"sms": text}}).render("t", "sms", context)["text"]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Hi {{ member.first_name }}!", "Hi Ada!"),
        ("{{ total }} {{ total * 2 }} {{ 7 % 4 }}", "19.90 39.80 3"),
        ("{% for one in tags %}{{ loop.index }}{{ one|upper }} {% endfor %}", "1TEA 2POT"),
        ("{% for one in tags if one != 'tea' %}{{ one }}{% else %}none{% endfor %}", "pot"),
        ("{{ 'a' if tags else 'b' }}{{ 'x' ~ ('y' ~ 1) }}", "axy1"),
        ("{{ member.joined_at.strftime('%d.%m.%Y') }}", "02.03.2026"),
        ("{{ tags|join(', ') }} {{ 'tea'|replace('t', 's') }}", "tea, pot sea"),
        ("{% for n in range(3) %}{{ n }}{% endfor %}", "012"),
        ("{% set greeting = 'Hi' %}{{ greeting }}", "Hi"),
    ],
)
def test_what_a_text_may_say(text: str, result: str) -> None:
    assert said(text) == result


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ member.__class__ }}", "'__class__' of 'Member' object is unsafe"),
        ("{{ member['__class__'] }}", "unsafe"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ '{0.__class__}'.format(member) }}", "format() cannot be called"),
        ("{{ member.learn(member) }}", "learn() cannot be called"),
        ("{{ member.facts(available=1, tier_factor=1) }}", "facts() cannot be called"),
        ("{{ member.tags.append('x') }}", "unsafe"),
        ("{{ nobody }}", "'nobody' is undefined"),
        ("{{ nobody.name }}", "'nobody' is undefined"),
        ("{{ member.nickname }}", "has no attribute 'nickname'"),
        ("{{ lipsum() }}", "'lipsum' is undefined"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ 'a' + 1 }}", "TypeError"),
        ("{{ member.tags|sum }}", "TypeError"),
    ],
)
def test_what_a_text_may_not_do_is_refused_in_words(text: str, reason: str) -> None:
    with pytest.raises(TextError) as caught:
        said(text)
    assert str(caught.value).startswith("the sms text 't' cannot be filled in: ")
    assert reason in str(caught.value)


DOUBLE = "{% set a = a ~ a %}"
BOMBS = [
    "{% for i in range(1000000000) %}x{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in tags %}" * 18 + "{% endfor %}" * 18,
    "{{ 'x' * 1000000000 }}",
    "{{ tags * 1000000000 }}",
    "{{ 9 ** 99999999 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 'x'.center(1000000000) }}",
    "{% set a = 'xxxxxxxx' %}" + DOUBLE * 60,
    "{% set a = 'xxxxxxxx' %}" + DOUBLE.replace("~", "+") * 60,
    "{% set a = [1] %}" + DOUBLE.replace("~", "+") * 60,
    "{% set a = 'xxxxxxxx' %}" + "{% set a = [a, a]|join %}" * 60,
    "{% set a = 'xxxxxxxx' %}" + "{% set a = a|replace('x', a) %}" * 60,
    "{% set a = 9 %}" + DOUBLE.replace("~", "*") * 60,
    "{% set a = 'x' ~ ('y' ~ 'z') %}"
    + DOUBLE * 14
    + "{% for i in range(9999) %}{{ a }}{% endfor %}",
]


@pytest.mark.parametrize("text", BOMBS, ids=lambda text: text[:40])
def test_a_text_that_would_never_end_is_ended(text: str) -> None:
    ends: list[str] = []

    def fill_in() -> None:
        with pytest.raises(TextError) as caught:
            said(text)
        ends.append(str(caught.value))

    thread = threading.Thread(target=fill_in, daemon=True)
    thread.start()
    thread.join(5)
    assert len(ends) == 1


@pytest.mark.parametrize(
    "text",
    [
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for x in tags recursive %}{{ loop(tags) }}{% endfor %}",
        "{% set a %}{{ a }}{% endset %}",
        "{% include 'x' %}",
        "{% if %}",
        "{{ 'x'|center(99999) }}",
    ],
)
def test_a_text_that_cannot_be_read_is_named_when_it_is_loaded(text: str) -> None:
    with pytest.raises(TextError, match=r"the email text 'hello' cannot be read \(line 2\): "):
        Texts({"hello": {"email": {"subject": "ok", "text": f"\n{text}"}}})


def test_a_name_cannot_put_markup_into_an_html_mail_nor_a_header_into_a_subject() -> None:
    texts = Texts({"t": {"email": dict.fromkeys(("subject", "text", "html"), "{{ name }}")}})
    name = "<b>Ada</b>\nBcc: eve@example.com"
    assert texts.render("t", "email", {"name": name}) == {
        "subject": "<b>Ada</b> Bcc: eve@example.com",
        "text": name,
        "html": "&lt;b&gt;Ada&lt;/b&gt;\nBcc: eve@example.com",
    }


def test_a_text_that_is_missing_is_named() -> None:
    with pytest.raises(TextError, match="no sms text named 'nothing': add it to the templates"):
        Texts({}).render("nothing", "sms", {})


def test_a_text_is_cut_where_it_is_too_long() -> None:
    assert len(said("{% for i in range(9000) %}123 {% endfor %}")) == MAX_TEXT


def test_loops_are_counted_for_each_text_anew() -> None:
    texts = Texts({"t": {"sms": "{% for i in range(9000) %}{% endfor %}done"}})
    for _ in range(5):
        assert texts.render("t", "sms", {}) == {"text": "done"}


def test_the_shipped_texts_can_be_read() -> None:
    sources = {name: template.plain() for name, template in shipped_templates().items()}
    context = {"values": {"years": 2}, "programme": Programme(name="Club"), "result": Result()}
    rendered = Texts(sources).render("anniversary", "email", {"member": member(), **context})
    assert rendered["subject"] == "2 years with Club"


def test_texts_that_were_checked_before_are_read_when_they_are_asked_for() -> None:
    texts = Texts({"a": {"sms": "fine"}, "b": {"sms": "{% if %}"}}, are_checked=True)
    assert texts.render("a", "sms", {}) == {"text": "fine"}
    with pytest.raises(TextError, match=r"the sms text 'b' cannot be read \(line 1\): "):
        texts.sources()
