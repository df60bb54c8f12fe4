"""The headers by which mail programs show their own button to unsubscribe.

RFC 8058 (https://www.rfc-editor.org/rfc/rfc8058): one https address that takes a POST, and the
header that says so. It asks for a DKIM signature that covers both; signing is the work of the
relay that the mail is handed to.
"""

from __future__ import annotations

LIST_UNSUBSCRIBE = "List-Unsubscribe"
LIST_UNSUBSCRIBE_POST = "List-Unsubscribe-Post"
ONE_CLICK = "List-Unsubscribe=One-Click"
"""The header's value, and the body of the POST."""


def one_click_headers(url: str) -> dict[str, str]:
    """Both headers for a marketing mail; `url` is the recipient's own address to unsubscribe.

    Raises:
        ValueError: The address has characters that cannot stand in a header.
    """
    if not url.isascii() or any(one in url for one in "<> \r\n\t,"):
        raise ValueError("the address to unsubscribe has characters that a header cannot have")
    return {LIST_UNSUBSCRIBE: f"<{url}>", LIST_UNSUBSCRIBE_POST: ONE_CLICK}
