"""Texts in YAML: languages, layouts, an installation's own, and the shipped ones themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loyalty.announced import ANNOUNCED
from loyalty.letterhead import Letterhead
from loyalty.programme import Programme
from loyalty.sms import measure
from loyalty.store.people import Member
from loyalty.texts import MessageLinks
from rules import RuleSet
from rules.layouts import Layout
from rules.review import review
from rules.shipped import all_templates, shipped_rules, shipped_templates
from rules.templates import TemplateError, read_templates
from rules.text_checks import MEMBER, announced_problems, text_problems, texts_of, warnings_of
from rules.text_samples import Person, sample_of

DOCS = Path(__file__).parents[2] / "docs" / "templates.md"
LETTERHEAD = Letterhead(postal_address="1 Tea Street, Dublin", support="help@tea.example")
PROGRAMME = Programme(name="Tea Club", letterhead=LETTERHEAD)
TEXTS = texts_of(shipped_templates())
LANGUAGES = ("en", "de", "fr")
PLAIN = Layout(mjml="<mjml><mj-body>[[content]]</mj-body></mjml>")


def test_every_shipped_text_is_sound_in_every_language() -> None:
    assert text_problems(shipped_rules(), TEXTS) == ()
    assert announced_problems(TEXTS) == ()
    assert warnings_of(TEXTS) == ()


def test_everything_that_is_announced_is_there_in_the_shipped_languages() -> None:
    found = {
        (name, channel): tuple(source.locale for source in TEXTS.in_all_languages(name, channel))
        for name, one in ANNOUNCED.items()
        for channel in one.channels
    }
    assert found == dict.fromkeys(found, LANGUAGES)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_shipped_sms_is_gsm_and_at_most_two_segments(locale: str) -> None:
    for source in TEXTS.sources():
        if source.channel == "sms" and source.locale == locale:
            sample = sample_of(source.name, "sms", shipped_rules(), programme=PROGRAMME)
            assert sample is not None
            size = measure(TEXTS.render(source.name, "sms", sample, locale=locale)["text"])
            assert (size.encoding, size.segments <= 2) == ("GSM-7", True), source


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("name", ["invitation", "anniversary", "expiry_reminder"])
def test_marketing_says_who_writes_and_how_to_leave(name: str, locale: str) -> None:
    sample = sample_of(name, "email", shipped_rules(), programme=PROGRAMME)
    assert sample is not None
    mail = TEXTS.render(name, "email", sample, locale=locale)
    for part in (mail["html"], mail["text"]):
        assert "Tea Club, 1 Tea Street, Dublin" in part
        assert "https://hub.example/u/sample" in part
        assert "https://hub.example/p/sample" in part
    assert f'lang="{locale}"' in mail["html"]
    assert 'name="color-scheme" content="light dark"' in mail["html"]
    bare = TEXTS.render(name, "email", sample | {"links": MessageLinks()}, locale=locale)
    assert "/u/" not in bare["html"]


def test_a_sample_speaks_to_the_person_it_is_for() -> None:
    person = Person(first_name="Zoë", locale="de-AT", zone="Asia/Tokyo")
    sample = sample_of("anniversary", "email", shipped_rules(), programme=PROGRAMME, person=person)
    assert sample is not None
    assert "Hallo Zoë," in TEXTS.render("anniversary", "email", sample)["text"]
    assert sample_of("nothing", "sms", shipped_rules(), programme=PROGRAMME) is None


def test_what_texts_may_say_of_a_member_every_member_has() -> None:
    assert set(MEMBER) <= set(Member.__dataclass_fields__)


def test_the_table_of_the_documentation_is_that_of_the_code() -> None:
    row = re.compile(r"^\| `(\w+)` \| (\w+) \| ([^|]+) \|([^|]*)\|$", re.MULTILINE)
    told = {
        name: (purpose, re.sub(r" \(.*\)", "", channels), set(re.findall(r"`(\w+)`", values)))
        for name, purpose, channels, values in row.findall(DOCS.read_text("utf-8"))
    }
    assert told == {
        name: (one.purpose, ", ".join(one.channels), set(one.values))
        for name, one in ANNOUNCED.items()
    }


def test_an_installation_replaces_a_language_and_keeps_the_others(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "own.yaml").write_text(
        "magic_link: {email: {de: {subject: Los, text: '{{ values.link }}'}, "
        "it: {subject: Entra, text: '{{ values.link }}'}}}\n"
        "sms_help: {sms: Help}\nthanks: {sms: {en: Thanks}}",
        "utf-8",
    )
    found = texts_of(all_templates(tmp_path))
    sample = sample_of("magic_link", "email", shipped_rules(), programme=PROGRAMME)
    assert sample is not None
    subjects = {
        locale: found.render("magic_link", "email", sample, locale=locale)["subject"]
        for locale in ("de", "en", "it")
    }
    assert subjects == {
        "de": "Los", "en": "Your link to sign in to Tea Club", "it": "Entra",
    }  # fmt: skip
    assert [one.locale for one in found.in_all_languages("sms_help", "sms")] == [""]
    assert found.render("thanks", "sms", {})["text"] == "Thanks"
    assert found.render("welcome", "email", sample_of(
        "welcome", "email", shipped_rules(), programme=PROGRAMME) or {})["subject"]  # fmt: skip


def test_a_layout_of_ones_own_surrounds_the_own_and_not_the_shipped_texts(tmp_path: Path) -> None:
    (tmp_path / "layouts").mkdir()
    (tmp_path / "layouts" / "base.yaml").write_text(
        "mjml: <mjml><mj-body>[[content]]<mj-raw>[[bye]]</mj-raw></mj-body></mjml>\n"
        "words: {en: {bye: Bye}, de: {bye: Servus}}",
        "utf-8",
    )
    (tmp_path / "templates.yaml").write_text(
        "hello: {email: {de-AT: {subject: S, mjml: <mj-text>x</mj-text>}}}", "utf-8"
    )
    mail = texts_of(all_templates(tmp_path)).render("hello", "email", {})
    assert "Servus" in mail["html"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("t: {sms: {ge rman: hi}}", "t.sms.ge rman.*no language: write a BCP 47 tag"),
        ("t: {email: {de: {subject: x}}}", "t.email.de: it has no body"),
        ("t: {email: {subject: x, html: a, mjml: b}}", "t.email: it has two bodies"),
        ("t: {email: {subject: x, mjml: <mj-text>a</mj-text>, layout: nice}}", "no layout `nice`"),
        ("t: {email: {subject: '{{ x', mjml: <mj-text>a</mj-text>}}", "t.email: the `{{` in line"),
        ("t: {chat: {text: hi, buton: x}}", "Did you mean `button`?"),
        ("t: {sms: {}}", "t.sms: .*at least 1 item"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        read_templates(text, layouts={"base": PLAIN})


def test_the_subject_and_the_preheader_are_no_markup() -> None:
    layout = Layout(
        mjml="<mjml><mj-head><mj-title>[[subject]]</mj-title><mj-preview>[[preheader]]</mj-preview>"
        "</mj-head><mj-body>[[content]]</mj-body></mjml>"
    )
    read = read_templates(
        "t: {email: {subject: 'Tea & <pots> {{ \"a<b\" }}', preheader: 'x < y', "
        "mjml: <mj-text>z</mj-text>}}",
        layouts={"base": layout},
    )
    html = texts_of(read).render("t", "email", {})["html"]
    assert "<title>Tea &amp; &lt;pots&gt; a&lt;b</title>" in html
    assert "x &lt; y" in html


@pytest.mark.parametrize("mjml", ["<mjml></mjml>", "<mjml>[[content]] [[bye]]</mjml>"])
def test_a_layout_needs_its_content_and_its_words(mjml: str) -> None:
    with pytest.raises(ValueError, match=r"slot \[\[content\]\]|no word `bye` in de"):
        Layout(mjml=mjml, words={"de": {}})


def test_rules_are_not_published_with_a_text_that_names_what_is_not_there() -> None:
    rule = {
        "id": "thanks", "on": ["order.paid"],
        "then": [{"send_message": {"channel": "sms", "template": "thanks",
                                   "values": {"number": "order.number"}}}],
    }  # fmt: skip
    templates = read_templates(
        "thanks: {sms: {en: '{{ values.number }}', de: '{{ values.nummer }}'}}"
    )
    found = review(RuleSet.load([rule]), None, Programme(), templates=templates)
    assert [str(one) for one in found.problems] == [
        "thanks, then[0]: the sms text 'thanks' (de): there is no `values.nummer`; did you mean "
        "`number`? (when order.paid happens)"
    ]


def test_a_text_that_the_rules_example_cannot_fill_in_is_told_with_its_language() -> None:
    rule = {
        "id": "thanks", "on": ["order.paid"],
        "then": [{"send_message": {"channel": "sms", "template": "thanks",
                                   "values": {"number": "order.number"}}}],
        "examples": [{"event": {"type": "order.paid", "data": {
            "id": "1", "number": "#7", "currency": "EUR", "total": "5"}}, "expect": {}}],
    }  # fmt: skip
    templates = read_templates("thanks: {sms: {en: ok, de: '{{ values.number|date }}'}}")
    found = review(RuleSet.load([rule]), None, Programme(), templates=templates)
    assert [str(one) for one in found.problems] == [
        "thanks, then[0]: the sms text 'thanks' (de) cannot be filled in: `date` needs a date, "
        "not '#7'"
    ]
