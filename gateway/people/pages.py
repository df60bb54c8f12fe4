"""Renders the pages that people open, in their language, with headers that keep the link secret."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from gateway.answers import SECURITY_HEADERS
from gateway.console.rendering import environment
from gateway.people.words import LANGUAGES, Wording
from loyalty.locales import choose

PAGE_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # The address is the authority: no other site may learn of it.
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "vary": "accept-language",
}


def page(
    request: Request, template: str, *, status: int = 200, locale: str = "", **values: Any
) -> HTMLResponse:
    """A page for a person; the template extends `people/base.html`.

    Args:
        locale: The person's own, where it is known; else the browser says.
    """
    wording = wording_for(request, locale)
    given = {"say": wording, "languages": LANGUAGES, "path": request.url.path, **values}
    content = environment().get_template(template).render(**given)
    return HTMLResponse(content, status_code=status, headers=PAGE_HEADERS)


def wording_for(request: Request, locale: str = "") -> Wording:
    """The texts in the language asked for (`?lang=de`), the person's, or the browser's."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return Wording(asked)
    for wanted in (locale, *_accepted(request.headers.get("accept-language", ""))):
        if wanted:
            found = choose(wanted, LANGUAGES, default="")
            if found.locale in LANGUAGES and not found.is_fallback:
                return Wording(found.locale)
    return Wording("en")


def text_version(request: Request, locale: str, *names: str) -> str:
    """Which text a person saw when they said something: `de-1f0a3c9b2d`, the same for the same.

    The words of a version can be found in the history of words.py.
    """
    say = wording_for(request, locale)
    whole = "\n".join(say(name) for name in names)
    return f"{say.language}-{hashlib.sha256(whole.encode()).hexdigest()[:10]}"


def _accepted(header: str) -> list[str]:
    """The languages of a browser, the dearest first (RFC 9110, 12.5.4)."""
    weighed = []
    for part in header[:500].split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.strip()))
        except ValueError:
            continue
    return [tag for _, tag in sorted(weighed, key=lambda one: one[0]) if tag and tag != "*"]
