"""What the runner itself does: verdicts, differences in words, isolation, the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from deployments.cli.main import app
from deployments.scenario import schema
from deployments.scenario.document import read_text
from deployments.scenario.run import play, play_all
from deployments.scenario.steps import KINDS
from deployments.scenario.translate import terms_of
from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres
from rules.yaml_documents import read_yaml

STORY = """\
version: 1
defaults: {signup: {points: 10}}
cases:
- id: right
  events:
  - {at: '2026-01-05T10:00:00Z', do: member.created, member: ada, email: ada@example.com}
  - at: '2026-01-06T10:00:00Z'
    do: order.paid
    order: o1
    member: ada
    amount: '25.00'
    expect: {balance: {ada: {available: 35, pending: 0}}, ledger: {ada: [10, 25]}}
- id: wrong
  events:
  - at: '2026-01-06T10:00:00Z'
    do: order.paid
    order: o1
    member: ada
    amount: '25.00'
    expect: {result: duplicate, balance: {ada: {available: 26}}, tier: {ada: gold}}
"""


async def verdict_of(database: Database, step: str, settings: str = "{}") -> list[str]:
    """What differs in a case of one step after a purchase of 100.00."""
    bought = "{at: '2026-01-05T10:00:00Z', do: order.paid, order: o1, member: m1, amount: '100.00'}"
    story = f"cases:\n- id: x\n  settings: {settings}\n  events:\n  - {bought}\n  - {step}\n"
    return await play(database, read_text(story)[0])


async def test_each_case_begins_with_nothing_and_differences_are_told(
    empty_database: Database,
) -> None:
    verdicts = [one async for one in play_all([empty_database], read_text(STORY))]
    assert [(one.id, one.passed) for one in verdicts] == [("right", True), ("wrong", False)]
    where = "step 1 (order.paid at 2026-01-06T10:00:00Z): "
    assert list(verdicts[1].differences) == [
        f"{where}result: expected duplicate, found applied",
        f"{where}balance.ada.available: expected 26, found 25",
        f"{where}tier.ada: expected gold, found none",
    ]


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("{lots: {m1: [{remaining: 60}]}}", "lots.m1[1].remaining: expected 60, found 100"),
        ("{lots: {m1: []}}", "lots.m1: expected 0, found 1: remaining 100"),
        ("{ledger: {m1: [90]}}", "ledger.m1: expected [90], found [100]"),
        ("{held: {m1: 1}}", "held.m1: expected 1, found 0"),
        ("{parked: 1}", "parked: expected 1, found 0"),
        ("{total_available: 1}", "total_available: expected 1, found 100"),
        ("{liability_points: 0}", "liability_points: expected 0, found 100"),
        ("{alerts: [offline_overdraw]}", "alerts: expected [offline_overdraw], found []"),
        ("{written_off: {m1: 5}}", "written_off.m1: expected 5, found 0"),
        ("{ledger_sum: {m1: 5}}", "ledger_sum.m1: expected 5, found 100"),
        ("{code: stale}", "code: expected stale, found none"),
        ("{messages: [{template: a}]}", "messages: expected 1, found 0: none"),
        ("{intent: stop}", "intent: expected stop, found none"),
    ],
)
async def test_every_kind_of_difference_is_told(
    expect: str, told: str, empty_database: Database
) -> None:
    step = f"{{at: '2026-01-06T10:00:00Z', do: clock, expect: {expect}}}"
    assert any(told in one for one in await verdict_of(empty_database, step))


async def test_a_choice_that_there_is_not_is_a_difference(empty_database: Database) -> None:
    clock = "{at: '2026-01-06T10:00:00Z', do: clock}"
    (told,) = await verdict_of(empty_database, clock, "{rounding: flor}")
    assert "`flor` is not one of" in told


async def test_an_amount_that_its_currency_has_not_is_rejected(empty_database: Database) -> None:
    step = (
        "{at: '2026-01-06T10:00:00Z', do: order.paid, order: o2, member: m1, amount: '1.005',"
        " expect: {result: rejected, code: invalid_amount, balance: {m1: {available: 100}}}}"
    )
    assert await verdict_of(empty_database, step) == []


async def test_books_that_do_not_add_up_are_found(empty_database: Database) -> None:
    async with empty_database.begin() as connection:
        await connection.execute(
            text("""
                create function spoil() returns trigger language plpgsql as $$
                begin new.points := new.points + 1; return new; end $$
            """)
        )
        await connection.execute(
            text(
                "create trigger spoil before update on members"
                " for each row execute function spoil()"
            )
        )
    try:
        told = await verdict_of(empty_database, "{at: '2026-01-06T10:00:00Z', do: clock}")
    finally:
        async with empty_database.begin() as connection:
            await connection.execute(text("drop function spoil cascade"))
    assert any(one.startswith("invariant: m1 is kept with") for one in told)


async def test_rules_of_a_programme_can_be_played_as_they_are_written(
    empty_database: Database,
) -> None:
    settings = """
      {rules: [{kind: document, rule: {id: tea, on: order.paid, when: "order.total >= 50",
       then: [{award: {points: 7, flat: true}}]}}]}
    """.strip()
    step = (
        "{at: '2026-01-06T10:00:00Z', do: clock,"
        " expect: {balance: {m1: {available: 107}}, applied_rules: {o1: [tea]}}}"
    )
    assert await verdict_of(empty_database, step, settings) == []


async def test_a_change_of_rules_counts_from_its_own_time_on(empty_database: Database) -> None:
    story = """\
cases:
- id: late
  settings: {rules: [{id: promo, kind: multiplier, factor: 3}]}
  events:
  - at: '2026-01-10T00:00:00Z'
    do: settings.change
    set: {rules: [{id: promo, kind: multiplier, factor: 2}]}
  - at: '2026-01-09T10:00:00Z'
    received: '2026-01-11T10:00:00Z'
    do: order.paid
    order: o1
    member: m1
    amount: '10.00'
    expect: {balance: {m1: {available: 30}}, applied_rules: {o1: [promo]}}
  - at: '2026-01-12T10:00:00Z'
    do: order.paid
    order: o2
    member: m1
    amount: '10.00'
    expect: {balance: {m1: {available: 50}}, applied_rules: {o2: [promo]}}
  - {at: '2026-01-13T10:00:00Z', do: settings.change, set: {earn: {points: 5}}}
  - at: '2026-01-14T10:00:00Z'
    do: order.paid
    order: o3
    member: m1
    amount: '10.00'
    expect: {balance: {m1: {available: 150}}}
"""
    assert await play(empty_database, read_text(story)[0]) == []


def test_a_rule_that_goes_on_through_a_change_keeps_its_name() -> None:
    (case,) = read_text(
        "cases: [{id: a, settings: {rules: [{id: b, kind: flat, points: 5, budget_points: 9}]},"
        " events: [{at: '2026-01-10T00:00:00Z', do: clock}]}]"
    )
    before = terms_of(case.settings)
    changed = case.settings.model_copy(update={"earn": case.settings.earn.model_copy(
        update={"points": 2})})  # fmt: skip
    step = case.steps[0]
    after = terms_of(changed, before=before, since=step.at)
    again = terms_of(case.settings, before=after, since=step.at)
    assert [rule.id for rule in after.rules.rules] == ["b", "earning", "earning-2"]
    assert [rule.id for rule in again.rules.rules] == ["b", "earning", "earning-2"]


# --- the schema


def test_the_kept_schema_is_current() -> None:
    assert schema.PATH.read_text("utf-8") == schema.text(), "python -m deployments.scenario.schema"


def test_the_schema_takes_our_scenarios_and_no_typo() -> None:
    validator = jsonschema.Draft202012Validator(schema.schema())
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        (document,) = read_yaml(path.read_text("utf-8"))
        plain = json.loads(json.dumps(document, default=str))
        assert not list(validator.iter_errors(plain)), path.name
    for right, wrong in [("amount", "amuont"), ("order.paid", "order.payed"), ("tier:", "teir:")]:
        (document,) = read_yaml(STORY.replace(right, wrong))
        assert list(validator.iter_errors(json.loads(json.dumps(document, default=str))))


def test_the_documentation_names_every_kind_of_step_that_is_supported() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text("utf-8")
    missing = [
        kind
        for kind, model in KINDS.items()
        if f"`{kind}`" not in page and model.__module__.endswith(".steps")
    ]
    assert missing == []


async def test_the_example_of_the_documentation_holds(empty_database: Database) -> None:
    page = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text("utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    cases = read_text(example)
    verdicts = [one async for one in play_all([empty_database], cases)]
    assert [one.differences for one in verdicts] == [()] * len(cases)


# --- the commands


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.yaml"
    path.write_text(STORY)
    return path


def test_the_command_answers_for_machines_and_by_its_exit_code(
    story: Path, postgres: EmbeddedPostgres
) -> None:
    server = postgres.url("postgres")
    every = CliRunner().invoke(app, ["scenario", "run", str(story), "--json", "--server", server])
    assert every.exit_code == 1
    told = json.loads(every.stdout)
    assert [(one["id"], one["passed"], len(one["differences"])) for one in told] == [
        ("right", True, 0),
        ("wrong", False, 3),
    ]
    one = CliRunner().invoke(
        app, ["scenario", "run", str(story), "--only", "right", "--server", server]
    )
    assert one.exit_code == 0
    assert "✓ right" in one.stdout
    assert "1 case in" in one.stdout
    left = "select datname from pg_database where datname like 'hub_scenarios_%';"
    assert f"hub_scenarios_{os.getpid()}_" not in postgres.psql(left)


def test_an_unusable_file_ends_with_two_and_a_problem(story: Path) -> None:
    story.write_text(STORY.replace("amount", "amuont"))
    answer = CliRunner().invoke(app, ["scenario", "run", str(story), "--json"])
    assert answer.exit_code == 2
    assert "Did you mean `amount`?" in json.loads(answer.stdout)["problem"]
    assert "Did you mean `amount`?" in answer.stderr


def test_a_case_that_is_not_there_is_named(story: Path) -> None:
    answer = CliRunner().invoke(app, ["scenario", "run", str(story), "--only", "rigth"])
    assert (answer.exit_code, "there is no case rigth" in answer.stderr) == (2, True)


def test_a_server_that_cannot_be_used_is_told_without_its_password(story: Path) -> None:
    address = "postgresql://me:s3cret@127.0.0.1:1/x"
    answer = CliRunner().invoke(app, ["scenario", "run", str(story), "--server", address])
    assert answer.exit_code == 2
    assert "cannot be used" in answer.stderr
    assert "s3cret" not in answer.stderr


def test_the_schema_is_printed() -> None:
    answer = CliRunner().invoke(app, ["scenario", "schema"])
    assert answer.stdout == schema.PATH.read_text("utf-8")


def test_without_a_server_it_starts_its_own_and_leaves_nothing_behind(
    story: Path, tmp_path: Path
) -> None:
    home = tmp_path / "hub-home"
    # PostgreSQL's socket has to have a short address, which the folders of tests have not.
    temporary = Path(tempfile.mkdtemp(prefix="own-"))
    done = subprocess.run(
        [sys.executable, "-c", "from deployments.cli import main; main()",
         "scenario", "run", str(story), "--only", "right"],
        env=os.environ | {"HUB_HOME": str(home), "TMPDIR": str(temporary)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "✓ right" in done.stdout) == (0, True), done.stderr
    assert list(temporary.iterdir()) == []
    temporary.rmdir()
    assert not home.exists()
