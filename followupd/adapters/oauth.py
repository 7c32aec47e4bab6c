"""OAuth 2 logins for Gmail and Microsoft 365.

A person's login stores its refresh token in a private file, and requests access tokens in time. An application's
own login (secret, certificate or service account: RFC 6749, 4.4; RFC 7523) stores nothing: its access token
lives in memory, and the next one is requested with the secret.

The libraries for the two are extras (`followupd[google]`, `followupd[microsoft]`). No token appears in a log,
a repr or an error.
"""

import base64
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from followupd.adapters.network import http_session
from followupd.domain.translatable import msg
from followupd.errors import FollowupdError, Problem, SetupError, UnavailableError

GOOGLE, MICROSOFT = "oauth-google", "oauth-microsoft"
#: the modules that must be importable, and the extra that installs them
EXTRAS = {GOOGLE: (("google.auth", "requests"), "google"), MICROSOFT: (("msal",), "microsoft")}
GOOGLE_SCOPE = "https://mail.google.com/"
MICROSOFT_SCOPES = (
    "https://outlook.office.com/IMAP.AccessAsUser.All",
    "https://outlook.office.com/SMTP.Send",
)
#: what Graph lets the user of a mailbox give; the last one is for the mailboxes that others share with that user
GRAPH_PERMISSIONS = ("Mail.ReadWrite", "MailboxSettings.ReadWrite", "Mail.ReadWrite.Shared")
GOOGLE_AUTHORIZE = "https://accounts.google.com/o/oauth2/v2/auth"
GOOGLE_TOKEN = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, no secret
MICROSOFT_AUTHORITY = "https://login.microsoftonline.com"
#: nothing listens there: the code is read from the browser's address bar (RFC 8252, section 7.3)
REDIRECT = "http://127.0.0.1"
#: bytes of an answer of a login server; tokens have a few thousand
_MAX_ANSWER = 2**20
#: errors after which a person must log in again
_LOGIN_ENDED = {"invalid_grant", "interaction_required", "consent_required"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The OAuth application, the account whose mail it asks for, and the file of its token.

    `name` is what `followupd login NAME` takes. `endpoint` replaces the provider's address, `ca_file` the
    system's CAs. `graph` is the address of Microsoft Graph ("https://graph.microsoft.com") where the token is for it,
    and not for IMAP and SMTP. `patience` is the time for a whole answer of the login server, in seconds.
    """

    name: str
    auth: str  # oauth-google | oauth-microsoft
    username: str
    client: str
    file: Path
    tenant: str = "common"
    secret: Callable[[], str] = field(default=str, repr=False)
    endpoint: str = ""
    ca_file: str = ""
    graph: str = ""
    patience: float = 60.0

    @property
    def microsoft_scopes(self) -> list[str]:
        """What a person's token must be good for at Microsoft."""
        if self.graph:
            return [f"{self.graph}/{permission}" for permission in GRAPH_PERMISSIONS]
        return list(MICROSOFT_SCOPES)


def demand_extra(application: Application) -> None:
    """Check that the provider's library is installed.

    Raises:
        SetupError: it is not; the hint says how to install it.
    """
    modules, extra = EXTRAS[application.auth]
    if all(map(_is_installed, modules)):
        return
    needs = f"{application.auth} of {application.name} needs the extra {extra!r}, which is not installed"
    hint = f"pip install 'followupd[{extra}]'"
    raise SetupError([Problem("followupd.toml", None, None, "C33", needs, hint)])


def _is_installed(module: str) -> bool:
    """Return whether a module can be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package that contains it is missing
        return False


def refresh(application: Application, refresh_token: str) -> Mapping[str, Any]:
    """Request a new access token.

    Returns:
        The provider's response: access_token, and what else it tells; or error.

    Raises:
        UnavailableError: the login server cannot be reached, or Google refused.
    """
    if application.auth != MICROSOFT:
        return _refresh_at_google(application, refresh_token)
    client = microsoft_client(application)
    with errors_explained(application):
        response = client.acquire_token_by_refresh_token(refresh_token, scopes=application.microsoft_scopes)
        return dict(response)


def microsoft_client(application: Application) -> Any:
    """Return msal's client, confidential if the application has a secret, else public."""
    import msal

    secret = application.secret()
    if secret:
        return confidential_client(application, secret)
    with errors_explained(application):
        return msal.PublicClientApplication(application.client, **_client_options(application))


def confidential_client(application: Application, credential: Any) -> Any:
    """Return msal's client of an application with a secret, or with a key and its certificate."""
    import msal

    options = _client_options(application)
    with errors_explained(application):
        return msal.ConfidentialClientApplication(application.client, client_credential=credential, **options)


def _client_options(application: Application) -> dict[str, Any]:
    """Return what every client of msal is made with."""
    return {
        "authority": f"{application.endpoint or MICROSOFT_AUTHORITY}/{application.tenant}",
        "instance_discovery": not application.endpoint,
        "http_client": session_of(application),
    }


def _refresh_at_google(application: Application, refresh_token: str) -> Mapping[str, Any]:
    """Get a new access token from Google.

    Args:
        application: as it is registered there.
        refresh_token: the one that the login returned, which Google does not replace.

    Returns:
        The tokens, and until when the access token is valid, in UTC.

    Raises:
        UnavailableError: Google cannot be asked, or refuses; no token is in the sentence or its context.
    """
    from google.oauth2.credentials import Credentials

    make_credentials: Any = Credentials  # google-auth's functions have no types
    credentials = make_credentials(
        None,
        refresh_token=refresh_token,
        token_uri=application.endpoint or GOOGLE_TOKEN,
        client_id=application.client,
        client_secret=application.secret(),
    )
    if refused := refused_by_google(application, credentials):
        raise UnavailableError(refusal(application, refused))

    until = credentials.expiry
    return {
        "access_token": credentials.token,
        "refresh_token": credentials.refresh_token,
        "access_until": until.replace(tzinfo=UTC) if until else None,  # the library returns naive UTC
    }


def refused_by_google(application: Application, credentials: Any) -> Mapping[str, Any]:
    """Refresh credentials of google-auth, and return Google's refusal; empty where it gave an access token.

    Nothing is raised here for a refusal: the library's error quotes the response, and must be no error's context.

    Args:
        application: whose token endpoint is asked.
        credentials: of google-auth, whose classes have no types.

    Raises:
        UnavailableError: Google cannot be asked.
    """
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    try:
        with errors_explained(application):
            credentials.refresh(Request(session_of(application)))
    except GoogleAuthError as error:
        details = error.args[1] if len(error.args) > 1 else None
        return details if isinstance(details, dict) and details else {"error": type(error).__name__}
    return {}


def exchange_code(application: Application, code: str, verifier: str) -> Mapping[str, Any]:
    """Exchange Google's code for tokens (RFC 6749, section 4.1.3; RFC 7636).

    Args:
        application: who asks.
        code: the authorization code.
        verifier: the PKCE code verifier whose challenge was sent before.

    Returns:
        The response as JSON has it; empty when it is no JSON object.

    Raises:
        UnavailableError: the login server cannot be reached.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "client_id": application.client,
        "client_secret": application.secret(),
        "code_verifier": verifier,
    }
    with errors_explained(application):
        endpoint = application.endpoint or GOOGLE_TOKEN
        response = session_of(application).post(endpoint, data=form, timeout=30).json()
    return response if isinstance(response, dict) else {}


def session_of(application: Application) -> Any:
    """Return a session of HTTP, which trusts only the authority that the configuration names, if it names one."""
    return http_session(application.ca_file, _MAX_ANSWER, application.patience)


@contextlib.contextmanager
def errors_explained(application: Application) -> Iterator[None]:
    """Turn a network error into an UnavailableError.

    Its own text may contain a token, so only the type is reported.

    Args:
        application: whose login server is asked.

    Raises:
        UnavailableError: the block raised an error of the network, of TLS or of a response that cannot be
            parsed.
    """
    try:
        yield
    # every error of requests is an OSError; msal raises ValueError, and google-auth TypeError for what is no JSON
    except (OSError, ValueError, TypeError) as error:
        problem = f"the login server of {application.name} cannot be asked ({type(error).__name__})"
        raise UnavailableError(problem) from None


def refusal(application: Application, response: Mapping[str, Any]) -> str:
    """Return a sentence for the administrator about a response without a token."""
    reason = str(response.get("error") or "the response makes no sense")[:80]
    if reason in _LOGIN_ENDED:
        name = application.name
        return f"the login of {name} has ended ({reason}); run `followupd login {name}`"
    return f"the login server of {application.name} refused: {reason}"


# --- the login of a person ---

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

    def token(self, refused: str = "") -> str:
        """Return an access token that is valid for at least some minutes.

        Args:
            refused: a token that a server does not take, although its time is not up.

        Raises:
            UnavailableError: there is none, and why; a login that has ended must be renewed by a person.
        """
        with self._locked():
            stored = self._stored_login()
            is_valid = _parsed(stored.get("access_until")) - MIN_LIFETIME > self._now()
            if is_valid and stored["access_token"] != refused:
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
            flow = client.initiate_device_flow(scopes=self._application.microsoft_scopes)
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
        # A token belongs to the application that requested it: another client id needs a separate login.
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

    Args:
        text: what was pasted: the whole address to which the browser was sent back, or only its code.
        state: the value that the request was sent with. An address with another one may be an attacker's.
        application: which is named in the error, without anything of the address.

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


# --- logins without a person ---

#: whatever the administrator has allowed this application at Exchange Online
MICROSOFT_SCOPE = "https://outlook.office365.com/.default"
#: a secret that ends sooner than this is told of: a new one needs an administrator of the tenant
SECRET_WARNING = timedelta(days=30)
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
        if ends is None or ends - self._now() > SECRET_WARNING:
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
