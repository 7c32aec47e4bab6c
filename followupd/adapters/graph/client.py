"""HTTP to Microsoft Graph: tokens, at most four requests at once, Retry-After, lost answers, and errors in plain words.

The limits are those of Outlook's services (learn.microsoft.com/graph/throttling-limits): 4 requests at once for an
application, and 10,000 in ten minutes for each mailbox.
"""

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from followupd.adapters.imap.client import Account
from followupd.adapters.network import http_session, is_loopback, why
from followupd.errors import LoginRefusedError, UnavailableError

#: requests at once, whatever mailbox they are for
MOST_AT_ONCE = 4
#: attempts at one request
TRIES = 4
#: the longest wait in seconds within one request, by Retry-After or between two attempts
PATIENCE = 60.0
#: seconds before the second attempt; each later wait is twice as long
BACKOFF = 0.25
#: bytes of an answer, and seconds until it must have ended
MAX_ANSWER, MAX_SECONDS = 160 * 2**20, 600.0
CHUNK = 2**16
#: an id stays the same when a mail is moved (learn.microsoft.com/graph/outlook-immutable-id)
IMMUTABLE = 'IdType="ImmutableId"'
#: answers that are no refusal of this request: it may be tried again
_LATER = frozenset({408, 429, 500, 502, 503, 504})
#: those among them after which nothing was done
_NOT_DONE = frozenset({429, 503})
#: what a refusal means, by Graph's code, casefolded, or else by its number
_MEANINGS = {
    "mailboxnotenabledforrestapi": "this account has no mailbox in Exchange Online, or no licence for one",
    "errorinvaliduser": "there is no such mailbox: compare username",
    "resourcenotfound": "there is no such mailbox: compare username",
    "request_resourcenotfound": "there is no such mailbox: compare username",
    "errornonexistentmailbox": "there is no such mailbox: compare username",
    "errorquotaexceeded": "the mailbox is full",
    "401": "it does not take the token",
    "403": "the application lacks a permission for this mailbox: Mail.ReadWrite or MailboxSettings.ReadWrite",
    "429": "it is asked too often",
    "503": "it is overloaded",
}


class GraphError(UnavailableError):
    """Graph has refused a request. `status` is the number of its answer, 0 without one."""

    def __init__(self, message: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class OutageError(GraphError):
    """Graph cannot be asked now; nothing is wrong with the request."""


class LostAnswerError(OutageError):
    """The answer to a request was lost: it may have been done."""


class MissingError(GraphError):
    """What was asked for does not exist, or no longer."""


class ExpiredError(GraphError):
    """A link of a delta query has expired, and the folder must be listed again."""


class ChangedError(GraphError):
    """Somebody else changed it meanwhile, or it exists already."""


_REFUSALS: dict[int, type[GraphError]] = {
    404: MissingError,
    409: ChangedError,
    410: ExpiredError,
    412: ChangedError,
}
#: codes of a delta link that is no longer of use, whatever the number
_EXPIRED = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired"})


class _Gate:
    """Lets four requests of this process through at once, and none while the server wants to be left alone."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._opens = 0.0

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """Wait for the server's time and for a place, and hold the place.

        Raises:
            OutageError: the server wants to be left alone for longer than a request can wait.
        """
        while (seconds := self._opens - monotonic()) > 0:
            if seconds > PATIENCE:
                raise OutageError(f"the server asks to be left alone for {round(seconds)} more seconds")
            pause(seconds)
        with self._places:
            yield

    def shut(self, seconds: float) -> None:
        """Let nothing through for some seconds.

        Args:
            seconds: from now on; a longer time that was named before stays.
        """
        self._opens = max(self._opens, monotonic() + seconds)


#: answers that say of a mail that it cannot be had
_FAILS = frozenset({400, 422, 500})
#: how often the connection has ended while a mail was read, by its path, and how often it may
_FAILED: dict[str, int] = {}
MOST_FAILURES = 3

_GATES: dict[str, _Gate] = {}
_GATES_LOCK = threading.Lock()


def pause(seconds: float) -> None:
    """Wait within a request, as the server asked."""
    threading.Event().wait(seconds)


@dataclass(frozen=True, slots=True)
class GraphAnswer:
    """An answer that is no error: its body, and the server's time, None where it told none."""

    body: bytes = field(repr=False)
    at: datetime | None = None

    @property
    def json(self) -> dict[str, Any]:
        """The body as JSON; empty without one.

        Raises:
            OutageError: it is no JSON object.
        """
        if not self.body:
            return {}
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise OutageError("its answer is no JSON") from error
        if not isinstance(value, dict):
            raise OutageError("its answer is no JSON object")
        return value


class _Bearer:
    """Puts a token on a request; as `auth`, it keeps requests from reading ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        """Set the header (RFC 6750)."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class GraphClient:
    """One session of HTTP for one mailbox, for one thread."""

    def __init__(self, account: Account) -> None:
        """Prepare a session; nothing is asked yet.

        Args:
            account: with `token`, which takes a token that was refused, and returns another one.
        """
        if account.security == "none" and not is_loopback(account.host):
            raise UnavailableError(f"a token is not sent to {account.host} without TLS")
        self.account = account
        scheme, usual = ("http", 80) if account.security == "none" else ("https", 443)
        port = "" if account.port == usual else f":{account.port}"
        self._origin = f"{scheme}://{account.host}{port}"
        self._mailbox = f"{self._origin}/v1.0/users/{quote(account.username, safe='@')}"
        self._session = http_session(account.ca_file, MAX_ANSWER, MAX_SECONDS)
        self._token = ""
        with _GATES_LOCK:
            self._gate = _GATES.setdefault(self._origin, _Gate())

    def close(self) -> None:
        """Close the connections that are kept."""
        self._session.close()

    # requests

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return what a path of the mailbox has, as JSON; `query` are OData's options without their "$".

        Args:
            path: below the mailbox.
            query: such as `select` or `filter`.
        """
        return self.ask("GET", path, query=query).json

    def pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, page by page, until there is no further one.

        Args:
            path: below the mailbox.
            query: such as `select` or `filter`, for the first page; the links of the others have them.
        """
        page = self.get(path, **query)
        while True:
            yield from items_of(page)
            link = page.get("@odata.nextLink")
            if not link:
                return
            page = self.ask("GET", str(link)).json

    def raw(self, path: str) -> bytes:
        """Return a mail as it came (MIME); b"" when the server has it and cannot give it.

        A mail is given up at once where the server says that it fails, and after the third time where it ends the
        connection, or never ends its answer, while it answers other requests.

        Args:
            path: that of the mail.
        """
        try:
            body = self.ask("GET", f"{path}/$value").body
        except MissingError:
            raise
        except GraphError as error:
            _FAILED[path] = _FAILED.get(path, 0) + 1
            is_given_up = error.status in _FAILS or (not error.status and _FAILED[path] >= MOST_FAILURES)
            if not is_given_up:
                raise
            self.get(path, select="id")
            return b""
        _FAILED.pop(path, None)
        return body

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] = MappingProxyType({}),
        headers: Mapping[str, str] = MappingProxyType({}),
        repeat: bool = True,
    ) -> GraphAnswer:
        """Send a request and return its answer; after a passing error it is sent again.

        Args:
            method: such as GET.
            path: below the mailbox ("/mailFolders"), or a whole link that the server gave.
            body: what JSON can express, or bytes as they are.
            query: OData's options without their "$".
            headers: more headers.
            repeat: whether it does no harm to send it again when its answer was lost.

        Raises:
            LostAnswerError: with `repeat` False, when it may have been done.
            OutageError: the server cannot be asked now.
            LoginRefusedError: it does not take the token.
            GraphError: it refuses the request; some refusals have classes of their own.
        """
        address, data, sent = self._address(path, query), *_encoded(body)
        sent |= {"Prefer": IMMUTABLE, "Accept": "application/json"} | dict(headers)
        problem, renewed, status = "", False, 0
        for attempt in range(TRIES):
            if problem:
                pause(BACKOFF * 2.0 ** (attempt - 1))
            try:
                response = self._sent(method, address, data, sent)
            except OSError as error:  # every error of requests is one
                problem, status = self._lost(error, may_repeat=repeat), 0
                continue
            if response.status == 401 and not renewed:
                renewed, self._token = True, self._renewed()
                continue
            if response.status not in _LATER:
                return self._accepted(response)
            problem, status = self._put_off(response, may_repeat=repeat), response.status
        raise OutageError(problem, status)

    def _sent(self, method: str, address: str, data: bytes | None, headers: dict[str, str]) -> "_Response":
        """Send a request once, and read its whole answer.

        Args:
            method: such as GET.
            address: the whole one.
            data: the body.
            headers: all but that of the token.

        Raises:
            OSError: of the network, or the answer is too long or takes too long.
        """
        token = self._token or self._renewed()
        with self._gate.passed():
            timeout = self.account.timeout
            response = self._session.request(
                method,
                address,
                data=data,
                headers=headers,
                auth=_Bearer(token),
                timeout=(min(timeout, 30.0), timeout),
                allow_redirects=False,
            )
        return _Response(response.status_code, dict(response.headers), response.content)

    def _renewed(self) -> str:
        """Return a token, another one than the server has refused.

        Raises:
            OutageError: the login server gives none, and why.
        """
        if self.account.token is None:
            raise OutageError("there is no OAuth login for it")
        try:
            self._token = self.account.token(self._token)
        except UnavailableError as error:
            raise OutageError(str(error)) from error
        return self._token

    # answers

    def _lost(self, error: OSError, *, may_repeat: bool) -> str:
        """Return what to say of an error of the network, after which the request can be sent again.

        Args:
            error: as requests raised it.
            may_repeat: whether it does no harm to send the request again.

        Raises:
            OutageError: the error will not pass, or the request must not be sent again.
        """
        sentence = _network_sentence(error, self.account)
        if isinstance(_cause(error), ssl.SSLCertVerificationError):
            raise OutageError(sentence) from error
        if not may_repeat:
            raise LostAnswerError(sentence) from error
        return sentence

    def _put_off(self, response: "_Response", *, may_repeat: bool) -> str:
        """Keep all requests back for as long as the server asks; return what to say of it.

        Args:
            response: one of 429, 503 and the like.
            may_repeat: whether it does no harm to send the request again.

        Raises:
            LostAnswerError: the request may have been done, and must not be sent again.
        """
        seconds = response.retry_after
        if seconds is not None:
            self._gate.shut(seconds)
        if response.status not in _NOT_DONE and not may_repeat:
            raise LostAnswerError(response.sentence, response.status)
        return response.sentence

    def _accepted(self, response: "_Response") -> GraphAnswer:
        """Return the answer of a request that was not put off.

        Args:
            response: an answer, or a refusal.

        Raises:
            LoginRefusedError, GraphError: it is a refusal; some have classes of their own.
        """
        if 200 <= response.status < 300:
            return GraphAnswer(response.body, response.at)
        if response.status == 401:
            raise LoginRefusedError(response.sentence)
        kind = _REFUSALS.get(response.status, GraphError)
        if response.code.casefold() in _EXPIRED:
            kind = ExpiredError
        raise kind(response.sentence, response.status)

    def _address(self, path: str, query: Mapping[str, str]) -> str:
        """Return the address of a path, or a link of the server's own as it is.

        Args:
            path: below the mailbox, or a link.
            query: OData's options without their "$"; a link has its own.

        Raises:
            ExpiredError: the link leads to another server, which must not get the token.
        """
        if not path.startswith("/"):
            if "{0.scheme}://{0.netloc}".format(urlsplit(path)) != self._origin:
                raise ExpiredError("a link leads to another server")
            return path
        options = {f"${name}": value for name, value in query.items()}
        return f"{self._mailbox}{path}" + (f"?{urlencode(options, quote_via=quote)}" if options else "")


@dataclass(frozen=True, slots=True)
class _Response:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def at(self) -> datetime | None:
        """The server's time."""
        with contextlib.suppress(ValueError, TypeError):
            return parsedate_to_datetime(self._header("date"))
        return None

    @property
    def retry_after(self) -> float | None:
        """For how many seconds the server wants to be left alone; None where it does not say."""
        with contextlib.suppress(ValueError):
            return max(0.0, float(self._header("retry-after")))
        return None

    @property
    def code(self) -> str:
        """Graph's word for the error, "" without one."""
        return str(self._error.get("code") or "")

    @property
    def sentence(self) -> str:
        """What to say of an error: its number, Graph's words, and what they mean."""
        said = " ".join(f"{self.code} {self._error.get('message') or ''}".split())[:300]
        meaning = _MEANINGS.get(self.code.casefold(), "") or _MEANINGS.get(str(self.status), "")
        text = f"it answered {self.status} {said}".strip()
        return f"{text}; {meaning} (docs/graph.md)" if meaning else text

    @property
    def _error(self) -> Mapping[str, Any]:
        with contextlib.suppress(ValueError, AttributeError):
            error = json.loads(self.body[:CHUNK]).get("error")
            return error if isinstance(error, dict) else {}
        return {}

    def _header(self, name: str) -> str:
        return next((value for key, value in self.headers.items() if key.casefold() == name), "")


def items_of(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the items of a page that are objects."""
    values = page.get("value")
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def quoted(text: str) -> str:
    """Return a text as a filter writes it (OData 4.01, ABNF: string)."""
    return "'" + text.replace("'", "''") + "'"


def _encoded(body: object) -> tuple[bytes | None, dict[str, str]]:
    """Return the bytes of a body, and the header that names its type."""
    if body is None:
        return None, {}
    if isinstance(body, bytes):
        return body, {"Content-Type": "text/plain"}
    return json.dumps(body).encode(), {"Content-Type": "application/json"}


def _cause(error: BaseException) -> BaseException:
    """Return the innermost reason of an error of requests, which wraps those of urllib3 and of the network.

    Args:
        error: as it was raised.
    """
    for _ in range(8):
        inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
        inner = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    return error


def _network_sentence(error: OSError, account: Account) -> str:
    """Return a sentence about an error of the network, without any address that may have a token in it.

    Args:
        error: as requests raised it.
        account: whose server was asked.
    """
    from requests.exceptions import Timeout

    place = f"{account.host}:{account.port}"
    cause = _cause(error)
    if isinstance(error, Timeout):
        return f"{place} did not answer within {account.timeout:g} seconds"
    if isinstance(cause, OSError) and not isinstance(cause, type(error)):
        return why(cause, account.host, account.port)
    return f"the connection to {place} ended ({type(cause).__name__})"
