"""OAuth without a person: an application's own secret, certificate or service account (RFC 6749, 4.4; RFC 7523).

Nothing is stored: an access token lives in memory, and the next one is requested with the secret.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from followupd.adapters.oauth import (
    GOOGLE_SCOPE,
    GOOGLE_TOKEN,
    MICROSOFT,
    MIN_LIFETIME,
    Application,
    Login,
    confidential_client,
    errors_explained,
    refused_by_google,
)
from followupd.domain.translatable import msg
from followupd.errors import FollowupdError, UnavailableError

#: whatever the administrator has allowed this application at Exchange Online
MICROSOFT_SCOPE = "https://outlook.office365.com/.default"
#: a secret that ends sooner than this is told of: a new one needs an administrator of the tenant
WARNING = timedelta(days=30)
#: what an answer without a token means, by Microsoft's number or by the error of RFC 6749; never its own words
_MEANINGS = {
    "7000222": "the application's secret has ended: make a new one",
    "7000215": "the application's secret is wrong: its value is needed, not its id",
    "700027": "the application does not know this certificate: upload it",
    "700016": "the tenant knows no such application: compare oauth_client and oauth_tenant",
    "90002": "there is no such tenant: compare oauth_tenant",
    "900023": "there is no such tenant: compare oauth_tenant",
    "unauthorized_client": "the application may not act for this user: allow its client id the scope of mail",
    "invalid_grant": "the key is wrong or deleted, there is no such user, or this machine's clock is wrong",
    "invalid_client": "the application's id or its secret is wrong",
}
#: seconds for which Google's tokens of service accounts are valid, as it documents
_GOOGLE_LIFETIME = 3600

#: the access tokens of this process, with their ends; by account and secret, so that a new secret is used at once
_TOKENS: dict[tuple[str, ...], tuple[str, datetime]] = {}
_LOCK = threading.Lock()


class ApplicationLogin(Login):
    """A login that needs no person; `followupd login` only tries it."""

    def __init__(self, application: Application, now: Callable[[], datetime], until: date | None) -> None:
        """Prepare the login.

        Args:
            application: whose secret is a text, a key with its certificate (PEM), or a service account (JSON).
            now: returns the time.
            until: the last day of the secret, as the administrator has noted it; None if that is not known.

        Raises:
            SetupError: the provider's extra is not installed.
        """
        super().__init__(application, now)
        self._until = until

    def token(self, refused: str = "") -> str:
        """Return an access token that is valid for at least some minutes.

        Args:
            refused: a token that a server does not take, although its time is not up.

        Raises:
            UnavailableError: the provider gives none, and why.
            SetupError: the secret cannot be read.
        """
        application = self._application
        secret = application.secret()
        digest = hashlib.sha256(secret.encode()).hexdigest()
        account = (application.endpoint, application.tenant, application.client, application.username)
        key = (*account, application.graph, digest)
        with _LOCK:
            token, until = _TOKENS.get(key, ("", datetime.min.replace(tzinfo=UTC)))
            if token == refused or until <= self._now() + MIN_LIFETIME:
                token, until = self._requested(secret)
                _TOKENS[key] = token, until
            return token

    def ends(self) -> datetime | None:
        """Return when the secret or its certificate ends; None when no end is known."""
        ends = [datetime.combine(self._until + timedelta(days=1), time(), UTC)] if self._until else []
        with suppress(FollowupdError):  # `status` may be typed by somebody who may not read the secret
            ends += _certificate_end(self._application.secret())
        return min(ends, default=None)

    def warning(self) -> str:
        """Return a sentence within a month of the secret's end, and after it; else ""."""
        ends = self.ends()
        if ends is None or ends - self._now() > WARNING:
            return ""
        day = f"{ends - timedelta(seconds=1):%Y-%m-%d}"
        name = self._application.name
        if ends <= self._now():
            return msg(
                "the secret of the login of {name} has ended on {day}; make a new one", name=name, day=day
            )
        return msg("the secret of the login of {name} ends on {day}; make a new one", name=name, day=day)

    def _requested(self, secret: str) -> tuple[str, datetime]:
        """Request an access token; return it and its end.

        Args:
            secret: the application's, as it was read just now; it is not kept.

        Returns:
            the token, and its end in UTC by the seconds that the provider says it lives.

        Raises:
            UnavailableError: the provider gives none, and why.
        """
        ask = _ask_microsoft if self._application.auth == MICROSOFT else _ask_google
        response = ask(self._application, secret)
        token, lifetime = response.get("access_token"), response.get("expires_in")
        if not isinstance(token, str) or not token:
            raise UnavailableError(_refused(self._application, response))
        return token, self._now() + timedelta(seconds=float(lifetime or 0))


def _ask_microsoft(application: Application, secret: str) -> Mapping[str, Any]:
    """Ask for a token by the application's secret, or by a key whose certificate it knows.

    Args:
        application: whose tenant and client id are used.
        secret: a text, or a private key and its certificate (PEM).

    Returns:
        the answer, with "access_token" and "expires_in" in seconds, or "error" and "error_description".

    Raises:
        UnavailableError: the login server cannot be asked, or the secret is incomplete.
    """
    credential: Any = secret
    if "-----BEGIN" in secret:
        if not _has_key_and_certificate(secret):
            raise UnavailableError(
                f"the secret of {application.name} needs a private key and its certificate (PEM)"
            )
        credential = {
            "private_key": _part(secret, "PRIVATE KEY"),
            "public_certificate": _part(secret, "CERTIFICATE"),
        }
    client = confidential_client(application, credential)
    scope = f"{application.graph}/.default" if application.graph else MICROSOFT_SCOPE
    with errors_explained(application):
        return dict(client.acquire_token_for_client(scopes=[scope]) or {})


def _ask_google(application: Application, secret: str) -> Mapping[str, Any]:
    """Ask for a token by a service account that acts for the mailbox's user.

    Args:
        application: whose username the service account acts for.
        secret: the key of the service account, as the JSON that Google issues.

    Returns:
        the answer, with "access_token" and "expires_in" in seconds, or what Google says is wrong.

    Raises:
        UnavailableError: the login server cannot be asked, or the secret is no key of a service account.
    """
    from google.auth.exceptions import GoogleAuthError
    from google.oauth2 import service_account

    made: Any = service_account.Credentials  # google-auth's functions have no types
    try:
        account = {**json.loads(secret), "token_uri": application.endpoint or GOOGLE_TOKEN}
        credentials = made.from_service_account_info(
            account, scopes=[GOOGLE_SCOPE], subject=application.username
        )
    except (ValueError, TypeError, GoogleAuthError):
        credentials = None  # told outside the handler: the library's error quotes the key
    if credentials is None:
        raise UnavailableError(f"the secret of {application.name} is no key of a service account (JSON)")

    refused = refused_by_google(application, credentials)
    return refused or {"access_token": credentials.token, "expires_in": _GOOGLE_LIFETIME}


def _refused(application: Application, response: Mapping[str, Any]) -> str:
    """Return a sentence for the administrator about an answer without a token, without the answer's own words.

    Args:
        application: which is named in the sentence.
        response: the answer; only its "error" and Microsoft's numbers of it are shown.
    """
    reason = str(response.get("error") or "the response makes no sense")[:80]
    numbers = re.findall(r"AADSTS(\d+)", str(response.get("error_description", "")))
    meaning = next((_MEANINGS[each] for each in [*numbers, reason] if each in _MEANINGS), "")
    said = f"the login server of {application.name} refused: {' '.join([reason, *numbers[:1]])}"
    return f"{said}; {meaning} (docs/oauth.md)" if meaning else said


def _has_key_and_certificate(secret: str) -> bool:
    """Return whether a secret in PEM has both parts.

    Args:
        secret: a file in PEM, or any other secret.
    """
    return bool(_part(secret, "PRIVATE KEY") and _part(secret, "CERTIFICATE"))


def _part(secret: str, name: str) -> str:
    """Return the first part of a PEM file with this name, such as "RSA PRIVATE KEY"; "" if there is none.

    Args:
        secret: a file in PEM.
        name: how the name of the part ends, such as "PRIVATE KEY".
    """
    found = re.search(rf"-----BEGIN ([A-Z ]*{name})-----.*?-----END \1-----\n?", secret, re.DOTALL)
    return found[0] if found else ""


def _certificate_end(secret: str) -> list[datetime]:
    """Return when the certificate in a secret ends; [] if it has none that can be read.

    Args:
        secret: a file in PEM, or any other secret.

    Returns:
        the moment in UTC, in a list of one.
    """
    from cryptography import x509

    part = _part(secret, "CERTIFICATE")
    try:
        return [x509.load_pem_x509_certificate(part.encode()).not_valid_after_utc] if part else []
    except ValueError:
        return []
