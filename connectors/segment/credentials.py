"""The Segment source as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.segment.account import SegmentAccount


class SegmentCredentials(SegmentAccount, CredentialsBlock):
    """A source of Segment that the hub writes to."""

    _block_type_name = "Segment Credentials"
    _block_type_slug = "segment-credentials"
    _connector = "segment"
    _documentation_url = HttpUrl("https://segment.com/docs/connections/find-writekey/")
    _description = "A Segment source: its write key, and the webhook destination's shared secret."
    _code_example = """
    from connectors.segment.credentials import SegmentCredentials

    account = SegmentCredentials.load("main")
    print(await account.check())
    """
