"""A Microsoft Graph of the tests' own, over real HTTP: mailboxes as its public documentation describes them, and its moods.

Written from learn.microsoft.com/graph: message delta, $value, move, create from MIME, masterCategories, immutable ids,
throttling, errors. What is asked in a way that the documentation does not name is refused with 400, so that a mistake
of ours is seen. What real tenants do besides is not known here (docs/graph.md, "Not tried").
"""

import base64
import contextlib
import hashlib
import json
import re
import ssl
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import trustme

from followupd import clock
from followupd.adapters.graph.changes import uid_of
from tests.servers.postbox import Postbox, unique

#: done, and then the connection ends without an answer; or it ends before anything was done
DROP, DROP_BEFORE = "drop", "drop before"
#: what a plan may say instead of an answer: (status, code, headers)
Refusal = tuple[int, str, dict[str, str]]
THROTTLED: Refusal = (429, "ApplicationThrottled", {"Retry-After": "0"})
OVERLOADED: Refusal = (503, "serviceNotAvailable", {"Retry-After": "0"})
#: the service's limit of requests at once for an application
AT_ONCE = 4
_HIDDEN = "Name X-"


@dataclass
class Message:
    """A mail as the service keeps it."""

    id: str
    raw: bytes
    folder: str
    received: datetime
    categories: list[str] = field(default_factory=list)
    read: bool = False
    flagged: bool = False
    draft: bool = False
    version: int = 1

    @property
    def message_id(self) -> str:
        return str(message_from_bytes(self.raw)["Message-ID"] or "").strip()

    def shown(self, *, immutable: bool = True) -> dict[str, Any]:
        """Return it as JSON; an id that is not asked to be immutable changes with the folder."""
        stamp = self.received.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "@odata.etag": f'W/"{self.version}"',
            "id": self.id if immutable else f"{self.id}.{self.folder}",
            "receivedDateTime": stamp,
            "createdDateTime": stamp,
            "categories": list(self.categories),
            "isRead": self.read,
            "isDraft": self.draft,
            "flag": {"flagStatus": "flagged" if self.flagged else "notFlagged"},
            "parentFolderId": self.folder,
            "internetMessageId": self.message_id,
        }


@dataclass
class Account:
    """One mailbox: its folders (id -> name, parent), its mails in the order of their arrival, and what has changed."""

    folders: dict[str, tuple[str, str]] = field(default_factory=dict)
    uses: dict[str, str] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    #: (folder, id, what was changed): "" for all
    log: list[tuple[str, str, str]] = field(default_factory=list)
    categories: dict[str, str] = field(default_factory=dict)
    #: links that begin before this place in the log have expired
    oldest: int = 0
    #: what the application may do here
    may_write: bool = True
    may_colour: bool = True


class NotFoundError(Exception):
    """There is no such thing."""


class RefusedError(Exception):
    """The request is refused: status and code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(status, code)
        self.status, self.code = status, code


class GraphServer:
    """`plan` are moods for the next requests to addresses with a text in them; `asked` are all requests."""

    def __init__(self, authority: trustme.CA | None = None) -> None:
        self.accounts: dict[str, Account] = {}
        self.tokens = {"good-token"}
        self.plan: deque[tuple[str, str | float | Refusal]] = deque()
        self.asked: list[str] = []
        self.page = 100
        self.at_once, self.most_at_once, self.seconds = 0, 0, 0.0
        self.refused: Counter[int] = Counter()
        self._numbers = 0
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"peer": self}))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.scheme, self.host = "http", "127.0.0.1"
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost").configure_cert(context)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.scheme, self.host = "https", "localhost"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def account(self, name: str = "support", *, ca_file: str = "", sent: str = "Sent") -> "GraphPostbox":
        """Return a new mailbox, with the folders that each has."""
        username = f"{unique(name)}@example.test"
        account = self.accounts[username] = Account()
        for use, shown in (
            ("inbox", "Inbox"),
            ("sentitems", sent),
            ("drafts", "Drafts"),
            ("deleteditems", "Trash"),
        ):
            account.uses[use] = self.make_folder(account, shown)
        return GraphPostbox(
            host=self.host,
            port=self.port,
            starttls_port=0,
            lmtp_port=0,
            ca_file=ca_file,
            username=username,
            password="good-token",
            address=username,
            server=self,
        )

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def make_folder(self, account: Account, name: str, parent: str = "") -> str:
        id_ = "AQMk" + hashlib.sha256(f"folder {self.number()}".encode()).hexdigest()[:24] + "=="
        account.folders[id_] = (name, parent)
        return id_

    # what happens in a mailbox, whoever does it

    def put(self, account: Account, folder: str, raw: bytes, **words: Any) -> Message:
        """Add a mail; the ids look as real ones do, with slashes."""
        with self.lock:
            digest = hashlib.sha256(f"mail {self.number()}".encode()).digest()
            id_ = "AAkALg/" + base64.b64encode(digest).decode()
            received = words.pop("received", None) or clock.now().replace(microsecond=0)
            message = account.messages[id_] = Message(id_, raw, folder, received, **words)
            account.log.append((folder, id_, ""))
            return message

    def change(self, account: Account, message: Message, what: str = "", **values: Any) -> None:
        with self.lock:
            for name, value in values.items():
                setattr(message, name, value)
            message.version += 1
            account.log.append((message.folder, message.id, what))

    def move(self, account: Account, message: Message, to: str) -> None:
        with self.lock:
            if message.folder == to:
                return
            account.log.append((message.folder, message.id, "removed"))
            message.folder = to
            message.version += 1
            account.messages[message.id] = account.messages.pop(message.id)
            account.log.append((to, message.id, ""))

    def delete(self, account: Account, message: Message) -> None:
        with self.lock:
            del account.messages[message.id]
            account.log.append((message.folder, message.id, "removed"))

    # HTTP

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of an answer."""
        url = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        if parts[:2] != ["v1.0", "users"] or len(parts) < 4:
            raise RefusedError(400, "BadRequest")
        account = self.accounts.get(parts[2])
        if account is None:
            raise RefusedError(404, "ErrorInvalidUser")
        with self.lock:
            request = _Request(self, account, parts[2], method, query, headers, body)
            return request.answer(parts[3:])

    def mood(self, method: str, path: str) -> str | float | Refusal | None:
        """Return the mood for this request, if one is planned."""
        with self.lock:
            self.asked.append(f"{method} {unquote(path)}")
            for planned in self.plan:
                if planned[0] in f"{method} {unquote(path)}":
                    self.plan.remove(planned)
                    return planned[1]
        return None


@dataclass
class _Request:
    """One request to one mailbox."""

    server: GraphServer
    account: Account
    user: str
    method: str
    query: dict[str, str]
    headers: Any
    body: bytes

    @property
    def immutable(self) -> bool:
        return 'IdType="ImmutableId"' in (self.headers.get("Prefer") or "")

    def answer(self, parts: list[str]) -> tuple[int, dict[str, str], bytes]:
        if self.method != "GET" and not self.account.may_write:
            raise RefusedError(403, "ErrorAccessDenied")
        if parts[0] == "mailFolders":
            return self.in_folders(parts[1:])
        match parts:
            case ["messages", id_]:
                return self.message(self.found(id_))
            case ["messages", id_, "$value"]:
                return 200, {"Content-Type": "text/plain"}, self.found(id_).raw
            case ["messages", id_, "move"]:
                message = self.found(id_)
                self.server.move(self.account, message, self.folder(self.said()["destinationId"]))
                return self.json(201, message.shown(immutable=self.immutable))
            case ["outlook", "masterCategories"]:
                return self.categories()
        raise RefusedError(400, "BadRequest")

    def in_folders(self, parts: list[str]) -> tuple[int, dict[str, str], bytes]:
        match parts:
            case []:
                return self.folders("")
            case [folder]:
                return self.json(200, self.folder_shown(self.folder(folder)))
            case [folder, "childFolders"]:
                return self.folders(self.folder(folder))
            case [folder, "messages"]:
                return self.messages(self.folder(folder))
            case [folder, "messages", "delta"]:
                return self.delta(self.folder(folder))
        raise RefusedError(400, "BadRequest")

    def json(self, status: int, value: object) -> tuple[int, dict[str, str], bytes]:
        return status, {"Content-Type": "application/json"}, json.dumps(value).encode()

    def said(self) -> dict[str, Any]:
        if self.headers.get("Content-Type") != "application/json":
            raise RefusedError(415, "RequestBodyRead")
        value: dict[str, Any] = json.loads(self.body)
        return value

    def folder(self, name: str) -> str:
        id_ = self.account.uses.get(name.casefold(), name)
        if id_ not in self.account.folders:
            raise RefusedError(404, "ErrorItemNotFound")
        return id_

    def found(self, id_: str) -> Message:
        plain, _, folder = id_.partition(".")
        message = self.account.messages.get(plain)
        if message is None or (folder and folder != message.folder):
            raise RefusedError(404, "ErrorItemNotFound")
        return message

    def folder_shown(self, id_: str) -> dict[str, Any]:
        name, _ = self.account.folders[id_]
        inside = [message for message in self.account.messages.values() if message.folder == id_]
        children = [other for other, (_, parent) in self.account.folders.items() if parent == id_]
        return {
            "id": id_,
            "displayName": name,
            "childFolderCount": len(children),
            "totalItemCount": len(inside),
        }

    def folders(self, parent: str) -> tuple[int, dict[str, str], bytes]:
        inside = [id_ for id_, (_, holder) in self.account.folders.items() if holder == parent]
        if self.method == "POST":
            name = self.said()["displayName"]
            if name.casefold() in {self.account.folders[id_][0].casefold() for id_ in inside}:
                raise RefusedError(409, "ErrorFolderExists")
            return self.json(201, self.folder_shown(self.server.make_folder(self.account, name, parent)))
        return self.paged([self.folder_shown(id_) for id_ in inside])

    def categories(self) -> tuple[int, dict[str, str], bytes]:
        if not self.account.may_colour:
            raise RefusedError(403, "ErrorAccessDenied")
        if self.method == "POST":
            said = self.said()
            if said["displayName"] in self.account.categories:
                raise RefusedError(409, "ErrorItemSave")
            self.account.categories[said["displayName"]] = said["color"]
            return self.json(201, said)
        return self.paged([{"displayName": name, "color": c} for name, c in self.account.categories.items()])

    def messages(self, folder: str) -> tuple[int, dict[str, str], bytes]:
        if self.method == "POST":
            if self.headers.get("Content-Type") != "text/plain":
                raise RefusedError(415, "RequestBodyRead")
            try:
                raw = base64.b64decode(self.body, validate=True)
            except ValueError:
                raise RefusedError(400, "ErrorMimeContentInvalidBase64String") from None
            made = self.server.put(self.account, folder, raw, draft=True, read=True)
            return self.json(201, made.shown(immutable=self.immutable))
        inside = [message for message in self.account.messages.values() if message.folder == folder]
        kept = [message for message in inside if self.meets(message)]
        return self.paged([message.shown(immutable=self.immutable) for message in kept])

    def meets(self, message: Message) -> bool:
        """Return whether a mail meets the filter."""
        question = self.query.get("$filter", "")
        return not question or all(self.meets_one(message, part) for part in _split(question))

    def meets_one(self, message: Message, part: str) -> bool:
        shown = message.shown()
        if found := re.fullmatch(r"receivedDateTime (ge|lt) (\S+)", part):
            is_later = shown["receivedDateTime"] >= found[2]
            return is_later if found[1] == "ge" else not is_later
        if found := re.fullmatch(r"internetMessageId eq '(.*)'", part):
            return message.message_id == found[1].replace("''", "'")
        if found := re.fullmatch(r"categories/any\(name:(.*)\)", part):
            names = re.findall(r"name eq '([^']*)'(?: or |$)", found[1])
            return bool(set(names) & set(message.categories))
        pattern = r"singleValueExtendedProperties/any\(p:p/id eq '([^']*)' and p/value (eq|ne) '(.*)'\)"
        if found := re.fullmatch(pattern, part):
            value = self.property_of(message, found[1])
            return value == found[3] if found[2] == "eq" else value not in {None, found[3]}
        raise RefusedError(400, "ErrorInvalidUrlQueryFilter")

    def property_of(self, message: Message, name: str) -> str | None:
        headers = message_from_bytes(message.raw)
        if name == "String 0x1042":
            value = headers["In-Reply-To"]
        elif name.startswith("String {00020386-0000-0000-C000-000000000046} " + _HIDDEN):
            value = headers[name.partition("Name ")[2]]
        else:
            raise RefusedError(400, "ErrorInvalidProperty")
        return None if value is None else str(value).strip()

    def paged(self, items: list[dict[str, Any]]) -> tuple[int, dict[str, str], bytes]:
        """Return one page of a list, and where the next one is."""
        size = min(int(self.query.get("$top", "10")), self.server.page)
        begin = int(self.query.get("$skip", "0"))
        page: dict[str, Any] = {"value": items[begin : begin + size]}
        if self.query.get("$count") == "true":
            page["@odata.count"] = len(items)
        if begin + size < len(items):
            page["@odata.nextLink"] = self.link({**self.query, "$skip": str(begin + size)})
        return self.json(200, page)

    def link(self, query: dict[str, str]) -> str:
        return f"{self.server.origin}{self.headers['X-Path']}?{urlencode(query, quote_via=quote)}"

    def message(self, message: Message) -> tuple[int, dict[str, str], bytes]:
        if self.method == "DELETE":
            trash = self.account.uses["deleteditems"]
            if message.folder == trash:
                self.server.delete(self.account, message)
            else:
                self.server.move(self.account, message, trash)
            return 204, {}, b""
        if self.method == "PATCH":
            self.patch(message)
        return self.json(200, message.shown(immutable=self.immutable))

    def patch(self, message: Message) -> None:
        etag = self.headers.get("If-Match")
        if etag not in {None, "*", message.shown()["@odata.etag"]}:
            raise RefusedError(412, "ErrorIrresolvableConflict")
        for name, value in self.said().items():
            match name:
                case "categories":
                    self.server.change(self.account, message, "categories", categories=list(value))
                case "isRead":
                    self.server.change(self.account, message, "isRead", read=bool(value))
                case "flag":
                    self.server.change(self.account, message, "", flagged=value["flagStatus"] == "flagged")
                case _:
                    raise RefusedError(400, "ErrorInvalidProperty")

    # delta

    def delta(self, folder: str) -> tuple[int, dict[str, str], bytes]:
        """Return a page of what changed: of the whole folder, or since a token.

        A token is a place in the log ("d17"), or one while pages are read ("s17.3": three items of the log's first 17).
        """
        size = self.server.page
        if found := re.search(r"odata\.maxpagesize=(\d+)", self.headers.get("Prefer") or ""):
            size = min(size, int(found[1]))
        else:
            size = min(size, 10)
        token = self.query.get("$deltatoken") or self.query.get("$skiptoken") or ""
        kind, begin, until, done = self.token(token)
        if kind and (begin if kind == "d" else until) < self.account.oldest:
            raise RefusedError(410, "SyncStateNotFound")
        items = self.changed(folder, begin, until) if kind == "d" else self.all_of(folder, until)
        page: dict[str, Any] = {"value": items[done : done + size]}
        if done + size < len(items):
            page["@odata.nextLink"] = self.link(
                {"$skiptoken": f"{kind or 's'}.{begin}.{until}.{done + size}"}
            )
        else:
            page["@odata.deltaLink"] = self.link({"$deltatoken": f"d.{until}"})
        return self.json(200, page)

    def token(self, token: str) -> tuple[str, int, int, int]:
        kind, *numbers = token.split(".")
        end = len(self.account.log)
        match [int(number) for number in numbers]:
            case []:
                return "", 0, end, 0
            case [begin]:
                return kind, begin, end, 0
            case [begin, until, done]:
                return kind, begin, until, done
        raise RefusedError(400, "BadRequest")

    def all_of(self, folder: str, _until: int) -> list[dict[str, Any]]:
        inside = [message for message in self.account.messages.values() if message.folder == folder]
        return [message.shown(immutable=self.immutable) for message in inside]

    def changed(self, folder: str, begin: int, until: int) -> list[dict[str, Any]]:
        """Return each mail that has changed, once; one that was only read comes with that alone."""
        found: dict[str, set[str]] = {}
        for place, id_, what in self.account.log[begin:until]:
            if place == folder:
                found.setdefault(id_, set()).add(what)
        items: list[dict[str, Any]] = []
        for id_, changes in found.items():
            message = self.account.messages.get(id_)
            if message is None or message.folder != folder:
                if "removed" in changes:
                    items.append({"id": id_, "@removed": {"reason": "deleted"}})
                continue
            shown = message.shown(immutable=self.immutable)
            items.append({"id": shown["id"], "isRead": message.read} if changes == {"isRead"} else shown)
        return items


def _split(question: str) -> Iterator[str]:
    """Yield the parts of a filter between "and"; not within parentheses."""
    depth, part = 0, ""
    for word in question.split(" "):
        if word == "and" and not depth:
            yield part.strip()
            part = ""
            continue
        depth += word.count("(") - word.count(")")
        part += word + " "
    yield part.strip()


class _Handler(BaseHTTPRequestHandler):
    """Answers requests for `peer`, in the moods that are planned."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = (
        True  # else each answer takes 40 ms: its body waits for the header's acknowledgement
    )
    wbufsize = -1
    peer: GraphServer

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time of a header line: now, as its test has it."""
        return super().date_time_string(clock.now().timestamp() if timestamp is None else timestamp)

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mood = self.peer.mood(self.command, self.path)
        with _place(self.peer) as is_free:
            if not is_free:
                self._refuse(429, "MailboxConcurrency", {"Retry-After": "0"})
            else:
                self._in_mood(mood, body)

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815  the names that the library calls

    def _in_mood(self, mood: str | float | Refusal | None, body: bytes) -> None:
        if isinstance(mood, tuple):
            self._refuse(*mood)
        elif mood == DROP_BEFORE:
            self._hang_up()
        else:
            _rest(mood if isinstance(mood, int | float) else self.peer.seconds)
            self._do(body, drop=mood == DROP)

    def _do(self, body: bytes, *, drop: bool) -> None:
        bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if bearer not in self.peer.tokens:
            self._refuse(401, "InvalidAuthenticationToken", {"WWW-Authenticate": "Bearer"})
            return
        self.headers["X-Path"] = urlsplit(self.path).path
        try:
            answer = self.peer.answer(self.command, self.path, self.headers, body)
        except RefusedError as error:
            self._refuse(error.status, error.code, {})
            return
        if drop:
            self._hang_up()
        else:
            self._say(*answer)

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(2)

    def _refuse(self, status: int, code: str, headers: dict[str, str]) -> None:
        self.peer.refused[status] += 1
        error = {"error": {"code": code, "message": f"this is {code}"}}
        self._say(status, {"Content-Type": "application/json", **headers}, json.dumps(error).encode())

    def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _rest(seconds: float) -> None:
    if seconds:
        threading.Event().wait(seconds)


@contextlib.contextmanager
def _place(peer: GraphServer) -> Iterator[bool]:
    """Count a request; whether the application has no more at once than it may."""
    with peer.lock:
        peer.at_once += 1
        peer.most_at_once = max(peer.most_at_once, peer.at_once)
        is_free = peer.at_once <= AT_ONCE
    try:
        yield is_free
    finally:
        with peer.lock:
            peer.at_once -= 1


# --- the hand of an agent or a customer ---


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPostbox(Postbox):
    """A mailbox of the Graph server, and what people do there with Outlook."""

    server: GraphServer

    @property
    def _account(self) -> Account:
        return self.server.accounts[self.username]

    def folder_id(self, name: str) -> str:
        if name.upper() == "INBOX":
            return self._account.uses["inbox"]
        parent = ""
        for part in name.split("/"):
            here = [
                id_
                for id_, (shown, above) in self._account.folders.items()
                if (shown, above) == (part, parent)
            ]
            parent = here[0]
        return parent

    def inside(self, folder: str = "INBOX") -> list[Message]:
        id_ = self.folder_id(folder)
        found = [message for message in self._account.messages.values() if message.folder == id_]
        return sorted(found, key=lambda message: message.received)

    def message(self, uid: int, folder: str = "INBOX") -> Message:
        return next(message for message in self.inside(folder) if uid_of(message.shown()) == uid)

    def append(self, raw: bytes, folder: str = "INBOX", flags: Iterable[str] = ()) -> None:
        self.put(raw, folder, flags)

    def put(self, raw: bytes, folder: str, flags: Iterable[str], received: datetime | None = None) -> None:
        flags = list(flags)
        self.server.put(
            self._account,
            self.folder_id(folder),
            raw,
            received=received,
            categories=[flag for flag in flags if not flag.startswith("\\")],
            read="\\Seen" in flags,
            flagged="\\Flagged" in flags,
        )

    def deliver(self, raw: bytes, sender: str = "customer@customers.test") -> None:
        self.append(f"Return-Path: <{sender}>\r\n".encode() + raw)

    def mark(self, uid: int, *keywords: str, folder: str = "INBOX") -> None:
        message = self.message(uid, folder)
        fresh = [word for word in keywords if not word.startswith("\\") and word not in message.categories]
        if fresh:
            self.server.change(self._account, message, "categories", categories=[*message.categories, *fresh])
        if "\\Seen" in keywords:
            self.server.change(self._account, message, "isRead", read=True)
        if "\\Flagged" in keywords:
            self.server.change(self._account, message, "", flagged=True)

    def unmark(self, uid: int, *keywords: str, folder: str = "INBOX") -> None:
        message, gone = self.message(uid, folder), {word.casefold() for word in keywords}
        left = [name for name in message.categories if name.casefold() not in gone]
        self.server.change(self._account, message, "categories", categories=left)

    def flags(self, uid: int, folder: str = "INBOX") -> frozenset[str]:
        message = self.message(uid, folder)
        system = {"\\Seen": message.read, "\\Flagged": message.flagged, "\\Draft": message.draft}
        return frozenset([*message.categories, *(flag for flag, is_set in system.items() if is_set)])

    def uids(self, folder: str = "INBOX") -> list[int]:
        return [uid_of(message.shown()) for message in self.inside(folder)]

    def raw(self, uid: int, folder: str = "INBOX") -> bytes:
        return self.message(uid, folder).raw

    def moved(self, uid: int, to: str, folder: str = "INBOX") -> None:
        self.server.move(self._account, self.message(uid, folder), self.folder_id(to))

    def rename(self, folder: str, to: str) -> None:
        id_ = self.folder_id(folder)
        self._account.folders[id_] = (to, self._account.folders[id_][1])

    def expire(self) -> None:
        """Let every link expire that was given until now, as the service does after a while."""
        account = self._account
        account.log.append(("", "", ""))
        account.oldest = len(account.log)

    def copy_of(self, **changes: Any) -> "GraphPostbox":
        return replace(self, **changes)

    @contextlib.contextmanager
    def client(self) -> Iterator[Any]:
        """Give what the contracts of the IMAP door do with a plain IMAP client."""
        yield _Client(self)


class _Client:
    """The few methods of imapclient that the contracts use, on a mailbox of the Graph server."""

    def __init__(self, postbox: GraphPostbox) -> None:
        self._postbox, self._account = postbox, postbox.server.accounts[postbox.username]
        self._folder, self._deleted = "INBOX", list[int]()

    def append(self, folder: str, raw: bytes, flags: Iterable[str] = (), at: datetime | None = None) -> None:
        self._postbox.put(raw, folder, flags, at)

    def create_folder(self, folder: str) -> None:
        parent, _, name = folder.rpartition("/")
        above = self._postbox.folder_id(parent) if parent else ""
        self._postbox.server.make_folder(self._account, name, above)

    def rename_folder(self, folder: str, to: str) -> None:
        self._postbox.rename(folder, to)

    def delete_folder(self, folder: str) -> None:
        id_ = self._postbox.folder_id(folder)
        for message in self._postbox.inside(folder):
            self._postbox.server.delete(self._account, message)
        del self._account.folders[id_]

    def select_folder(self, folder: str, readonly: bool = False) -> None:
        self._folder = folder

    def search(self, _criteria: str = "ALL") -> list[int]:
        return self._postbox.uids(self._folder)

    def copy(self, uids: list[int], to: str) -> None:
        for uid in uids:
            self._postbox.moved(uid, to, self._folder)

    def delete_messages(self, uids: list[int]) -> None:
        self._deleted = list(uids)

    def expunge(self) -> None:
        for uid in self._deleted:
            with contextlib.suppress(StopIteration):  # it was moved
                self._postbox.server.delete(self._account, self._postbox.message(uid, self._folder))

    def has_capability(self, name: str) -> bool:
        return name == "CONDSTORE"
