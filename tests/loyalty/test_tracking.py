"""Links are rewritten where they stand, lead where they led, and cannot be made by others."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.links import LinkInvalid, LinkKind, Links
from loyalty.tracking import click_address, read_click, read_open, tracked

HUB = "https://hub.example"
LINKS = Links(b"k" * 32, HUB)
MAIL = UUID(int=77)
LONG = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=1200))


def made(html: str) -> str:
    return tracked(html, LINKS, MAIL)


def addresses(html: str) -> list[str]:
    """Where the links of the HTML lead now."""
    return re.findall(r'href\s*=\s*"([^"]*)"', html, re.IGNORECASE)


def test_a_link_leads_through_the_hub_to_where_it_led() -> None:
    html = made('<p><a class="b" href="https://shop.example/?a=1&amp;b=2#c">go</a></p>')
    (address,) = addresses(html)
    token = address.removeprefix(f"{HUB}/l/")
    followed = read_click(LINKS, token)
    assert (followed.delivery_id, followed.target) == (MAIL, "https://shop.example/?a=1&b=2#c")
    assert '<a class="b" href=' in html


@pytest.mark.parametrize(
    "tag",
    [
        '<a href="mailto:ada@example.org">m</a>',
        '<a href="tel:+4930123456">t</a>',
        '<a href="#top">x</a>',
        '<a href="/relative">x</a>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href="https://[broken">x</a>',
        '<a href="https://shop.example/" data-untracked>x</a>',
        f'<a href="{HUB}/u/abc">leave</a>',
        f'<a href="{HUB}/p/abc">choose</a>',
        f'<a href="{HUB}/c/abc">confirm</a>',
        f'<a href="{HUB}/s/abc">sign in</a>',
        '<!--[if mso]><a href="https://shop.example/">x</a><![endif]-->',
        '<link href="https://fonts.example/a.css">',
        f'<a href="https://shop.example/{LONG}">too long for a token</a>',
    ],
)
def test_these_links_stay_as_they_are(tag: str) -> None:
    assert made(f"<body>{tag}</body>").startswith(f"<body>{tag}<img ")


@pytest.mark.parametrize(
    "tag",
    [
        "<A HREF='https://shop.example/'>x</A>",
        "<a href=https://shop.example/>x</a>",
        "<a\n  title='a > b'\n  href = \"https://shop.example/\">x</a>",
        '<area href="https://shop.example/" alt="">',
        f'<a href="{HUB}/j/abc">join</a>',
    ],
)
def test_however_a_link_is_written_it_is_found(tag: str) -> None:
    (address,) = addresses(made(f"\u2028\f<b>é</b>\r\n{tag}"))
    assert address.startswith(f"{HUB}/l/")


def test_the_pixel_stands_at_the_end_of_the_body_and_names_the_mail() -> None:
    html = made("<html><body><p>x</p></body></html>")
    before, _, rest = html.partition('<img src="')
    assert before == "<html><body><p>x</p>"
    assert rest.endswith("</body></html>")
    token = rest.partition('"')[0].removeprefix(f"{HUB}/o/")
    assert read_open(LINKS, token).delivery_id == MAIL


def test_a_mail_without_html_stays_without() -> None:
    assert made("") == ""


def test_a_token_altered_by_one_character_leads_nowhere() -> None:
    address = click_address(LINKS, MAIL, "https://shop.example/sale")
    assert address is not None
    token = address.removeprefix(f"{HUB}/l/")
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(LinkInvalid):
            read_click(LINKS, f"{token[:place]}{other}{token[place + 1 :]}")


def test_a_token_of_another_purpose_is_worth_nothing_here() -> None:
    content = {"d": MAIL.hex, "t": "https://evil.example"}
    for kind in LinkKind:
        if kind is not LinkKind.CLICK:
            with pytest.raises(LinkInvalid):
                read_click(LINKS, LINKS.token(kind, content))
    with pytest.raises(LinkInvalid):
        read_click(LINKS, LINKS.token(LinkKind.CLICK, {"d": "no id"}))


@given(st.text(max_size=300))
def test_whatever_the_html_is_nothing_but_links_is_changed(junk: str) -> None:
    html = made(f"{junk}<p>a</p>")
    stripped = html.replace(html[html.rindex("<img src=") :].partition(">")[0] + ">", "")
    if "href" not in junk.lower():
        assert stripped == f"{junk}<p>a</p>"


class Browser(HTMLParser):
    """Reads a whole mail as browsers do: where its links lead, and what else they have."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs))


VALUES = st.text("ab&;= <'\n/\u00e9", max_size=8)
ATTRIBUTES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["class", "style", "data-x", "TITLE", "x1"]), VALUES)
        .map(lambda one: f'{one[0]}="{one[1]}"'),
        st.sampled_from(["disabled", "title='b'", "id=c", 'alt = "d"']),
    ),
    max_size=4,
)  # fmt: skip
HREFS = st.sampled_from(["https://shop.example/?a=1", "https://shop.example/?a=1&amp;lt;=2"])


@given(ATTRIBUTES, HREFS, ATTRIBUTES, st.sampled_from([" ", "\n", "\t "]), st.booleans())
def test_links_lead_where_browsers_read_that_they_do(
    before: list[str], href: str, after: list[str], blank: str, stays: bool
) -> None:
    written = ["<a", *before, f'href="{href}"', *after, *["data-untracked"] * stays]
    html = f"<body>{blank.join(written)}>go</a></body>"
    (plain,), (led,) = Browser(html).links, Browser(made(html)).links
    target = plain.pop("href")
    address = led.pop("href")
    assert led == plain
    if stays:
        assert address == target
    else:
        assert address is not None
        assert read_click(LINKS, address.removeprefix(f"{HUB}/l/")).target == target
