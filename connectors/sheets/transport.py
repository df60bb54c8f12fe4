"""How gspread reaches Google: the address, the token, time-outs, and the error tree.

https://developers.google.com/workspace/sheets/api/troubleshoot-api-errors

gspread's one `request` method is replaced by ours. google-auth signs and exchanges the token
request, and no more: its own session would repeat calls by itself, and after each new token
sends it, from a background thread, to another Google service (a lookup of regional boundaries).
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson

from connectors.kit.blocking import lost_connection
from connectors.kit.errors import AuthError, ConnectorBug, ConnectorError, RateLimited, ScopeError
from connectors.kit.http_errors import error_for_status
from connectors.sheets.account import DEFAULT_URL, SCOPE, SheetsAccount


class Transport:
    """One service account's way to Google; blocking, to be used in threads.

    Args:
        timeout: Seconds to connect, and to wait for an answer.
    """

    def __init__(self, account: SheetsAccount, timeout: tuple[float, float]) -> None:
        self._account = account
        self._timeout = timeout
        self._lock = Lock()
        self._gspread: Any = None
        self._session: Any = None
        self._credentials: Any = None

    def gspread(self) -> Any:
        """gspread's HTTP client. The SDK is imported here, at the first call: it takes 12 MiB."""
        with self._lock:
            if self._gspread is None:
                self._gspread = self._open()
            return self._gspread

    def close(self) -> None:
        """Closes the sockets."""
        if self._session is not None:
            self._session.close()

    def _open(self) -> Any:
        import requests
        from google.oauth2.service_account import Credentials
        from gspread.http_client import HTTPClient

        try:
            self._credentials = Credentials.from_service_account_info(
                self._account.key_file(), scopes=[SCOPE]
            )
        except ValueError:
            raise AuthError("the private key in the service account's file is damaged") from None
        self._session = requests.Session()
        self._session.trust_env = False
        http: Any = HTTPClient(None, session=self._session)  # type: ignore[arg-type]
        http.request = self._request
        return http

    def _request(
        self, method: str, endpoint: str, params: Any = None, json: Any = None, **_: Any
    ) -> _Json:
        """What gspread calls. A token that is refused is renewed once: nothing was done yet."""
        method, url = method.upper(), endpoint.replace(DEFAULT_URL, self._account.base_url, 1)
        content = None if json is None else orjson.dumps(json)
        headers = {} if content is None else {"Content-Type": "application/json"}
        response = self._send(method, url, params, content, headers, self._token())
        if response.status_code == 401:
            response = self._send(method, url, params, content, headers, self._new_token())
        if response.status_code != 200:
            raise self._refusal(response, writes=method != "GET")
        return _Json(response.content)

    def _send(
        self,
        method: str,
        url: str,
        params: Any,
        content: bytes | None,
        headers: dict[str, str],
        token: str,
    ) -> Any:
        return self._exchange(
            method,
            url,
            writes=method != "GET",
            params=params,
            data=content,
            headers={**headers, "Authorization": f"Bearer {token}"},
        )

    def _exchange(self, method: str, url: str, *, writes: bool, **content: Any) -> Any:
        import requests

        try:
            return self._session.request(
                method, url, timeout=self._timeout, allow_redirects=False, **content
            )
        except requests.RequestException as error:
            raise lost_connection(error, writes=writes) from None

    def _new_token(self) -> str:
        self._credentials.token = None
        return self._token()

    def _token(self) -> str:
        from google.auth.exceptions import GoogleAuthError

        with self._lock:
            if not self._credentials.valid:
                try:
                    self._credentials.refresh(self._fetch_token)
                except GoogleAuthError as error:
                    says = str(error.args[0])[:200] if error.args else type(error).__name__
                    raise AuthError(f"Google refuses the service account: {says}") from None
            return str(self._credentials.token)

    def _fetch_token(
        self, url: str, method: str = "POST", body: Any = None, headers: Any = None, **_: Any
    ) -> _TokenReply:
        """What google-auth calls. Whatever fails here, nothing was asked of Sheets yet."""
        response = self._exchange(method, url, writes=False, data=body, headers=headers)
        status = response.status_code
        is_answer = status == 200 or (status < 500 and b'"error"' in response.content[:500])
        if status == 429 or not is_answer:
            raise error_for_status(status, headers=response.headers, writes=False)
        if status == 200 and "access_token" not in _Json(response.content).json():
            raise ConnectorBug("Google's token endpoint answered without a token")
        return _TokenReply(status, dict(response.headers), response.content)

    def _refusal(self, response: Any, *, writes: bool) -> ConnectorError:
        status = response.status_code
        if 200 <= status < 300:
            return ConnectorBug(f"Google does not document the status {status}", status=status)
        error = _error(response.content)
        says, code = str(error.get("message") or "")[:400], str(error.get("status") or "") or None
        if status == 403 and b"ateLimitExceeded" in response.content[:2000]:
            return RateLimited(f"Google asks for a pause: {says}", vendor_code=code, status=status)
        found = error_for_status(
            status,
            headers=response.headers,
            body=response.content,
            detail=says,
            vendor_code=code,
            writes=writes,
        )
        if isinstance(found, ScopeError):
            email = self._account.key_file()["client_email"]
            hint = f"share the spreadsheet with {email} as an editor, and enable the Sheets API"
            return ScopeError(f"{found.message}: {hint}", vendor_code=code, status=status)
        return found


@dataclass(frozen=True, slots=True)
class _Json:
    """What gspread reads of a reply."""

    content: bytes

    def json(self) -> dict[str, Any]:
        try:
            found = orjson.loads(self.content)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise ConnectorBug("Google answered with something that is not a JSON object")
        return found


@dataclass(frozen=True, slots=True)
class _TokenReply:
    """What google-auth reads of a reply."""

    status: int
    headers: dict[str, str]
    data: bytes


def _error(content: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    error = found.get("error") if isinstance(found, dict) else None
    return error if isinstance(error, dict) else {}
