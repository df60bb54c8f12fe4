"""Scenario files that cannot be used, and what is said of them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from deployments.scenario.document import UnusableFile, read_file, read_text

GOOD = """\
version: 1
cases:
- id: first
  settings: {rounding: floor}
  events:
  - at: '2026-01-05T10:00:00Z'
    do: order.paid
    order: o1
    member: m1
    amount: '2.50'
    expect:
      balance:
        m1: {available: 2}
"""


def test_a_good_file_is_read() -> None:
    (case,) = read_text(GOOD)
    assert (case.id, len(case.steps)) == ("first", 1)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        pytest.param(
            "do: order.paid", "do: order.payed",
            "line 7, case first, step 1: there is no event kind `order.payed`."
            " Did you mean `order.paid`?",
            id="an unknown event kind",
        ),
        pytest.param(
            "member: m1", "membr: m1",
            "line 9, case first, step 1 (order.paid): there is no key `membr` here."
            " Did you mean `member`?",
            id="a typo in a key of a step",
        ),
        pytest.param(
            "balance:", "balanse:",
            "line 12, case first, step 1 (order.paid): expect.balanse: there is no key"
            " `balanse` here. Did you mean `balance`?",
            id="a typo in what is expected",
        ),
        pytest.param(
            "available: 2", "avaliable: 2",
            "expect.balance.m1.avaliable: there is no key `avaliable` here."
            " Did you mean `available`?",
            id="a typo deep in what is expected",
        ),
        pytest.param(
            "{rounding: floor}", "{roundin: floor}",
            "line 4, case first: there is no key `roundin` here. Did you mean `rounding`?",
            id="a typo in a setting",
        ),
        pytest.param(
            "{rounding: floor}", "{expiry: {mode: days}}", "expiry by days needs `n`",
            id="settings that do not go together",
        ),
        pytest.param("'2.50'", "[2]", "amount: an amount is a decimal number", id="a wrong type"),
        pytest.param("'2.50'", "'two'", "'two' is not an amount", id="an amount that is none"),
        pytest.param("    amount: '2.50'\n", "", "say either `amount` or `lines`", id="no amount"),
        pytest.param("'2026-01-05T10:00:00Z'", "5", "an instant is written as", id="at a number"),
        pytest.param(
            "'2026-01-05T10:00:00Z'", "'2026-01-05T10:00:00'", "at: Input should have timezone",
            id="an instant without an offset",
        ),
        pytest.param(
            "  - at: '2026-01-05T10:00:00Z'\n    do", "  - do", "the key `at` is missing",
            id="a step without a time",
        ),
        pytest.param("    do: order.paid\n", "", "the key `do` is missing", id="a step without do"),
        pytest.param("id: first", "name: first", "the key `id` is missing", id="a case without id"),
        pytest.param("version: 1", "version: 2", "version 2 is not known", id="another version"),
        pytest.param("version: 1", "versoin: 1", "Did you mean `version`?", id="a typo at the top"),
        pytest.param(
            "version: 1", "defaults: {earn: {pre: 1}}", "line 1, defaults: earn.pre: there is no"
            " key `pre` here. Did you mean `per`?", id="a typo in the defaults",
        ),
        pytest.param("cases:", "caes:", "Did you mean `cases`?", id="no cases"),
        pytest.param("rounding: floor}", "rounding: floor", "this is not YAML", id="not YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(right: str, wrong: str, told: str) -> None:
    assert right in GOOD
    with pytest.raises(UnusableFile) as failure:
        read_text(GOOD.replace(right, wrong, 1))
    assert told in str(failure.value)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            "{rounding: floor}", "{rounding: flor}",
            "scenarios, line 4, case first: rounding: `flor` is not one of 'floor', 'ceil',"
            " 'half_up' or 'half_even'. Did you mean `floor`?",
        ),
        (
            "{rounding: floor}", "{rules: [{id: a, kind: multiplyer, factor: 2}]}",
            "scenarios, line 4, case first: rules.0: there is no kind `multiplyer`."
            " Did you mean `multiplier`?",
        ),
        (
            "balance:\n        m1: {available: 2}", "result: aplied",
            "scenarios, line 12, case first, step 1 (order.paid): expect.result: `aplied` is not"
            " one of 'applied', 'duplicate', 'parked', 'rejected' or 'ignored'. Did you mean"
            " `applied`?",
        ),
    ],
)  # fmt: skip
def test_a_choice_that_there_is_not_concerns_its_case_alone(
    right: str, wrong: str, told: str
) -> None:
    assert right in GOOD
    other = GOOD[GOOD.index("- id") :].replace("first", "second")
    first, second = read_text(GOOD.replace(right, wrong, 1) + other)
    assert first.unknown == (told,)
    assert second.unknown == ()


def test_a_typo_inside_a_concurrent_step_is_found() -> None:
    part = "    concurrent:\n    - {do: order.paid, order: o1, membr: m1, amount: '1.00'}\n"
    other = "    - {do: clock}\n"
    text = GOOD[: GOOD.index("    do:")] + part + other
    with pytest.raises(UnusableFile, match=r"step 1, part 1 \(order.paid\): .*`member`"):
        read_text(text)


def test_a_typo_inside_changed_settings_is_found() -> None:
    change = "    do: settings.change\n    set: {roundin: ceil}\n"
    with pytest.raises(UnusableFile, match="Did you mean `rounding`"):
        read_text(GOOD[: GOOD.index("    do:")] + change)


def test_an_id_that_is_there_twice_is_named_with_both_lines() -> None:
    case = GOOD[GOOD.index("- id") :]
    with pytest.raises(UnusableFile, match="case first: the id is that of another case, in line 3"):
        read_text(GOOD + case)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_is_refused(text: str) -> None:
    with pytest.raises(UnusableFile, match="is empty"):
        read_text(text)


@pytest.mark.parametrize("text", ["[]", "just words", "cases: {}", "cases: []", "cases: [4]"])
def test_something_else_than_cases_is_refused(text: str) -> None:
    with pytest.raises(UnusableFile):
        read_text(text)


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    began = time.perf_counter()
    with pytest.raises(UnusableFile, match="anchors and aliases are not allowed"):
        read_text("\n".join(lines))
    assert time.perf_counter() - began < 1


def test_a_mapping_that_holds_itself_is_refused() -> None:
    with pytest.raises(UnusableFile, match="anchors and aliases"):
        read_text("cases: &c [{id: a, events: *c}]")


def test_depth_is_bounded() -> None:
    with pytest.raises(UnusableFile, match="nested more than"):
        read_text("cases: " + "[" * 100 + "]" * 100)


def test_ten_megabytes_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text(GOOD + "# " + "x" * 10_000_000)
    began = time.perf_counter()
    with pytest.raises(UnusableFile, match="larger than 5,000,000 characters"):
        read_file(path)
    assert time.perf_counter() - began < 1


def test_a_file_that_is_no_text_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "noise.yaml"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(UnusableFile, match="not text in UTF-8"):
        read_file(path)
    with pytest.raises(UnusableFile, match="No such file"):
        read_file(tmp_path / "absent.yaml")


def test_many_problems_are_told_and_the_rest_is_counted() -> None:
    case = GOOD[GOOD.index("- id") :].replace("order.paid", "order.payed")
    cases = "".join(case.replace("first", f"case-{n}") for n in range(30))
    with pytest.raises(UnusableFile) as failure:
        read_text("cases:\n" + cases)
    assert str(failure.value).endswith("and 10 more")
