"""OAuth 2 logins for Gmail and Microsoft 365.

Store the refresh token in a private file, and request access tokens in time.

The libraries for the two are extras (`followupd[google]`, `followupd[microsoft]`). No token appears in a log,
a repr or an error.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from followupd.adapters.oauth.providers import (
    GOOGLE_AUTHORIZE,
    GOOGLE_SCOPE,
    MICROSOFT,
    MICROSOFT_SCOPES,
    REDIRECT,
    Application,
    demand_extra,
    errors_explained,
    exchange_code,
    microsoft_client,
    refresh,
    refusal,
)
from followupd.errors import UnavailableError

__all__ = ["MICROSOFT", "Application", "Login"]

#: an access token that ends sooner than this is replaced before it is used
MIN_LIFETIME = timedelta(minutes=5)
WARNING = timedelta(days=7)
#: Microsoft's refresh tokens expire after this long without use; each use renews them
MICROSOFT_UNUSED = timedelta(days=90)


class Login:
    """The login of one account. Threads and processes may share its file: a refresh holds a lock."""

    def __init__(self, application: Application, now: Callable[[], datetime]) -> None:
        """Prepare the login.

        Raises:
            SetupError: the provider's extra is not installed.
        """
        self._application = application
        self._now = now
        demand_extra(application)

    @property
    def auth(self) -> str:
        """Which provider: oauth-google or oauth-microsoft."""
        return self._application.auth

    def token(self) -> str:
        """Return an access token that is valid for at least some minutes.

        Raises:
            UnavailableError: there is none, and why; a login that has ended must be renewed by a person.
        """
        with self._locked():
            stored = self._stored_login()
            if _parsed(stored.get("access_until")) - MIN_LIFETIME > self._now():
                return str(stored["access_token"])
            response = refresh(self._application, str(stored["refresh_token"]))
            return str(self._store(response, stored)["access_token"])

    def by_device_code(self, say: Callable[[str], None]) -> None:
        """Log in at Microsoft, and wait until the person has done so.

        Args:
            say: gets the sentence that tells which code to enter on which page.

        Raises:
            UnavailableError: it was refused, or not done in time.
        """
        client = microsoft_client(self._application)
        with errors_explained(self._application):
            flow = client.initiate_device_flow(scopes=list(MICROSOFT_SCOPES))
            if "user_code" not in flow:
                raise UnavailableError(refusal(self._application, flow))
            say(str(flow["message"]))
            response = client.acquire_token_by_device_flow(flow)
        self._store_first(response)

    def by_pasted_code(self, say: Callable[[str], None], ask: Callable[[], str]) -> None:
        """Log in at Google.

        Args:
            say: gets the address of the page to open.
            ask: returns the address at which the browser ended.

        Raises:
            UnavailableError: it was refused, or what was pasted belongs to another request.
        """
        state = secrets.token_urlsafe(16)
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "client_id": self._application.client,
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": GOOGLE_SCOPE,
            "access_type": "offline",
            "prompt": "consent",
            "login_hint": self._application.username,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        say(f"{GOOGLE_AUTHORIZE}?{urlencode(query)}")
        code = _pasted_code(ask(), state, self._application)
        self._store_first(exchange_code(self._application, code, verifier))

    def ends(self) -> datetime | None:
        """Return when the refresh token expires unless it is used or renewed; None when no end is known."""
        until = self._read().get("refresh_until")
        return _parsed(until) if until else None

    def warning(self) -> str:
        """Return a sentence when a person must log in within a week, or has never done so; else ""."""
        name = self._application.name
        if not self._read().get("refresh_token"):
            return f"{name} was never logged in; run `followupd login {name}`"
        ends = self.ends()
        if ends is None or ends - self._now() > WARNING:
            return ""
        return f"the login of {name} ends on {ends:%Y-%m-%d}; run `followupd login {name}`"

    def _store_first(self, response: Mapping[str, Any]) -> None:
        """Store the tokens of a new login."""
        if "refresh_token" not in response:
            raise UnavailableError(refusal(self._application, response))
        with self._locked():
            self._store(response, {})

    def _store(self, response: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        """Store the tokens of a response; `before` is what was stored until now, or empty."""
        if "access_token" not in response:
            raise UnavailableError(refusal(self._application, response))

        now = self._now()
        access_until = response.get("access_until") or _later(now, response.get("expires_in"))
        stored = {
            "client": self._application.client,
            "access_token": response["access_token"],
            "access_until": _formatted(access_until),
            "refresh_token": response.get("refresh_token") or before["refresh_token"],
            "refresh_until": self._refresh_until(response, before, now),
        }
        _write(self._application.file, stored)
        return stored

    def _refresh_until(
        self, response: Mapping[str, Any], before: Mapping[str, Any], now: datetime
    ) -> str | None:
        """Return when the refresh token expires, as the provider says or as it is known of it."""
        lifetime = response.get("refresh_token_expires_in")
        if lifetime:
            return _formatted(_later(now, lifetime))
        if self._application.auth == MICROSOFT:
            return _formatted(now + MICROSOFT_UNUSED)
        return before.get("refresh_until")

    def _stored_login(self) -> dict[str, Any]:
        """Return the stored tokens; raises UnavailableError when there are none."""
        stored = self._read()
        if not stored.get("refresh_token"):
            raise UnavailableError(f"not logged in yet; run `followupd login {self._application.name}`")
        return stored

    def _read(self) -> dict[str, Any]:
        """Return the file's contents; empty when there is none, or when it belongs to another application."""
        file = self._application.file
        try:
            stored = json.loads(file.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise UnavailableError(f"{file} cannot be read: {type(error).__name__}") from None
        # A token belongs to the application that requested it: another client id needs a login of its own.
        if not isinstance(stored, dict) or stored.get("client") != self._application.client:
            return {}
        return stored

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock beside the file, waiting for it."""
        path = self._application.file.with_suffix(".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UnavailableError(f"{path} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _pasted_code(text: str, state: str, application: Application) -> str:
    """Return the code in the address that a person pasted, or the code itself.

    Raises:
        UnavailableError: the address reports an error, belongs to another request, or contains no code.
    """
    query = parse_qs(urlsplit(text.strip()).query)
    if "error" in query:
        raise UnavailableError(refusal(application, {"error": query["error"][0]}))
    if "state" in query and not secrets.compare_digest(query["state"][0].encode(), state.encode()):
        raise UnavailableError("that address belongs to another request; start again")
    code = query["code"][0] if "code" in query else text.strip()
    if not code or "://" in code:
        raise UnavailableError("there is no code in what was pasted")
    return code


def _write(path: Path, stored: Mapping[str, Any]) -> None:
    """Write the file atomically, readable by its owner alone."""
    fresh = path.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, flags, 0o600), "w") as file:
            json.dump(stored, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror}") from error


def _formatted(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _later(now: datetime, seconds: Any) -> datetime:
    return now + timedelta(seconds=float(seconds or 0))


def _parsed(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))
