"""Request tokens from Google and Microsoft with their libraries, which are optional extras.

No token appears in an error: of what a library raises, only the type is reported.
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
#: the modules that must be importable, and the extra that installs them
EXTRAS = {GOOGLE: (("google.auth", "requests"), "google"), MICROSOFT: (("msal",), "microsoft")}
GOOGLE_SCOPE = "https://mail.google.com/"
MICROSOFT_SCOPES = (
    "https://outlook.office.com/IMAP.AccessAsUser.All",
    "https://outlook.office.com/SMTP.Send",
)
GOOGLE_AUTHORIZE = "https://accounts.google.com/o/oauth2/v2/auth"
GOOGLE_TOKEN = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, no secret
MICROSOFT_AUTHORITY = "https://login.microsoftonline.com"
#: nothing listens there: the code is read from the browser's address bar (RFC 8252, section 7.3)
REDIRECT = "http://127.0.0.1"
#: errors after which a person must log in again
_LOGIN_ENDED = {"invalid_grant", "interaction_required", "consent_required"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The OAuth application, the account whose mail it asks for, and the file of its token.

    `name` is what `followupd login NAME` takes. `endpoint` replaces the provider's address, `ca_file` the
    system's CAs.
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
    """Check that the provider's library is installed.

    Raises:
        SetupError: it is not; the hint says how to install it.
    """
    modules, extra = EXTRAS[application.auth]
    if all(_is_installed(module) for module in modules):
        return
    needs = f"{application.auth} of {application.name} needs the extra {extra!r}, which is not installed"
    hint = f"pip install 'followupd[{extra}]'"
    raise SetupError([Problem("followupd.toml", None, None, "C33", needs, hint)])


def _is_installed(module: str) -> bool:
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
        response = client.acquire_token_by_refresh_token(refresh_token, scopes=list(MICROSOFT_SCOPES))
        return dict(response)


def microsoft_client(application: Application) -> Any:
    """Return msal's client, confidential if the application has a secret, else public."""
    import msal

    secret = application.secret()
    options = {
        "authority": f"{application.endpoint or MICROSOFT_AUTHORITY}/{application.tenant}",
        "instance_discovery": not application.endpoint,
        "http_client": _session(application),
    }
    with errors_explained(application):
        if secret:
            return msal.ConfidentialClientApplication(application.client, client_credential=secret, **options)
        return msal.PublicClientApplication(application.client, **options)


def _refresh_at_google(application: Application, refresh_token: str) -> Mapping[str, Any]:
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request
    from google.oauth2.credentials import Credentials

    make_credentials: Any = Credentials  # google-auth's functions have no types
    credentials = make_credentials(
        None,
        refresh_token=refresh_token,
        token_uri=application.endpoint or GOOGLE_TOKEN,
        client_id=application.client,
        client_secret=application.secret(),
    )
    refused: Mapping[str, Any] = {}
    try:
        with errors_explained(application):
            credentials.refresh(Request(_session(application)))
    except GoogleAuthError as error:
        details = error.args[1] if len(error.args) > 1 else None
        refused = details if isinstance(details, dict) and details else {"error": type(error).__name__}
    if (
        refused
    ):  # raised outside the handler: the library's error, which quotes the response, must not be its context
        raise UnavailableError(refusal(application, refused))

    until = credentials.expiry
    return {
        "access_token": credentials.token,
        "refresh_token": credentials.refresh_token,
        "access_until": until.replace(tzinfo=UTC) if until else None,  # the library returns naive UTC
    }


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
        response = _session(application).post(endpoint, data=form, timeout=30).json()
    return response if isinstance(response, dict) else {}


def _session(application: Application) -> Any:
    import requests

    session = requests.Session()
    if application.ca_file:
        session.verify = application.ca_file
        session.trust_env = False  # else REQUESTS_CA_BUNDLE would take precedence
    return session


@contextlib.contextmanager
def errors_explained(application: Application) -> Iterator[None]:
    """Turn a network error into an UnavailableError.

    Its own text may contain a token, so only the type is reported.
    """
    try:
        yield
    except (OSError, ValueError) as error:  # every error of requests is an OSError; msal raises ValueError
        problem = f"the login server of {application.name} cannot be asked ({type(error).__name__})"
        raise UnavailableError(problem) from None


def refusal(application: Application, response: Mapping[str, Any]) -> str:
    """Return a sentence for the administrator about a response without a token."""
    reason = str(response.get("error") or "the response makes no sense")[:80]
    if reason in _LOGIN_ENDED:
        name = application.name
        return f"the login of {name} has ended ({reason}); run `followupd login {name}`"
    return f"the login server of {application.name} refused: {reason}"
