"""JSON Web Tokens as Wix signs its webhooks: RS256 (RFC 7515, 7519), and nothing else."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from connectors.kit.webhook import BadSignature, Unreadable, decode_json, require_object


def parts(body: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Header, claims, what was signed, and the signature; Unreadable where it is no token."""
    pieces = body.strip().split(b".")
    if len(pieces) != 3:
        raise Unreadable("the body is not a JSON Web Token")
    header, claims, signature = (_decoded(piece) for piece in pieces)
    signed = b".".join(pieces[:2])
    return (
        require_object(decode_json(header)),
        require_object(decode_json(claims)),
        signed,
        signature,
    )


def claims_of(body: bytes, public_pem: str) -> dict[str, Any]:
    """The claims of a token that the key's owner signed.

    Raises:
        BadSignature: It is not; or the account has no key to check it with.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if not public_pem:
        raise BadSignature("this connection has no public key: set it in its credentials")
    try:
        header, claims, signed, signature = parts(body)
        key = load_pem_public_key(public_pem.encode())
    except Unreadable as error:
        raise BadSignature(str(error)) from None
    except ValueError:
        raise BadSignature("the connection's public key cannot be read: copy it again") from None
    if header.get("alg") != "RS256" or not isinstance(key, RSAPublicKey):
        raise BadSignature("the token is not signed by RS256 with an RSA key")
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise BadSignature(
            "the token's signature does not match: another app's key, or it was changed on its way"
        ) from None
    return claims


def _decoded(piece: bytes) -> bytes:
    try:
        text = piece.decode("ascii")
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeDecodeError, binascii.Error):
        raise Unreadable("a part of the token is not base64") from None
