"""Sheets of gift codes to print and cut: A4, three columns of eight cards, each with a QR code.

The QR code opens the page where codes are redeemed, with the code behind the `#`: browsers keep
that part to themselves, so that no server and no log ever has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from urllib.parse import quote

import segno
from fpdf import FPDF, XPos, YPos

from loyalty.gift_code_plans import CARDS, COLUMNS, MOST_CARDS

_LEFT, _TOP, _WIDTH, _HEIGHT = 7.0, 12.0, 65.3, 34.0
_QR = 26.0
_MASK = 2
"""Every reader takes every mask; looking for the fairest of eight takes most of the time."""
_MARGIN = 3.0


@dataclass(frozen=True, slots=True)
class Card:
    """What stands on a card.

    Attributes:
        code: As it is printed.
        worth: What it is worth, in words: `100 points`.
    """

    code: str
    worth: str


def redeem_link(page: str, code: str) -> str:
    """The address that a card's QR code opens: the page, which ends with `#gift=` or the like."""
    return f"{page}{quote(code, safe='')}"


def sheet(cards: Sequence[Card], *, page: str, title: str, until: str, now: datetime) -> bytes:
    """The cards as a PDF.

    Args:
        page: Where codes are redeemed (`GiftCodePolicy.redeem_page`).
        title: On every card; characters that Western fonts lack become `?`.
        until: The last day, in words; empty where there is none.

    Raises:
        ValueError: More cards than one file takes.
    """
    if len(cards) > MOST_CARDS:
        raise ValueError(f"{len(cards)} cards: one file takes {MOST_CARDS}, make several")
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_margins(0, 0)
    pdf.set_creation_date(now)
    pdf.set_title(title)
    for at, card in enumerate(cards):
        place = at % CARDS
        if place == 0:
            pdf.add_page()
        column, row = place % COLUMNS, place // COLUMNS
        corner = (_LEFT + column * _WIDTH, _TOP + row * _HEIGHT)
        _draw(pdf, card, corner, page=page, title=title, until=until)
    return bytes(pdf.output())


def _draw(
    pdf: FPDF, card: Card, corner: tuple[float, float], *, page: str, title: str, until: str
) -> None:
    left, top = corner
    pdf.set_draw_color(200)
    pdf.rect(left, top, _WIDTH, _HEIGHT)
    image = BytesIO()
    segno.make(redeem_link(page, card.code), error="m", micro=False, mask=_MASK).save(
        image, kind="png", scale=4, border=2
    )
    image.seek(0)
    pdf.image(image, left + 1, top + _MARGIN + 1, _QR, _QR, alt_text=card.code)
    beside, wide = left + _QR + 2, _WIDTH - _QR - _MARGIN
    pdf.set_xy(beside, top + _MARGIN)
    _write(pdf, title, wide, size=8)
    _write(pdf, card.worth, wide, size=11, style="B")
    _write(pdf, card.code, wide, size=9, style="B", family="Courier")
    if until:
        _write(pdf, until, wide, size=7)


def _write(
    pdf: FPDF, text: str, width: float, *, size: int, style: str = "", family: str = "Helvetica"
) -> None:
    """A few lines of text, and the next ones below them."""
    pdf.set_font(family, style, size)
    shown = text.encode("latin-1", "replace").decode("latin-1")[:120]
    pdf.multi_cell(
        width, size * 0.45, shown, align="L", new_x=XPos.LEFT, new_y=YPos.NEXT, max_line_height=5
    )
