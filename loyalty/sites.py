"""The shops' sites that show the programme: who may embed the widget, how it looks, where it leads.

A site is public: whatever stands in it can be read by anybody who opens the widget. Secrets that
shops sign with belong to connections or are derived from the hub's own key.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from loyalty.colours import contrast
from loyalty.events import Frozen

SITE = r"^[a-z0-9]+(-[a-z0-9]+)*$"
ENOUGH_CONTRAST = 4.5
"""What text needs against what it stands on (WCAG 2.2, 1.4.3)."""

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")
_LOCAL = ("localhost", "127.0.0.1")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_TAKES_CODE = "{code}"
_RESERVED = ("api", "files", "vouch")

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Vouching = Literal["none", "signed", "shopify", "bigcommerce"]
PageName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Wording = Annotated[str, Field(max_length=300)]


class Site(Frozen):
    """One shop site (or several pages of one shop) that shows the programme to its members.

    `pages` names where the buttons of the rules lead (`shop`, `sign_up`, `review` …): a path on
    the first origin, or an https address. `vouches` says in which form the shop proves who is
    signed in with it: `signed` is the hub's own, `shopify` and `bigcommerce` are theirs.
    """

    id: Annotated[str, Field(pattern=SITE, max_length=40)]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    origins: Annotated[tuple[str, ...], Field(max_length=20)] = Field(
        (), description="Who may embed the widget, such as https://shop.example; first one leads."
    )
    connection: str = Field(
        "",
        max_length=100,
        pattern=r"^([a-z0-9]+/[A-Za-z0-9_-]+)?$",
        description="The shop's connection, such as shopify/main: whose customer ids it uses.",
    )
    vouches: Vouching = Field("none", description="How the shop proves who is signed in with it.")
    audience: str = Field(
        "", max_length=200, description="BigCommerce: the client id of the app that asks."
    )
    secret_version: int = Field(1, ge=1, le=1000, description="Raise it to void the old secret.")
    customer_url: str = Field(
        "", max_length=300, description="Path on the shop that answers the signed customer."
    )
    pages: dict[PageName, str] = Field(default_factory=dict, max_length=50)
    use_url: str = Field(
        "/", max_length=300, description="Where `Use it now` leads; {code} stands for the code."
    )
    position: Literal["bottom-right", "bottom-left"] = "bottom-right"
    brand: Colour = Field("#1f3d7a", description="Behind the button's words.")
    ink: Colour = Field("#ffffff", description="The button's words.")
    languages: Annotated[tuple[str, ...], Field(min_length=1, max_length=40)] = ("en",)
    texts: dict[str, dict[PageName, Wording]] = Field(
        default_factory=dict, description="By language, what is said instead of the hub's texts."
    )

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_origin(one) for one in values))

    @field_validator("languages")
    @classmethod
    def _are_languages(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for one in values:
            if not _LANGUAGE.fullmatch(one):
                raise ValueError(f"{one!r} is no language tag (BCP 47); one is `de` or `de-AT`")
        return tuple(dict.fromkeys(values))

    @field_validator("pages")
    @classmethod
    def _pages_are_addresses(cls, values: dict[str, str]) -> dict[str, str]:
        return {name: _address(value) for name, value in values.items()}

    @field_validator("use_url", "customer_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        _address(value.replace(_TAKES_CODE, "code")) if value else None
        return value

    @model_validator(mode="after")
    def _holds_together(self) -> Site:
        if contrast(self.brand, self.ink) < ENOUGH_CONTRAST:
            raise ValueError(
                f"{self.ink} on {self.brand} has a contrast of "
                f"{contrast(self.brand, self.ink):.1f} to 1 and {ENOUGH_CONTRAST} are needed: "
                "choose a darker or lighter one of the two"
            )
        if self.vouches != "none" and not self.connection:
            raise ValueError("a shop that vouches for its customers needs its `connection`")
        if self.vouches in ("shopify", "bigcommerce"):
            self._vouches_in_its_own_form()
        return self

    def _vouches_in_its_own_form(self) -> None:
        vendor = self.connection.partition("/")[0]
        if vendor != self.vouches:
            raise ValueError(f"{self.connection} cannot vouch in the form of {self.vouches}")
        if self.vouches == "bigcommerce" and not self.audience:
            raise ValueError("BigCommerce signs for an app: give its client id as `audience`")

    @field_validator("id")
    @classmethod
    def _is_no_address_of_ours(cls, value: str) -> str:
        if value in _RESERVED:
            raise ValueError(f"{value!r} is an address of the hub's own: choose another id")
        return value

    @property
    def secret_purpose(self) -> str:
        """Of which key of the vault the shop's secret is made (`Vault.derived`, as hex)."""
        return f"hand-over {self.id} {self.secret_version}"

    @property
    def home(self) -> str:
        """The shop's first page; empty for a site without a shop page."""
        return f"{self.origins[0]}/" if self.origins else ""

    def page(self, name: str) -> str:
        """Where a button leads: a page by its name, or a path; empty where there is none."""
        return self._absolute(self.pages.get(name, name if name.startswith("/") else ""))

    def use_page(self, code: str) -> str:
        """Where a reward's code is used.

        Args:
            code: Already fit for an address (percent-encoded).
        """
        return self._absolute(self.use_url.replace(_TAKES_CODE, code))

    def language(self, asked: str) -> str:
        """The site's language that comes closest to the one asked for; its first otherwise."""
        by_name = {one.lower(): one for one in self.languages}
        tag = asked.strip().lower()
        while tag:
            if tag in by_name:
                return by_name[tag]
            tag = tag.rpartition("-")[0]
        return self.languages[0]

    def _absolute(self, address: str) -> str:
        if not address.startswith("/"):
            return address
        return f"{self.origins[0]}{address}" if self.origins else ""


def _origin(value: str) -> str:
    given = value.strip().lower().rstrip("/")
    host = urlsplit(given).hostname or ""
    if not _ORIGIN.fullmatch(given):
        raise ValueError(f"{value!r} is no origin; one is https://shop.example, without a path")
    if given.startswith("http://") and host not in _LOCAL:
        raise ValueError(f"{value!r} is not encrypted: write https://")
    return given


def _address(value: str) -> str:
    """A path or an address that a person may be led to: never a script, never another scheme."""
    is_path = value.startswith("/") and not value.startswith(("//", "/\\"))
    is_local = _ORIGIN.match(value) and urlsplit(value).hostname in _LOCAL
    if any(ord(one) <= 32 or one == "\\" for one in value):
        raise ValueError(f"{value!r} has blanks or backslashes in it")
    if not (is_path or value.startswith("https://") or is_local):
        raise ValueError(f"{value!r} is neither a path such as /account nor an https address")
    return value


def one_of_each(sites: tuple[Site, ...]) -> tuple[Site, ...]:
    """The sites, each id once.

    Raises:
        ValueError: Two have the same id.
    """
    ids = [one.id for one in sites]
    twice = next((one for one in ids if ids.count(one) > 1), "")
    if twice:
        raise ValueError(f"two sites are called {twice!r}")
    return sites
