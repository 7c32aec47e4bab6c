"""What Google and Microsoft are asked for, in their own libraries' words; these are extras, loaded when they are used.

No token stands in an error: of what a library raises only the kind is told.
"""

import contextlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

from followupd.errors import Problem, SetupError, UnavailableError

GOOGLE, MICROSOFT = "oauth-google", "oauth-microsoft"
#: what must be importable, and the extra that brings it
EXTRAS = {GOOGLE: (("google.auth", "requests"), "google"), MICROSOFT: (("msal",), "microsoft")}
MAIL_OF_GOOGLE = "https://mail.google.com/"
MAIL_OF_MICROSOFT = (
    "https://outlook.office.com/IMAP.AccessAsUser.All",
    "https://outlook.office.com/SMTP.Send",
)
GOOGLE_ASKS, GOOGLE_ANSWERS = (
    "https://accounts.google.com/o/oauth2/v2/auth",
    "https://oauth2.googleapis.com/token",
)
BACK = (
    "http://127.0.0.1"  # nobody listens there: the code stands in the browser's address bar (RFC 8252, 7.3)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Who asks for whose mail, and where the token is kept. `name` is what `followupd login NAME` takes.

    `endpoint` stands in for the provider's own address; `ca_file` for the system's CAs.
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


def demand_extra(application: Application) -> None:
    modules, extra = EXTRAS[application.auth]
    for module in modules:
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:  # the package above it is missing
            found = None
        if found is None:
            hint = f"pip install 'followupd[{extra}]'"
            problem = (
                f"{application.auth} of {application.name} needs the extra {extra!r}, which is not installed"
            )
            raise SetupError([Problem("followupd.toml", None, None, "C33", problem, hint)])


def refreshed(of: Application, refresh_token: str) -> Mapping[str, Any]:
    if of.auth == MICROSOFT:
        application = microsoft(of)
        with in_words(of):
            answer = application.acquire_token_by_refresh_token(refresh_token, scopes=list(MAIL_OF_MICROSOFT))
            return dict(answer)
    return _refreshed_by_google(of, refresh_token)


def microsoft(of: Application) -> Any:
    import msal

    authority = f"{of.endpoint or 'https://login.microsoftonline.com'}/{of.tenant}"
    words = {"authority": authority, "instance_discovery": not of.endpoint, "http_client": _session(of)}
    secret = of.secret()
    with in_words(of):
        if secret:
            return msal.ConfidentialClientApplication(of.client, client_credential=secret, **words)
        return msal.PublicClientApplication(of.client, **words)


def _refreshed_by_google(of: Application, refresh_token: str) -> Mapping[str, Any]:
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request
    from google.oauth2.credentials import Credentials

    place = of.endpoint or GOOGLE_ANSWERS
    make: Any = Credentials  # google-auth's functions carry no types
    credentials = make(
        None, refresh_token=refresh_token, token_uri=place, client_id=of.client, client_secret=of.secret()
    )
    refused: Mapping[str, Any] = {}
    try:
        with in_words(of):
            credentials.refresh(Request(_session(of)))
    except GoogleAuthError as error:
        answer = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
        refused = answer or {"error": type(error).__name__}
    if (
        refused
    ):  # raised out here, so that the error does not carry the library's own, which quotes the answer
        raise UnavailableError(refusal(of, refused))
    until = (
        credentials.expiry.replace(tzinfo=UTC) if credentials.expiry else None
    )  # it writes UTC without saying so
    return {
        "access_token": credentials.token,
        "refresh_token": credentials.refresh_token,
        "access_until": until,
    }


def exchanged(of: Application, code: str, verifier: str) -> Mapping[str, Any]:
    """Trade Google's code for tokens (RFC 6749, 4.1.3; RFC 7636)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "client_id": of.client,
        "client_secret": of.secret(),
        "code_verifier": verifier,
    }
    with in_words(of):
        answer = _session(of).post(of.endpoint or GOOGLE_ANSWERS, data=form, timeout=30).json()
    return answer if isinstance(answer, dict) else {}


def _session(of: Application) -> Any:
    import requests

    session = requests.Session()
    if of.ca_file:
        session.verify, session.trust_env = (
            of.ca_file,
            False,
        )  # REQUESTS_CA_BUNDLE would count more than our word
    return session


@contextlib.contextmanager
def in_words(of: Application) -> Iterator[None]:
    """Turn what the network did into an outage; the error's own text may hold a token, so only its kind is told."""
    try:
        yield
    except (OSError, ValueError) as error:  # every error of requests is an OSError; msal raises ValueError
        raise UnavailableError(
            f"the login server of {of.name} cannot be asked ({type(error).__name__})"
        ) from None


def refusal(of: Application, answer: Mapping[str, Any]) -> str:
    why = str(answer.get("error") or "no answer that makes sense")[:80]
    if why in {"invalid_grant", "interaction_required", "consent_required"}:
        return f"the login of {of.name} has ended ({why}); run `followupd login {of.name}`"
    return f"the login server of {of.name} refused: {why}"
