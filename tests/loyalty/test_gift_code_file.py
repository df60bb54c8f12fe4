"""Files of gift codes as spreadsheets write them, and as people should not."""

from __future__ import annotations

import codecs
import io
import tracemalloc
from collections.abc import Iterator

import pytest

from loyalty.gift_code_file import BadRow, CodeRow, GiftCodeFile, UnusableFile, sample
from loyalty.gift_codes_policy import TEMPLATE_CODES


def opened(content: bytes | str, **more: object) -> GiftCodeFile:
    """A file with this content."""
    raw = content.encode() if isinstance(content, str) else content
    values: dict[str, object] = {"template_codes": TEMPLATE_CODES, **more}
    return GiftCodeFile(io.BytesIO(raw), **values)  # type: ignore[arg-type]


def read(content: bytes | str, **more: object) -> list[CodeRow | BadRow]:
    """Its rows."""
    return list(opened(content, **more).rows())


TEXT = 'code;points\r\n"A-1";10\r\nB-2;20\r\n'
GOOD = [CodeRow(2, "A1", "A-1", 10), CodeRow(3, "B2", "B-2", 20)]


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-8"),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.replace(";", ",").encode(),
        TEXT.replace(";", "\t").encode("utf-16"),
        TEXT.replace("\r\n", "\n").encode(),
        TEXT.replace("\r\n", "\r").encode(),
        TEXT.rstrip().encode(),
        b"Points ; CODE\n10;A-1\n20;B-2\n",
        b"code;points;;\nA-1;10;;\nB-2;20;;\n",
    ],
    ids=["utf-8", "bom", "utf-16", "utf-16-be", "16-le-bare", "16-be-bare", "utf-32", "comma",
         "tab", "lf", "cr", "no-last-break", "other-order", "empty-columns"],
)  # fmt: skip
def test_a_file_is_read_however_the_spreadsheet_wrote_it(content: bytes) -> None:
    assert read(content) == GOOD


def test_other_encodings_are_guessed_as_a_last_resort() -> None:
    words = "Gr\u00fc\u00dfe, Stra\u00dfe, \u00c4pfel, M\u00fcnchen, na\u00efve caf\u00e9; "
    content = f"code;points\n{words};1\nA-1;10\n".encode("cp1252")
    found = read(content)
    assert found[-1] == CodeRow(3, "A1", "A-1", 10)
    assert isinstance(found[0], BadRow)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04rest", "save it as CSV"),
        (bytes(range(256)) * 8, "not a text file"),
        ("\n\ncode,points\n", "no header in its first row"),
        ("code,points,code\nA1,1,B1\n", "the column `code` stands twice"),
        ("Code, code ,points\n", "the column `code` stands twice"),
        ("code,worth\n", "expected two columns, `code` and `points`"),
        ("A-1,10\n", "expected two columns"),
        ("code,points,note\n", "the header has `code`, `points`, `note`: expected two columns"),
        ("code points\n", "separated by comma, semicolon or tab"),
        ('"code,points\nA1,1\n', "expected two columns"),
        ("x" * 10_000, "no header in its first row"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else f"{len(value)} bytes",
)
def test_a_file_without_its_columns_is_refused_and_told_what_is_expected(
    content: bytes | str, says: str
) -> None:
    with pytest.raises(UnusableFile, match=says):
        opened(content)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (",100", "the code is empty"),
        ("A-1,", "the points are missing"),
        ("A-1", "the points are missing"),
        ("A-1,abc", "whole number above 0"),
        ("A-1,-50", "whole number above 0"),
        ("A-1,0", "more than 0"),
        ("A-1,1.5", "whole number above 0"),
        ('A-1,"1,000"', "whole number above 0"),
        ("A-1,\u0661\u0660", "whole number above 0"),
        ("A-1,9999999999", "at most 1,000,000,000"),
        ("A-1,=1+1", "the points are a formula"),
        ('"=HYPERLINK(""http://x"")",10', "the code is a formula"),
        ("@A1,10", "the code is a formula"),
        ("+A1,10", "the code is a formula"),
        ("1.23457E+14,10", "made a number by the spreadsheet"),
        ("A#1,10", "letters A to Z and digits"),
        ("\U0001f381,10", "letters A to Z and digits"),
        ("A\x001,10", "cannot be read"),
        ("A-1,10,more", "more cells than the header"),
        ('A-"1,10', "letters A to Z"),
        ('"A-1,10', "quote"),
        ("demo code 1,10", "the code of the sample file"),
        ("x" * 5000 + ",10", "longer than"),
    ],
    ids=lambda value: value[:30],
)
def test_a_bad_row_is_named_and_the_next_is_kept(row: str, says: str) -> None:
    bad, good = read(f"code,points\n{row}\nGOOD-1,5\n")
    assert isinstance(bad, BadRow)
    assert bad.row == 2
    assert says in bad.problem
    assert len(bad.code) <= 60
    assert good == CodeRow(3, "GOOD1", "GOOD-1", 5)


def test_bytes_that_are_no_utf_8_spoil_their_own_row() -> None:
    filler = b"".join(b"CODE-%05d,1\n" % n for n in range(9_000))
    found = read(b"code,points\n" + filler + b"GR\xdcN,1\nLAST-1,1\n")
    assert [one.row for one in found if isinstance(one, BadRow)] == [9_002]
    assert found[-1].code == "LAST1"


def test_blank_rows_count_as_rows_and_say_nothing() -> None:
    assert [one.row for one in read("code,points\n\n , \nA-1,1\n;\n\nB-1,1\n")] == [4, 7]


def test_points_have_the_decimals_of_the_programme() -> None:
    first, second, third = read("code,points\nA1,2.50\nB1,3\nC1,0.001\n", unit_scale=2)
    assert (first.points, second.points) == (250, 300)  # type: ignore[union-attr]
    assert isinstance(third, BadRow)


def test_the_sample_is_refused_row_by_row_until_somebody_fills_it_in() -> None:
    found = read(sample())
    assert [type(one) for one in found] == [BadRow] * len(TEMPLATE_CODES)
    assert all("sample" in one.problem for one in found if isinstance(one, BadRow))


class _Endless(io.RawIOBase):
    """So many bytes of rows that nobody has in memory."""

    def __init__(self, size: int) -> None:
        self._piece = b"".join(b"CODE-%07d,100\n" % n for n in range(5_000))
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        head = b"code,points\n"
        if self._at < len(head):
            found = head[self._at :]
        else:
            place = (self._at - len(head)) % len(self._piece)
            found = self._piece[place : place + len(buffer)]
        found = found[: min(len(buffer), max(self._size - self._at, 0))]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def _one_line(megabytes: int) -> Iterator[CodeRow | BadRow]:
    content = io.BytesIO(b"code,points\n" + b"x" * (megabytes * 1_000_000) + b"\nA-1,1\n")
    return GiftCodeFile(content, template_codes=()).rows()


def test_a_large_file_takes_no_more_memory_than_a_small_one() -> None:
    file = GiftCodeFile(io.BufferedReader(_Endless(600_000)), template_codes=())
    tracemalloc.start()
    count = sum(1 for _ in file.rows())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count > 30_000
    assert peak < 250_000


def test_a_line_of_megabytes_is_one_bad_row() -> None:
    first, second = _one_line(20)
    assert isinstance(first, BadRow)
    assert second == CodeRow(3, "A1", "A-1", 1)
