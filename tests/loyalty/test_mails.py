"""E-mails: MJML made ready once, values that cannot harm them, the plain-text part."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.mail_source import MailSourceError, prepared
from loyalty.mail_text import plain_text
from loyalty.texts import MAX_HTML, Recipient, TextError, Texts

MJML = """
<mjml lang="en"><mj-head><mj-title>{{ values.title }}</mj-title><mj-preview>Quick</mj-preview>
<mj-style>@media (prefers-color-scheme: dark) { .ink div { color: #fff !important } }</mj-style>
</mj-head><mj-body><mj-section><mj-column>
<mj-text>Hi {{ recipient.first_name }} &amp; all, {% if values.n < 3 and values.n > 1 %}few{% endif %}</mj-text>
<mj-raw>{% for one in values.items %}</mj-raw>
<mj-text>{{ loop.index }}: {{ one|upper }} {{ "}}" ~ '%}' }}</mj-text>
<mj-raw>{% endfor %}</mj-raw>
<mj-button href="{{ values.link }}?a=1&amp;b={{ values.n }}">Go {# not said #}</mj-button>
</mj-column></mj-section></mj-body></mjml>
"""  # noqa: E501
VALUES: dict[str, Any] = {
    "title": "T", "n": 2, "items": ["tea", "<pot>"], "link": "https://hub.example/x",
}  # fmt: skip


def mail(parts: dict[str, str], **given: Any) -> dict[str, str]:
    """The mail for Ada, or whoever is given."""
    context = {"recipient": Recipient(first_name="Ada"), "values": VALUES, **given}
    return Texts({"t": {"email": {"subject": "s", **parts}}}).render("t", "email", context)


def test_jinja_passes_through_the_mjml_compiler_untouched() -> None:
    html = mail({"mjml": MJML})["html"]
    assert "Hi Ada &amp; all, few" in html
    assert "1: TEA }}%}" in html
    assert "2: &lt;POT&gt; }}%}" in html
    assert 'href="https://hub.example/x?a=1&amp;b=2"' in html
    assert "not said" not in html
    assert "zqx" not in html


def test_the_html_has_what_outlook_and_dark_screens_need() -> None:
    html = mail({"mjml": MJML})["html"]
    assert "<!--[if mso" in html
    assert "prefers-color-scheme: dark" in html
    assert "fonts.googleapis" not in html


def test_the_plain_text_part_has_the_words_the_links_and_the_loops() -> None:
    assert mail({"mjml": MJML})["text"] == (
        "Hi Ada & all, few\n\n1: TEA }}%}\n\n2: <POT> }}%}\n\nGo: https://hub.example/x?a=1&b=2"
    )


def test_an_authors_own_plain_text_is_kept_as_it_is() -> None:
    assert mail({"mjml": MJML, "text": "Hello,\n\n  indented"})["text"] == "Hello,\n\n  indented"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h1>A</h1><p>b <b>c</b>\n d</p>", "A\n\nb c d"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>x</li><li>y</li></ul>", "- x\n- y"),
        ('<a href="https://x.example/">x</a>', "x: https://x.example/"),
        ('<a href="https://x.example/">https://x.example/</a>', "https://x.example/"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ('<a href="#top">top</a>', "top"),
        ('<img alt="Logo" src="x"><img src="pixel.gif">', "Logo"),
        ("<style>p{}</style><script>x</script><p>y</p><!-- z -->", "y"),
        ('<div style="display:none">hidden<br><b>x</b></div>seen', "seen"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"),
        ("&euro;5 &lt;x&gt;&nbsp;y", "€5 <x> y"),
        ("<p>open <b>never closed", "open never closed"),
        ("</p></b>", ""),
    ],
)
def test_plain_text_of_html(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text(max_size=300))
def test_any_html_has_a_plain_text(html: str) -> None:
    assert isinstance(plain_text(html), str)


class _Elements(HTMLParser):
    """Names of the elements and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(name for name, _ in attrs)]


NAMES = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='x",
    "{{ 7 * 7 }}", "{% for i in range(9) %}", "</td></table>", "<!-- -->", "]]>",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_adds_no_element_no_attribute_and_no_jinja(name: str) -> None:
    source = {
        "html": '<p title="{{ recipient.first_name }}">{{ recipient.first_name }}</p>'
        "<a href='{{ recipient.first_name }}'>x</a>",
    }
    plain = mail(source)
    hostile = mail(source, recipient=Recipient(first_name=name))
    assert _Elements(hostile["html"]).found == _Elements(plain["html"]).found
    assert "49" not in hostile["html"]
    assert name in hostile["text"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Ada\u202egnp.exe", "Hi Adagnp.exe!"),
        ("A\u200fd\u2066a\u2069", "Hi Ada!"),
        ("Ad\x00a\x1b[31m", "Hi Ada[31m!"),
        ("Ad\ud800a", "Hi Ada!"),
        ("שלום", "Hi \u2068שלום\u2069!"),
        ("שלום\u2069\u202d", "Hi \u2068שלום\u2069!"),
        ("مريم", "Hi \u2068مريم\u2069!"),
        ("Zoë 👩‍👧 陳", "Hi Zoë 👩‍👧 陳!"),
        (None, "Hi !"),
    ],
)
def test_a_name_cannot_turn_the_text_around_it(name: str | None, said: str) -> None:
    parts = mail(
        dict.fromkeys(("subject", "text", "html"), "Hi {{ values.name }}!"), values={"name": name}
    )
    assert parts == dict.fromkeys(("subject", "text", "html"), said)


@given(st.text(max_size=60))
def test_no_name_leaves_an_override_open(name: str) -> None:
    said = mail({"text": "{{ values.name }}|end"}, values={"name": name})["text"]
    assert said.endswith("|end")
    assert not set(said) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u200e\u200f")
    assert said.count("\u2068") == said.count("\u2069") <= 1


@pytest.mark.parametrize(
    ("mjml", "reason"),
    [
        ("<mjml><mj-body><mj-text>a</mj-body></mjml>", "cannot be compiled"),
        ("<mjml><mj-body><mj-buton>a</mj-buton></mj-body></mjml>", "did you mean `mj-button`"),
        ("<mjml>\n\n<mj-body>\n<mj-include path='/etc/passwd' /></mj-body></mjml>", "mj-include"),
        ("just text", "cannot be compiled"),
        ("<mjml>\n{{ values.x </mjml>", "`{{` in line 2 is never closed"),
        ("<mjml>" + "{{" * 90_000 + "</mjml>", "is never closed"),
        ("<mjml>zqx0xqz</mjml>", "a word that is ours"),
        ("<mjml>" + "x" * 200_001, "longer than"),
    ],
)
def test_mjml_that_cannot_be_used_is_refused_when_it_is_loaded(mjml: str, reason: str) -> None:
    with pytest.raises(TextError) as caught:
        mail({"mjml": mjml})
    assert str(caught.value).startswith("the email text 't' cannot be read: ")
    assert reason in str(caught.value)


def test_a_mail_without_a_body_is_refused() -> None:
    with pytest.raises(MailSourceError, match="no body"):
        prepared({"subject": "x"})


def test_a_mail_that_gmail_would_cut_off_is_not_sent() -> None:
    html = "<p>{% for i in range(10000) %}<br>1234567890{% endfor %}</p>"
    with pytest.raises(TextError, match=f"more than {MAX_HTML} characters"):
        mail({"html": html, "text": "short"})


def test_a_chat_text_has_its_button() -> None:
    texts = Texts({"t": {"chat": {"en": {"text": "Join", "button": "Go\nnow"}}}})
    assert texts.render("t", "chat", {}) == {"text": "Join", "button": "Go now"}
