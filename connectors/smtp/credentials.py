"""The mail server as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.smtp.account import SmtpAccount


class SmtpCredentials(SmtpAccount, CredentialsBlock):
    """A mail server that sends the programme's e-mails."""

    _block_type_name = "SMTP Credentials"
    _block_type_slug = "smtp-credentials"
    _connector = "smtp"
    _documentation_url = HttpUrl("https://www.rfc-editor.org/rfc/rfc5321")
    _description = "Sends e-mails through any mail server."
    _code_example = """
    ```python
    from connectors.smtp.credentials import SmtpCredentials

    print(await SmtpCredentials.load("main").check())
    ```
    """
