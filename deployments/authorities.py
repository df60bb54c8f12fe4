"""Certificate authorities for Prefect's clients in the hub's processes.

Each client that Prefect makes reads all the authorities of the web, which made a third of what
`prefect deploy --all` takes (14 s with them, 10 s without). The hub's processes talk plain HTTP to
Prefect on loopback, where no authority is ever asked: they are given a file with one.
"""

from __future__ import annotations

from pathlib import Path

import certifi

_END = "-----END CERTIFICATE-----\n"


def one_authority(folder: Path) -> Path:
    """A file with the first of the authorities, kept in a folder that is made where it is missing.

    For `PREFECT_API_SSL_CERT_FILE`, which only Prefect's clients heed: vendors are still called
    with all authorities.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "authority.pem"
    everybody = Path(certifi.where()).read_text("utf-8")
    kept.write_text(everybody[everybody.index("-----BEGIN") :].partition(_END)[0] + _END, "utf-8")
    return kept
