"""Log in to an account, and turn every failure into a sentence for the administrator."""

import contextlib
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError

from followupd.adapters.imap.client import Client
from followupd.adapters.network import is_loopback, trusting, why
from followupd.errors import LoginRefusedError, UnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where a mailbox is and how to log in.

    Secrets are callables: they are read at each login and never shown. `token` returns an OAuth 2 access
    token (RFC 7628), another one than its argument, and replaces the password if it is given. `timeout` is in seconds,
    for each wait on the network.
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
    token: Callable[..., str] | None = field(default=None, repr=False)


def connect(account: Account) -> Client:
    """Connect, start TLS and log in.

    A password is sent without TLS only to this machine.

    Args:
        account: where to connect and how to log in; its secrets are read now.

    Raises:
        UnavailableError: with a sentence for the administrator that contains no secret.
    """
    with errors_explained(account):
        if account.security == "none" and not is_loopback(account.host):
            raise UnavailableError(f"{account.name}: a password is not sent to {account.host} without TLS")

        context = None if account.security == "none" else _tls_context(account)
        implicit_tls = context if account.security == "tls" else None
        client = Client(account.host, account.port, implicit_tls, account.timeout)
        try:
            _log_in(client, account, context)
        except BaseException:
            client.end(log_out=False)
            raise
        return client


def _tls_context(account: Account) -> ssl.SSLContext:
    """Return the TLS context that trusts the account's own CA, or the system's."""
    try:
        return trusting(account.ca_file)
    except OSError as error:
        message = f"{account.name}: the CA file {account.ca_file} cannot be read: {error}"
        raise UnavailableError(message) from error


def _log_in(client: Client, account: Account, context: ssl.SSLContext | None) -> None:
    """Start TLS where the account says so, log in, and enable CONDSTORE where the server has it.

    Args:
        client: connected, and not logged in.
        account: its token is used where it has one, else its password.
        context: of TLS, None where the account has none.
    """
    if account.security == "starttls":
        client.starttls(context)

    if account.token:
        _log_in_with_token(client, account.username, account.token())
    else:
        _log_in_with_password(client, account.username, account.password())

    if client.has_capability("CONDSTORE") and client.has_capability("ENABLE"):
        client.enable("CONDSTORE")  # now, because it is refused once a folder is selected


def _log_in_with_token(client: Client, username: str, token: str) -> None:
    """Log in with an OAuth 2 access token, by XOAUTH2 or by OAUTHBEARER (RFC 7628)."""
    if client.has_capability("AUTH=XOAUTH2") or not client.has_capability("AUTH=OAUTHBEARER"):
        client.oauth2_login(username, token)
    else:
        client.oauthbearer_login(username, token)


def _log_in_with_password(client: Client, username: str, password: str) -> None:
    """Log in by LOGIN or, for a server or a secret that LOGIN does not suit, by AUTHENTICATE PLAIN."""
    if (username + password).isascii() and not client.has_capability("LOGINDISABLED"):
        client.login(username, password)
    else:  # LOGIN carries ASCII only, AUTHENTICATE PLAIN carries UTF-8 (RFC 4616)
        client.plain_login(username, password)


@contextlib.contextmanager
def errors_explained(account: Account, prefix: str = "") -> Iterator[None]:
    """Turn an error of the network, of TLS or of the server into an UnavailableError.

    Args:
        account: the account that the sentence names.
        prefix: what could not be done ("the folder Sent cannot be read:").

    Raises:
        LoginRefusedError: the server refused the password.
        UnavailableError: with a sentence that says where it happened, what happened, and why.
    """
    try:
        yield
    except (IMAPClientError, OSError, ValueError) as error:
        sentence = f"{prefix} {_explanation(error, account)}".strip()
        kind = LoginRefusedError if isinstance(error, LoginError) else UnavailableError
        raise kind(f"{account.name}: {sentence}") from error


def _explanation(error: Exception, account: Account) -> str:
    """Return a sentence for an administrator.

    Which server, what failed, and in which words the server said so.
    """
    place = f"{account.host}:{account.port}"
    match error:
        case ssl.SSLError() if not isinstance(error, ssl.SSLCertVerificationError):
            return f"{why(error, account.host, account.port)} (security is {account.security!r})"
        case TimeoutError():
            return f"{place} did not answer within {account.timeout:g} seconds"
        case LoginError():
            return f"the login of {account.username} was refused: {_server_text(error)}"
        case CapabilityError():
            return f"{place} lacks what we need: {_server_text(error)}"
        case IMAPClientAbortError():
            return f"the connection to {place} ended: {_server_text(error)}"
        case IMAPClientError():
            return f"{place} refused: {_server_text(error)}"
        case OSError():
            return why(error, account.host, account.port)
        case _:
            return f"{place}: {error}"


def _server_text(error: Exception) -> str:
    """Return the server's text without imaplib's wrapping, on one line."""
    text = " ".join(str(error).split())
    text = re.sub(r"^(command: \w+ => |socket error: |\w+ failed: )+", "", text)
    text = re.sub(r"^b(['\"])(.*)\1$", r"\2", text)[:300]
    if text == "EOF":
        return "the server closed it"
    return text or type(error).__name__
