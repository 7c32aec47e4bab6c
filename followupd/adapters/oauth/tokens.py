"""OAuth 2 for Gmail and Microsoft 365: keeps the refresh token in a file of its owner's, and fetches access tokens in time.

The libraries that speak with the two are extras (`followupd[google]`, `followupd[microsoft]`). No token stands in a log,
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
    BACK,
    GOOGLE_ASKS,
    MAIL_OF_GOOGLE,
    MAIL_OF_MICROSOFT,
    MICROSOFT,
    Application,
    demand_extra,
    exchanged,
    in_words,
    microsoft,
    refreshed,
    refusal,
)
from followupd.errors import UnavailableError

__all__ = ["MICROSOFT", "Application", "Login"]

IN_TIME = timedelta(minutes=5)  # an access token that ends sooner is replaced before it is used
WARNING = timedelta(days=7)
#: Microsoft's refresh tokens die after so long without use, and each use renews them
UNUSED = timedelta(days=90)


class Login:
    """The login of one account. Threads and processes may share its file: who refreshes holds a lock."""

    def __init__(self, application: Application, now: Callable[[], datetime]) -> None:
        """Raises SetupError when the extra is not installed."""
        self._of, self._now = application, now
        demand_extra(application)

    @property
    def auth(self) -> str:
        return self._of.auth

    def token(self) -> str:
        """Return an access token that lasts for some minutes.

        Raises:
            OutageError: there is none, and why; an ended login is for a person to renew.
        """
        with self._locked():
            kept = self._kept()
            if _moment(kept.get("access_until")) - IN_TIME > self._now():
                return str(kept["access_token"])
            answer = refreshed(self._of, str(kept["refresh_token"]))
            return str(self._keep(answer, kept)["access_token"])

    def by_device_code(self, say: Callable[[str], None]) -> None:
        """Log in at Microsoft: `say` tells the person where to type which code, and the answer is waited for.

        Raises:
            OutageError: it was refused or not done in time.
        """
        application = microsoft(self._of)
        with in_words(self._of):
            flow = application.initiate_device_flow(scopes=list(MAIL_OF_MICROSOFT))
            if "user_code" not in flow:
                raise UnavailableError(refusal(self._of, flow))
            say(str(flow["message"]))
            answer = application.acquire_token_by_device_flow(flow)
        self._begin(answer)

    def by_pasted_code(self, say: Callable[[str], None], ask: Callable[[], str]) -> None:
        """Log in at Google: `say` names the page to open, `ask` returns the address that the browser ended at.

        Raises:
            OutageError: it was refused, or what was pasted is not the answer to this question.
        """
        state, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        question = {
            "client_id": self._of.client,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": MAIL_OF_GOOGLE,
            "access_type": "offline",
            "prompt": "consent",
            "login_hint": self._of.username,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        say(f"{GOOGLE_ASKS}?{urlencode(question)}")
        code = _pasted(ask(), state, self._of)
        self._begin(exchanged(self._of, code, verifier))

    def ends(self) -> datetime | None:
        """Return when the refresh token dies unless it is used or renewed; None when nobody knows of an end."""
        until = self._read().get("refresh_until")
        return _moment(until) if until else None

    def warning(self) -> str:
        """Say that a person must log in again soon, or now; "" when all is well."""
        if not self._read().get("refresh_token"):
            return f"{self._of.name} was never logged in; run `followupd login {self._of.name}`"
        ends = self.ends()
        if ends is None or ends - self._now() > WARNING:
            return ""
        return f"the login of {self._of.name} ends on {ends:%Y-%m-%d}; run `followupd login {self._of.name}`"

    def _begin(self, answer: Mapping[str, Any]) -> None:
        if "refresh_token" not in answer:
            raise UnavailableError(refusal(self._of, answer))
        with self._locked():
            self._keep(answer, {})

    def _keep(self, answer: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        if "access_token" not in answer:
            raise UnavailableError(refusal(self._of, answer))
        now = self._now()
        kept = {
            "client": self._of.client,
            "access_token": answer["access_token"],
            "access_until": _written(answer.get("access_until") or _later(now, answer.get("expires_in"))),
            "refresh_token": answer.get("refresh_token") or before["refresh_token"],
            "refresh_until": self._refresh_until(answer, before, now),
        }
        _write(self._of.file, kept)
        return kept

    def _refresh_until(
        self, answer: Mapping[str, Any], before: Mapping[str, Any], now: datetime
    ) -> str | None:
        if lasts := answer.get("refresh_token_expires_in"):
            return _written(_later(now, lasts))
        if self._of.auth == MICROSOFT:
            return _written(now + UNUSED)
        return before.get("refresh_until")

    def _kept(self) -> dict[str, Any]:
        kept = self._read()
        if not kept.get("refresh_token"):
            raise UnavailableError(f"nobody has logged in yet; run `followupd login {self._of.name}`")
        return kept

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._of.file.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise UnavailableError(f"{self._of.file} cannot be read: {type(error).__name__}") from None
        # a token belongs to the application that got it: another client id asks for a login of its own
        return kept if isinstance(kept, dict) and kept.get("client") == self._of.client else {}

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        path = self._of.file.with_suffix(".lock")
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


def _pasted(text: str, state: str, of: Application) -> str:
    """Find the code in the address that a person pasted, or take the code itself."""
    said = parse_qs(urlsplit(text.strip()).query)
    if "error" in said:
        raise UnavailableError(refusal(of, {"error": said["error"][0]}))
    if "state" in said and not secrets.compare_digest(said["state"][0].encode(), state.encode()):
        raise UnavailableError("that address answers another question; begin again")
    code = said["code"][0] if "code" in said else text.strip()
    if not code or "://" in code:
        raise UnavailableError("there is no code in what was pasted")
    return code


def _write(path: Path, kept: Mapping[str, Any]) -> None:
    """Put the file in place whole or not at all, for its owner alone."""
    fresh = path.with_suffix(".new")
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w"
        ) as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror}") from error


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _later(now: datetime, seconds: Any) -> datetime:
    return now + timedelta(seconds=float(seconds or 0))


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))
