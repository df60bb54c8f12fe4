"""`hub templates`: what there is, whether it holds, how it looks; without and with a hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Hub, Shop


@pytest.fixture
def folder(tmp_path: Path, environment: pytest.MonkeyPatch) -> Path:
    """HUB_RULES with texts of its own."""
    found = tmp_path / "own"
    (found / "templates").mkdir(parents=True)
    rule = "id: hello\non: customer.created\nthen: [{send_message: {channel: sms, template: hi}}]\n"
    (found / "hello.yaml").write_text(rule, "utf-8")
    environment.setenv("HUB_RULES", str(found))
    return found


def write(folder: Path, text: str) -> None:
    (folder / "templates" / "hi.yaml").write_text(text, "utf-8")


def test_list_tells_channels_languages_and_senders(nowhere: Hub, folder: Path) -> None:
    write(folder, "hi: {sms: {en: Hi, it: Ciao}}")
    found = {one["name"]: one for one in nowhere("templates", "list", "--json").json["templates"]}
    assert found["hi"] == {"name": "hi", "channels": {"sms": ["en", "it"]}, "sent_by": ["hello"]}
    assert found["invitation"]["sent_by"] == ["the hub"]
    assert "hi" in nowhere("templates", "list").out


def test_check_passes_the_shipped_texts_and_names_a_slip(nowhere: Hub, folder: Path) -> None:
    write(folder, "hi: {sms: {en: 'Hi {{ member.first_name }}', it: 'Ciao’ {{ membr.name }}'}}")
    answer = nowhere("templates", "check", "--json")
    assert answer.code == 1
    [problem] = answer.json["problems"]
    assert problem.startswith("hello, then[0]: the sms text 'hi' (it): there is no `membr`; did")
    [warning] = answer.json["warnings"]
    assert "right single quotation mark" in warning
    write(folder, "hi: {sms: Hi}")
    answer = nowhere("templates", "check")
    assert answer.code == 0
    assert "every name is there" in answer.out


def test_rules_check_refuses_rules_whose_texts_do_not_hold(nowhere: Hub, folder: Path) -> None:
    write(folder, "hi: {sms: '{{ values.x }}'}")
    assert "there is no `values.x`" in nowhere("rules", "check").out
    assert nowhere("rules", "check").code == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [("hi: {sms: '{% if %}'}", "the sms text 'hi' cannot be read"), ("hi: [", "hi.yaml"),
     ("hi: {sms: {german: x}}", "no language")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(
    nowhere: Hub, folder: Path, text: str, told: str
) -> None:
    write(folder, text)
    answer = nowhere("templates", "check")
    assert answer.code == 2
    assert told in answer.err


def test_preview_shows_an_sms_with_its_cost(nowhere: Hub) -> None:
    found = nowhere(
        "templates", "preview", "points_earned", "--locale", "de", "--name", "Zoë", "--json"
    ).json
    assert found["text"].startswith("Hallo Zoë, 150 Punkte für Bestellung #1001!")
    assert (found["locale"], found["segments"], found["sms"]["encoding"]) == ("de", 2, "UCS-2")
    assert "latin small letter e with diaeresis" in found["warnings"][0]


def test_preview_uses_the_programme_of_the_hub_and_tells_of_a_missing_language(
    hub: Hub, shop: Shop
) -> None:
    shop.publish(name="Tea Club", default_locale="fr")
    found = hub("templates", "preview", "magic_link", "--locale", "ja", "--json").json
    assert found["subject"] == "Votre lien de connexion à Tea Club"
    assert found["is_fallback"]
    assert found["warnings"] == ["there is no text in ja: this one is in fr"]
    html = hub("templates", "preview", "magic_link", "--html").out
    assert html.startswith("<!doctype html>")


def test_preview_takes_values_and_channels(nowhere: Hub) -> None:
    answer = nowhere(
        "templates", "preview", "invitation", "--channel", "sms", "--values", '{"points": 5}'
    )
    assert "get 5 points" in answer.out
    assert "GSM-7, 1 segment" in answer.out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nothing"], 2, "there is no text 'nothing'"),
        (["magic_link", "--channel", "sms"], 1, "there is no sms text named 'magic_link'"),
        (["magic_link", "--values", "[1]"], 2, "--values is no JSON object"),
        (["points_earned", "--html"], 1, "has no HTML"),
        (["expiry_reminder", "--values", '{"last_day": "soon"}'], 1, "`date` needs a date"),
    ],
)
def test_what_cannot_be_shown_is_told(
    nowhere: Hub, arguments: list[str], code: int, told: str
) -> None:
    answer = nowhere("templates", "preview", *arguments)
    assert answer.code == code
    assert told in answer.err


def test_a_test_is_planned_for_the_workers_and_says_how_it_ended(
    hub: Hub, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.cli.templates.LOOKS", 1)
    shop.publish(name="Tea Club", routes={"email": ["smtp/main"]})
    answer = hub("templates", "send-test", "welcome", "--to", "me@shop.example", "--json")
    # There is no such connection: it is kept and says so.
    assert answer.code == 1
    assert answer.json["state"] == "held"
    shown = hub("deliveries", "show", answer.json["delivery"], "--full", "--json").json
    assert shown["input"]["subject"] == "Welcome to Tea Club"
    answer = hub("templates", "send-test", "welcome", "--to", "nobody")
    assert answer.code == 2
    assert "neither an e-mail address nor a number" in answer.err


def test_the_doctor_looks_at_the_texts_and_at_the_foot_of_mail(
    hub: Hub, shop: Shop, folder: Path
) -> None:
    shop.publish(name="Tea Club", routes={"email": ["smtp/main"]})

    def findings() -> dict[str, dict[str, str]]:
        return {one["check"]: one for one in hub("doctor", "--json").json["findings"]}

    found = findings()
    assert found["texts"]["health"] == "ok"
    assert found["letterhead"]["health"] == "note"
    write(folder, "magic_link: {email: {en: {subject: x, text: '{{ values.lnk }}'}}}")
    assert "did you mean `link`?" in findings()["texts"]["says"]
    write(folder, "hi: [")
    assert findings()["texts"]["to_do"] == "correct the file: workers do not start with it"
