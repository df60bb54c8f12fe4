"""Texts of messages: whether they can be read and filled in, and what mail lacks at its foot."""

from __future__ import annotations

from connectors.kit.action import Capability
from deployments.cli.answers import counted
from deployments.cli.checks.finding import Finding, note, ok, problem
from deployments.cli.checks.store import Snapshot
from loyalty.settings import HubSettings
from loyalty.texts import TextError
from rules.shipped import all_templates
from rules.templates import TemplateError
from rules.text_checks import announced_problems, texts_of


def check_texts(settings: HubSettings) -> list[Finding]:
    """Whether the texts can be read, and those that the hub sends by itself hold."""
    try:
        texts = texts_of(all_templates(settings.rules))
    except (TemplateError, TextError) as error:
        to_do = "correct the file: workers do not start with it"
        return [problem("texts", str(error), to_do)]
    found = announced_problems(texts)
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        return [problem("texts", f"{found[0]}{more}", "see `hub templates check`")]
    return [ok("texts", f"{counted(len(texts.sources()), 'text')} can be filled in")]


def check_letterhead(snapshot: Snapshot) -> list[Finding]:
    """Whether mail says from where it comes."""
    programme = snapshot.programme
    if Capability.EMAIL.value not in programme.routes or programme.letterhead.postal_address:
        return []
    says = "e-mails have no postal address in their foot; marketing needs one in many countries"
    return [note("letterhead", says, "set `letterhead.postal_address` of the programme")]
