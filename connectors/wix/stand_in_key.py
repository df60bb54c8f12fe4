"""The key with which the stand-in of Wix signs. Nobody else has any use for it.

Two primes instead of a key file: the samples are signed with it once for all, so it must stay.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FIRST = (
    "f202aa79604d565cd27175b518ea55ad413e1d3b06b225177deb3260dc5f809c"
    "0ce29a784fc4bc223b8b79cb5902eb5bb0cd764ad624ee8ec40614cd1145d8cf"
    "d5907a2c31b7418f4300dbf7127dec20d04b818b3e97489b65a200009cddff14"
    "7c64c3fffd5e344f68811476579f749efd775da7b5631bed7e11d1878b63cb2b"
)
SECOND = (
    "eecf7faf32833d59935e2fd360c4094cc3a997919f4f6adbdb20c8eb6f0176d8"
    "32b9c3cd7d46428b3917169d7ec1b7f5726e1e2e2552e762ee90aa096b679c49"
    "d41f46bf3e34b5fb1235999887fec798ab578dc76c22cc4aca9ea03287843ead"
    "16fc3b0edd79e232050f75cb76c2255093ce2c055b1221a11548405f7d2d6327"
)
EXPONENT = 65537


@cache
def private_key() -> rsa.RSAPrivateKey:
    """The key that signs."""
    p, q = int(FIRST, 16), int(SECOND, 16)
    d = pow(EXPONENT, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(EXPONENT, p * q),
    ).private_key()


def public_pem() -> str:
    """The key that proves, as an app's dashboard shows it."""
    pem = private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode().strip()


def token(claims: dict[str, Any], *, header: dict[str, Any] | None = None) -> bytes:
    """A signed JSON Web Token with these claims."""
    told = header or {"alg": "RS256", "typ": "JWT"}
    signed = b".".join(_encoded(json.dumps(part).encode()) for part in (told, claims))
    return signed + b"." + _encoded(private_key().sign(signed, PKCS1v15(), SHA256()))


def _encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
