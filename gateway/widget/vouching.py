"""Shops that say who is signed in with them, each in its own form, and how that is checked.

- `signed`: the hub's own form for any shop (WooCommerce, Wix, SHOPLINE, a shop of one's own): a
  JWT signed with HS256 and the site's secret, made by the shop's server.
- `shopify`: an app proxy, https://shopify.dev/docs/apps/build/online-store/app-proxies/
  authenticate-app-proxies; Shopify signs the forwarded query.
- `bigcommerce`: the Current Customer JWT, https://docs.bigcommerce.com/developer/api-reference/
  rest/admin/authentication-apis/current-customer-api, signed with the app's client secret.

A customer id is the shop's to give. An e-mail address counts as proved only where the shop says
that it was confirmed: otherwise anybody could open an account under somebody else's address and
walk into their membership.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import jwt
from pydantic import Field, SecretStr, ValidationError

from gateway.widget.sessions import Person
from loyalty.contacts import normal_email
from loyalty.events import Frozen, Key
from loyalty.links import LinkInvalid, LinkKind, Links
from loyalty.sites import Site
from loyalty.store.vault import Vault

MOST_SECONDS = 900
"""How long a shop's word may be good: BigCommerce's is for a quarter of an hour."""

LEEWAY_SECONDS = 60
PROXY_SECONDS = 120
MOST_JWT = 4000


class NotVouched(Exception):
    """What was shown proves nothing; the text says why, for the shop's developers."""


class Claims(Frozen):
    """What the hub's own form says of a customer."""

    sub: Key = Field(description="The shop's id of the customer.")
    aud: str = Field(description="The site's id.")
    iat: int = Field(ge=0)
    exp: int = Field(ge=0)
    email: str = Field("", max_length=254)
    email_verified: bool = False
    first_name: str = Field("", max_length=100)
    locale: str = Field("", max_length=35)


def secret_of(vault: Vault, site: Site) -> str:
    """What a shop signs with in the hub's own form: enter it in the shop's server, nowhere else."""
    return vault.derived(site.secret_purpose).hex()


def by_own_form(site: Site, token: str, secret: str, *, now: datetime) -> Person:
    """Who is signed in, by a JWT of the hub's own form."""
    try:
        claims = Claims.model_validate(_read(token, [secret], audience=site.id))
    except ValidationError as error:
        names = ", ".join(".".join(map(str, one["loc"])) for one in error.errors()[:5])
        raise NotVouched(f"these claims are missing or wrong: {names}") from None
    _check_times(claims.iat, claims.exp, now)
    email = normal_email(claims.email) if claims.email_verified else None
    return Person(
        (site.connection, "customer", claims.sub),
        email=email or "",
        first_name=claims.first_name,
        locale=claims.locale,
    )


def by_bigcommerce(
    site: Site, token: str, secrets: Sequence[SecretStr | None], *, store_hash: str, now: datetime
) -> Person:
    """Who is signed in, by BigCommerce's Current Customer JWT."""
    keys = [one.get_secret_value() for one in secrets if one is not None]
    claims = _read(token, keys, audience=site.audience)
    told = claims.get("customer")
    customer = str(told.get("id") or "") if isinstance(told, Mapping) else ""
    if claims.get("operation") != "current_customer" or claims.get("sub") != store_hash:
        raise NotVouched("the JWT is not BigCommerce's word on a customer of this store")
    if not customer or len(customer) > 100:
        raise NotVouched("the JWT names no customer: nobody is signed in with the shop")
    _check_times(claims.get("iat"), claims.get("exp"), now)
    return Person((site.connection, "customer", customer))


def by_shopify(
    site: Site,
    query: Sequence[tuple[str, str]],
    secrets: Sequence[SecretStr | None],
    *,
    shop: str,
    now: datetime,
) -> str:
    """The customer id in a request that Shopify's app proxy forwarded; empty for nobody.

    Args:
        query: Names and values of the forwarded query, decoded, in any order.
    """
    values: dict[str, list[str]] = {}
    for name, value in query:
        values.setdefault(name, []).append(value)
    given = values.pop("signature", [""])[0]
    plain = "".join(sorted(f"{name}={','.join(found)}" for name, found in values.items()))
    keys = [one.get_secret_value() for one in secrets if one is not None]
    made = [hmac.new(key.encode(), plain.encode(), sha256).hexdigest() for key in keys]
    if not any(hmac.compare_digest(given.encode(), one.encode()) for one in made):
        raise NotVouched("the signature is not Shopify's for this app")
    if values.get("shop", [""])[0] != shop:
        raise NotVouched("the request is about another shop")
    told = values.get("timestamp", [""])[0]
    age = now.timestamp() - int(told) if told.isascii() and told.isdigit() else None
    if age is None or abs(age) > PROXY_SECONDS:
        raise NotVouched("the request is too old")
    return values.get("logged_in_customer_id", [""])[0][:100]


def own_word(links: Links, site: Site, customer: str, *, now: datetime) -> str:
    """The hub's own token for what Shopify vouched for, which the shop's page carries over."""
    content = {"s": site.id, "c": customer, "t": int(now.timestamp())}
    return links.token(LinkKind.HAND_OVER, content)


def by_own_word(links: Links, site: Site, token: str, *, now: datetime) -> Person:
    """Who is signed in, by a token of `own_word`."""
    try:
        content = links.read(LinkKind.HAND_OVER, token)
    except LinkInvalid as error:
        raise NotVouched(str(error)) from None
    age = now.timestamp() - int(content.get("t", 0))
    if content.get("s") != site.id or not 0 <= age + LEEWAY_SECONDS <= PROXY_SECONDS * 2:
        raise NotVouched("the token is for another site, or too old")
    return Person((site.connection, "customer", str(content["c"])))


def _read(token: str, keys: Sequence[str], *, audience: str) -> dict[str, Any]:
    """The claims of a JWT; times are checked by the caller, against the hub's own clock."""
    if len(token) > MOST_JWT:
        raise NotVouched("the JWT is too long")
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    options["require"] = ["exp", "iat", "sub", "aud"]
    reason = "there is no secret to check it with"
    for key in keys:
        try:
            return dict(jwt.decode(token, key, ["HS256"], options, audience=audience))
        except jwt.InvalidTokenError as error:
            reason = type(error).__name__
    raise NotVouched(f"the JWT does not hold ({reason})")


def _check_times(iat: Any, exp: Any, now: datetime) -> None:
    at = now.timestamp()
    if not isinstance(iat, int) or not isinstance(exp, int):
        raise NotVouched("iat and exp have to be whole seconds")
    if exp - iat > MOST_SECONDS:
        raise NotVouched(f"the JWT is good for longer than {MOST_SECONDS} seconds")
    if not iat - LEEWAY_SECONDS <= at < exp + LEEWAY_SECONDS:
        raise NotVouched("the JWT is expired, or from the future")
