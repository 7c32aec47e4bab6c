"""Read what our own mail servers say of a mail's sender: Authentication-Results (RFC 8601)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from followupd.domain.mail import Identity
from followupd.text.mail.headers import (
    MAX_ADDRESS_FIELD,
    MAX_FIELDS,
    Headers,
    normalised_address,
    parse_addresses,
)

#: characters of a field that are read; a longer one proves nothing
MAX_RESULTS = 8_000
SEVERAL_SENDERS = "it names several senders"
FAILED = "its sender is forged, says our mail server (DMARC)"

#: fields whose order tells which of them our own servers have added
_RESULTS, _RECEIVED = "authentication-results", "received"
#: a quoted string, a comment's bracket, an escaped character, a separator, white space, or other text
_TOKEN = re.compile(r'"(?:[^"\\]|\\.){0,2000}"|\\.|[();=]|\s+|[^\s();="\\]+|.', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
#: the server that wrote a Received field (RFC 5321, section 4.4)
_RECEIVED_BY = re.compile(r"(?:^|\s)by\s+([^\s;()]+)", re.IGNORECASE)
#: a quoted local part, in which an @ separates nothing
_QUOTED_LOCAL_PART = re.compile(r'"(?:[^"\\]|\\.){0,64}"@', re.DOTALL)
_ANGLE = re.compile(r"<[^<>@]{0,400}@[^<>]{0,400}>")
#: a server's name as servers write theirs, and the only version that there is. A field whose name is written otherwise
#: (in quotation marks, after a comment, with a dot at its end) may be a forged one that ours has not removed
_PLAIN_SERVER = re.compile(r"\s*[^\s;()\"\\=]*[^\s;()\"\\=.](?:\s+1)?\s*(?:\([^()\\]{0,200}\)\s*)?(?:;|$)")
#: what belongs to the words at both of its sides
_JOINING = ("=", "/", ".")


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One result, such as "dmarc=pass header.from=example.org"; names and values are in lower case."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...] = ()

    def values(self, name: str) -> set[str]:
        """Return each value of a property, such as "header.from"."""
        return {value for key, value in self.properties if key == name}


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """One field: who wrote it, and what it says.

    `malformed` when a part of it could not be read, `is_odd` when the server's name is not written as servers do.
    """

    authserv_id: str
    results: tuple[MethodResult, ...] = ()
    malformed: bool = False
    is_odd: bool = False


def forged(headers: Headers, identity: Identity) -> str:
    """Return why the sender of a mail is not believed, "" if it is.

    A failed check anywhere is a failed check, whatever the other fields say.

    Args:
        headers: the headers of the mail.
        identity: which servers' results are trusted.
    """
    if any(each.result == "fail" for each in _results_of(headers, identity, "dmarc")):
        return FAILED
    return SEVERAL_SENDERS if has_several_senders(headers) else ""


def unproven(headers: Headers, identity: Identity) -> str:
    """Return why a mail gives no orders although nothing speaks against its sender, "" if it may.

    Where servers are trusted, they must say that the one address in From is true: by DMARC for its domain, or
    by the login of that very address. Where none are trusted, nothing can be proven. A header with a line that is
    no field proves nothing: for our server the text may begin there, so that it has neither checked a From nor
    removed a forged result below it.

    Args:
        headers: the headers of the mail.
        identity: which servers' results are trusted.
    """
    if not identity.authserv:
        return ""

    address = _author(headers)
    _, _, domain = address.rpartition("@")
    expected = f"dmarc=pass with header.from={domain or 'its domain'}"
    missing = f"our mail server does not confirm its sender ({expected} in Authentication-Results)"
    fields = trusted_fields(headers, identity)
    # a failed check may be among those that are not read
    is_whole = headers.is_regular and len(headers.values(_RESULTS)) < MAX_FIELDS
    if not address or not is_whole or any(field.malformed or field.is_odd for field in fields):
        return missing

    results = [result for field in fields for result in field.results]
    return "" if _is_confirmed(results, address) else missing


def _is_confirmed(results: Sequence[MethodResult], address: str) -> bool:
    """Whether the results of our servers confirm that a mail is from an address.

    Args:
        results: of servers that are trusted. Where there is one of DMARC, a login does not count.
        address: the only one in From.
    """
    domain = address.rpartition("@")[2]
    checks = [each for each in results if each.method == "dmarc"]
    if checks:
        return all(check.result == "pass" and _is_about(check, domain) for check in checks)

    logins = [each for each in results if (each.method, each.result) == ("auth", "pass")]
    return any(login.values("smtp.auth") == {address} for login in logins)


def proven(headers: Headers, identity: Identity) -> bool:
    """Return whether a server that is trusted confirms the sender of a mail, and nothing speaks against it.

    Args:
        headers: the headers of the mail.
        identity: which servers' results are trusted.
    """
    return bool(identity.authserv) and not (forged(headers, identity) or unproven(headers, identity))


def has_several_senders(headers: Headers) -> bool:
    """Whether there is more than one From, or several mailboxes in it (RFC 5322, section 3.6.2).

    DMARC checks only one of them, and nobody knows which one a mail program shows.

    Args:
        headers: the headers of the mail.
    """
    fields = headers.values("from")
    if len(fields) != 1:
        return len(fields) > 1

    field = fields[0]
    if len(field) > MAX_ADDRESS_FIELD:  # a second one may be where nobody reads
        return True
    angles = _ANGLE.findall(field)
    bare = _QUOTED_LOCAL_PART.sub("@", field)
    is_ambiguous = len(angles) > 1 or (not angles and bare.count("@") > 1)
    return is_ambiguous or len(parse_addresses(field, headers.charset)) > 1


def _author(headers: Headers) -> str:
    """Return the address in From in lower case, "" unless there is exactly one."""
    if has_several_senders(headers):
        return ""
    mailboxes = parse_addresses(headers.first("from"), headers.charset)
    return normalised_address(mailboxes[0].raw).lower() if mailboxes else ""


def _is_about(check: MethodResult, domain: str) -> bool:
    """Whether a check names this domain, and no other; some servers write the address."""
    named = {value.rpartition("@")[2].strip(".") for value in check.values("header.from")}
    return named == {domain}


def _results_of(headers: Headers, identity: Identity, method: str) -> list[MethodResult]:
    """Return the results of one method in all fields that count.

    Args:
        headers: the headers of the mail, from which only fields of trusted servers are read.
        identity: which servers are trusted.
        method: as the header names it: "dmarc".
    """
    fields = trusted_fields(headers, identity)
    return [result for field in fields for result in field.results if result.method == method]


def trusted_fields(headers: Headers, identity: Identity) -> list[AuthenticationResults]:
    """Return the fields that our own servers wrote: those above the first Received of a foreign one.

    What is below it may have come with the mail (RFC 8601, section 5). Servers behind ours, which are at the
    very top, have names that nobody tells us; so a Received is foreign once a field of ours was above it.

    Args:
        headers: the headers of the mail.
        identity: which servers' results are trusted; the hosts of our own domains are ours, too.
    """
    if not identity.authserv:
        return []

    found: list[AuthenticationResults] = []
    ours_seen = False
    for name, value in headers.in_order(_RESULTS, _RECEIVED):
        if name == _RECEIVED:
            is_ours = _is_by_us(value, identity)
            if ours_seen and not is_ours:
                break
            ours_seen |= is_ours
            continue

        field = parse_results(value)
        if field.authserv_id in identity.authserv:
            found.append(field)
            ours_seen = True
    return found


def _is_by_us(received: str, identity: Identity) -> bool:
    """Whether a server of ours wrote a Received field, by its name.

    Args:
        received: the field.
        identity: names of our servers, and our addresses.
    """
    written = _RECEIVED_BY.search(received)
    host = written[1].lower().strip(".") if written else ""
    domains = {address.rpartition("@")[2] for address in identity.addresses} | identity.authserv
    return host == "localhost" or any(host == domain or host.endswith(f".{domain}") for domain in domains)


@lru_cache(maxsize=16)  # several rules ask for the same few fields
def parse_results(value: str) -> AuthenticationResults:
    """Read one field by the grammar of RFC 8601, section 2.2; never fails.

    Args:
        value: the value of the field, unfolded.
    """
    sections, is_complete = _sections(value[:MAX_RESULTS])
    is_complete &= len(value) <= MAX_RESULTS
    server = _words(sections[0])
    authserv_id = _text(server[0]).strip(".") if server else ""
    read = [(section, _method_result(section)) for section in sections[1:]]
    results = tuple(result for _, result in read if result is not None)
    unread = "".join(_text(section) for section, result in read if result is None)
    is_odd = _PLAIN_SERVER.match(value) is None
    return AuthenticationResults(authserv_id, results, not is_complete or "dmarc" in unread, is_odd)


#: a token of a field: what it is ("text", "=" or " "), and its text without quotation marks
_Token = tuple[str, str]
_BLANK: _Token = (" ", "")


def _sections(value: str) -> tuple[list[list[_Token]], bool]:
    """Split a field at its semicolons, outside of quoted strings and comments.

    A comment separates words, as a blank does; comments may be nested (RFC 5322, section 3.2.2).

    Returns:
        The tokens of each section, and whether every quoted string and comment ended.
    """
    sections: list[list[_Token]] = [[]]
    depth, is_complete = 0, True
    for piece in _TOKEN.findall(value):
        if piece in {"(", ")"}:
            depth += 1 if piece == "(" else -1
            is_complete &= depth >= 0
            depth = max(depth, 0)
            sections[-1].append(_BLANK)
        elif depth:
            continue
        elif piece == ";":
            sections.append([])
        else:
            is_complete &= piece != '"'
            sections[-1].append(_token(piece))
    return sections, is_complete and depth == 0


def _token(text: str) -> _Token:
    """Return what a token outside of comments is."""
    if text.isspace():
        return _BLANK
    if text == "=":
        return "=", text
    if text.startswith('"') and len(text) > 1:
        return "text", _QUOTED_PAIR.sub(r"\1", text[1:-1]).lower()
    return "text", text.lower()


def _text(tokens: Sequence[_Token]) -> str:
    """Return the text of some tokens."""
    return "".join(text for _, text in tokens)


def _words(section: Sequence[_Token]) -> list[list[_Token]]:
    """Return the words of a section, which blanks separate.

    A blank around an equals sign, the slash of a version or the dot of a property separates nothing.
    """
    words: list[list[_Token]] = [[]]
    is_open = False
    for token in section:
        begins_word = bool(words[-1]) and is_open
        if token == _BLANK:
            is_open = True
            continue
        joins = token[1].startswith(_JOINING) or (begins_word and words[-1][-1][1].endswith(_JOINING))
        if begins_word and not joins:
            words.append([])
        words[-1].append(token)
        is_open = False
    return list(filter(None, words))


def _method_result(section: Sequence[_Token]) -> MethodResult | None:
    """Return the result that a section tells, None when it is none: "dmarc/1 = pass header.from=example.org".

    A quoted value is text, whatever it contains: only an equals sign outside of it separates name and value.
    """
    pairs = list(map(_pair, _words(section)))
    if not pairs or not all(pairs[0]):
        return None

    (method, result), *properties = pairs
    return MethodResult(method.partition("/")[0], result, tuple(properties))


def _pair(word: Sequence[_Token]) -> tuple[str, str]:
    """Return name and value of a word; the value of a word without an equals sign is ""."""
    kinds = [kind for kind, _ in word]
    end = kinds.index("=") if "=" in kinds else len(word)
    return _text(word[:end]), _text(word[end + 1 :])
