"""From an account to a connection that is logged in, and from any failure to a sentence the admin can act on."""

import contextlib
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError

from followupd.adapters.imap.client import Client
from followupd.adapters.network import is_loopback, trusting, why
from followupd.errors import UnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where a mailbox is and how to log in. Secrets are callables, read anew at each login, and never shown.

    `token` returns an OAuth 2 access token (RFC 7628) and takes the password's place when it is given. `timeout` is in
    seconds, for each wait on the network.
    """

    name: str
    host: str
    port: int = 993
    security: str = "tls"  # tls | starttls | none (loopback only)
    username: str
    password: Callable[[], str] = field(repr=False)
    ca_file: str = ""
    inbox: str = "INBOX"
    sent: str = ""
    timeout: float = 60.0
    token: Callable[[], str] | None = field(default=None, repr=False)


def connect(account: Account) -> Client:
    """Connect, turn to TLS and log in.

    Raises:
        OutageError: with plain words for the admin, and no secret in them.
    """
    with plain_words(account):
        if account.security == "none" and not is_loopback(account.host):
            raise UnavailableError(f"{account.name}: a password is not sent to {account.host} without TLS")
        context = None if account.security == "none" else _trust(account)
        client = Client(
            account.host, account.port, context if account.security == "tls" else None, account.timeout
        )
        try:
            _log_in(client, account, context)
        except BaseException:
            client.end(politely=False)
            raise
        return client


def _trust(account: Account) -> ssl.SSLContext:
    try:
        return trusting(account.ca_file)
    except OSError as error:
        raise UnavailableError(
            f"{account.name}: the CA file {account.ca_file} cannot be read: {error}"
        ) from error


def _log_in(client: Client, account: Account, context: ssl.SSLContext | None) -> None:
    if account.security == "starttls":
        client.starttls(context)
    if account.token:
        _log_in_with_token(client, account.username, account.token())
    else:
        _log_in_with_password(client, account.username, account.password())
    if client.has_capability("CONDSTORE") and client.has_capability("ENABLE"):
        client.enable("CONDSTORE")  # only now: it is refused once a folder is selected


def _log_in_with_token(client: Client, username: str, token: str) -> None:
    if client.has_capability("AUTH=XOAUTH2") or not client.has_capability("AUTH=OAUTHBEARER"):
        client.oauth2_login(username, token)
    else:
        client.oauthbearer_login(username, token)


def _log_in_with_password(client: Client, username: str, password: str) -> None:
    if (username + password).isascii() and not client.has_capability("LOGINDISABLED"):
        client.login(username, password)
    else:
        client.plain_login(
            username, password
        )  # LOGIN carries ASCII only, AUTHENTICATE PLAIN UTF-8 (RFC 4616)


@contextlib.contextmanager
def plain_words(account: Account, doing: str = "") -> Iterator[None]:
    """Turn whatever the network, TLS or the server did into an OutageError that says who, what and why."""
    try:
        yield
    except (IMAPClientError, OSError, ValueError) as error:
        words = " ".join(word for word in (doing, _why(error, account)) if word)
        raise UnavailableError(f"{account.name}: {words}") from error


def _why(error: Exception, account: Account) -> str:
    place = f"{account.host}:{account.port}"
    match error:
        case ssl.SSLError() if not isinstance(error, ssl.SSLCertVerificationError):
            return f"{why(error, account.host, account.port)} (security is {account.security!r})"
        case TimeoutError():
            return f"{place} did not answer within {account.timeout:g} seconds"
        case LoginError():
            return f"the login of {account.username} was refused: {_said(error)}"
        case CapabilityError():
            return f"{place} lacks what we need: {_said(error)}"
        case IMAPClientAbortError():
            return f"the connection to {place} ended: {_said(error)}"
        case IMAPClientError():
            return f"{place} refused: {_said(error)}"
        case OSError():
            return why(error, account.host, account.port)
        case _:
            return f"{place}: {error}"


def _said(error: Exception) -> str:
    """Return the server's own words out of imaplib's wrapping, on one line."""
    text = " ".join(str(error).split())
    words = re.sub(r"^(command: \w+ => |socket error: |\w+ failed: )+", "", text)
    words = re.sub(r"^b(['\"])(.*)\1$", r"\2", words)[:300] or type(error).__name__
    return "the server closed it" if words == "EOF" else words
