"""E-mails that tell of their opens and clicks: links rewritten to signed ones, a pixel added.

Only where a link leads is changed, in the text as it was written: what else is in the HTML stays
as it is to the letter, the conditional comments of Outlook with it. The target is part of the
signed token, so that nobody can make the hub send people anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit
from uuid import UUID

from loyalty.links import MAX_TOKEN, LinkInvalid, LinkKind, Links

UNTRACKED = "data-untracked"
"""An attribute of links that stay as they are."""

OWN_UNTRACKED = frozenset(
    {
        LinkKind.UNSUBSCRIBE,
        LinkKind.PREFERENCES,
        LinkKind.CONFIRM,
        LinkKind.SIGN_IN,
        LinkKind.HAND_OVER,
        LinkKind.CLICK,
        LinkKind.OPEN,
    }
)
"""Links of ours that nobody watches: leaving must work whatever happens to the counting, and
what lets people in is nobody else's business."""

_HREF = re.compile(
    r"""(?P<before>\shref\s*=\s*)(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>]+))""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Tag:
    begins: int
    text: str
    target: str


class _Attributes(HTMLParser):
    """Reads the attributes of one tag as browsers do."""

    def __init__(self, tag: str) -> None:
        super().__init__(convert_charrefs=False)
        self.found: dict[str, str | None] = {}
        self.feed(tag)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found = dict(attrs)


# Where nothing has to be decoded, matching takes a tenth of what HTMLParser does.
_PLAIN_ATTRIBUTE = re.compile(r'\s([a-z][a-z-]*)="([^"&]*)"')
_PLAINLY_WRITTEN = re.compile(rf"<[a-z]+(?:{_PLAIN_ATTRIBUTE.pattern})*>")

# Reading a whole mail with HTMLParser costs five times what rendering it does: only what can
# hide a link, links, and the end of the body are looked at.
# The `<` stands before the alternatives, so that `re` leaps from one to the next.
_LANDMARK = re.compile(
    r"""<(?:
        !--(?:[^-]++|-(?!->))*+(?:-->|\Z)
      | (?P<raw>script|style|title|textarea)\b(?:[^<]++|<(?!/(?P=raw)\b))*+(?:</(?P=raw)\b|\Z)
      | (?P<link>a|area)(?=[\s/>])(?:[^>"']++|"[^"]*"|'[^']*')*+>
      | (?P<end>/body\s*>))""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


def _landmarks(html: str) -> tuple[list[_Tag], int]:
    """Where links begin, and where the body ends."""
    tags, ends = [], len(html)
    for found in _LANDMARK.finditer(html):
        if found["end"]:
            ends = found.start()
        elif found["link"]:
            attributes = _attributes(found.group())
            target = attributes.get("href")
            if target and UNTRACKED not in attributes:
                tags.append(_Tag(found.start(), found.group(), target))
    return tags, ends


def _attributes(tag: str) -> dict[str, str | None]:
    """The attributes of a tag as browsers read them; most are written in the plainest way."""
    if _PLAINLY_WRITTEN.fullmatch(tag):
        return dict(_PLAIN_ATTRIBUTE.findall(tag))
    return _Attributes(tag).found


def with_tracking(html: str, *, click: Callable[[str], str | None], pixel: str) -> str:
    """The HTML with its links rewritten and the pixel at the end of the body.

    Args:
        click: The address that leads to a target; None where the link is to stay as it is.
        pixel: The address of the picture that tells of an open; empty for none.
    """
    tags, ends = _landmarks(html)
    parts, done = [], 0
    for tag in tags:
        address = click(tag.target) if _leads_somewhere(tag.target) else None
        if address is not None:
            parts += [html[done : tag.begins], _led_to(tag.text, address)]
            done = tag.begins + len(tag.text)
    parts += [html[done:ends], _picture(pixel), html[ends:]]
    return "".join(parts)


def _leads_somewhere(target: str) -> bool:
    """Whether it is an address of the web; mail, telephone and places in the page are none."""
    try:
        parts = urlsplit(target.strip())
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.netloc)


def _led_to(tag: str, address: str) -> str:
    return _HREF.sub(lambda found: f'{found["before"]}"{escape(address)}"', tag, count=1)


def _picture(address: str) -> str:
    if not address:
        return ""
    return (
        f'<img src="{escape(address)}" width="1" height="1" alt="" '
        'style="display:block;width:1px;height:1px;border:0">'
    )


def tracked(html: str, links: Links, delivery_id: UUID) -> str:
    """The HTML of an e-mail, with links and pixel of its delivery."""
    if not html:
        return ""

    def click(target: str) -> str | None:
        return click_address(links, delivery_id, target.strip())

    pixel = links.url(LinkKind.OPEN, {"d": delivery_id.hex})
    return with_tracking(html, click=click, pixel=pixel)


def click_address(links: Links, delivery_id: UUID, target: str) -> str | None:
    """The signed address that counts a click and leads to a target; None where it must not.

    Neither do addresses go that would not fit in a token: they stay as they are.
    """
    own = f"{links.base_url}/"
    if target.startswith(own) and target.removeprefix(own).partition("/")[0] in OWN_UNTRACKED:
        return None
    token = links.token(LinkKind.CLICK, {"d": delivery_id.hex, "t": target})
    return f"{own}{LinkKind.CLICK}/{token}" if len(token) <= MAX_TOKEN else None


@dataclass(frozen=True, slots=True)
class Followed:
    """What a signed address says: which delivery, and for a click, where it leads."""

    delivery_id: UUID
    target: str = ""


def read_click(links: Links, token: str) -> Followed:
    """Whose click it is and where it leads.

    Raises:
        LinkInvalid: The hub did not make this link.
    """
    found = links.read(LinkKind.CLICK, token)
    return Followed(_delivery(found), str(found.get("t", "")))


def read_open(links: Links, token: str) -> Followed:
    """Whose open it is.

    Raises:
        LinkInvalid: The hub did not make this link.
    """
    return Followed(_delivery(links.read(LinkKind.OPEN, token)))


def _delivery(found: dict[str, object]) -> UUID:
    try:
        return UUID(hex=str(found["d"]))
    except (KeyError, ValueError):
        raise LinkInvalid("the link names no message") from None
