"""The Mailchimp account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.mailchimp.account import MailchimpAccount


class MailchimpCredentials(MailchimpAccount, CredentialsBlock):
    """Connects one Mailchimp audience to the hub."""

    _block_type_name = "Mailchimp Credentials"
    _block_type_slug = "mailchimp-credentials"
    _connector = "mailchimp"
    _documentation_url = HttpUrl("https://mailchimp.com/developer/marketing/guides/quick-start/")
    _description = "API key and audience of one Mailchimp account."
    _code_example = """```python
from connectors.mailchimp.credentials import MailchimpCredentials

block = await MailchimpCredentials.aload("main")
print(await block.check())
```"""
