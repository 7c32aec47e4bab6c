"""What every connection to a server shares, and what DNS says of a mail domain: its servers, SPF and DMARC.

Loopback, trusted certificates, errors explained in plain English; autoconfiguration (RFC 6186, Thunderbird's files).
"""

import contextlib
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml import etree


class Allowance:
    """What a server may send, and how long it may take, in answer to one command.

    A socket's timeout only limits the wait for the next bytes: a server that never stops sending would hold a thread
    for ever, or fill the memory.
    """

    def __init__(self, most: int, seconds: float) -> None:
        """Begin with the first command.

        Args:
            most: bytes of an answer.
            seconds: from the command to the end of the answer.
        """
        self.most, self.seconds = most, seconds
        self.begin()

    def begin(self) -> None:
        """Begin with the next command."""
        self._left = self.most
        self._end = monotonic() + self.seconds

    def spend(self, size: int) -> None:
        """Count bytes that were received.

        Raises:
            ConnectionAbortedError: they are too many, or too late.
        """
        self._left -= size
        if self._left < 0:
            raise ConnectionAbortedError(
                f"the server has sent more than {self.most} bytes in answer to one command"
            )
        if monotonic() > self._end:
            raise ConnectionAbortedError(
                f"the server has not ended its answer within {self.seconds:g} seconds"
            )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, to which a connection without TLS is allowed."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def trusting(ca_file: str) -> ssl.SSLContext:
    """Return a TLS context that verifies the certificate and its name.

    Args:
        ca_file: the only CAs to trust, in PEM; "" for the system's.

    Raises:
        OSError: the file does not exist, or contains no certificates.
    """
    changed = Path(ca_file).stat().st_mtime if ca_file else 0.0
    return _shared_context(ca_file, changed)


@lru_cache(maxsize=8)
def _shared_context(ca_file: str, _changed: float) -> ssl.SSLContext:
    """Return one context for all connections: loading the system's certificates takes 0.8 MB each time."""
    return ssl.create_default_context(cafile=ca_file or None)


def why(error: OSError, host: str, port: int) -> str:
    """Return a sentence that explains an error.

    Args:
        error: raised while connecting, or by the connection.
        host: the server's name.
        port: its port.
    """
    place = f"{host}:{port}"
    match error:
        case ssl.SSLCertVerificationError():
            problem = f"the certificate of {place} is not trusted: {error.verify_message}"
            return f"{problem} (set ca_file for your own CA)"
        case ssl.SSLError():
            return f"TLS with {place} failed: {error.reason or error}"
        case socket.gaierror():
            return f"the name {host} is not known"
        case ConnectionRefusedError():
            return f"nothing listens at {place}"
        case TimeoutError():
            return f"{place} did not answer in time"
        case _:
            return f"the connection to {place} ended: {error}"


# --- HTTP -----------------------------------------------------------------------------------------------------


def http_session(ca_file: str, most: int, seconds: float) -> Any:
    """Return a session of HTTP of `requests`, none of whose requests takes more time or memory than is allowed.

    Args:
        ca_file: the only authorities to trust, "" for the system's.
        most: bytes of an answer, once it is unpacked.
        seconds: from a request to the end of its answer. A timeout of `requests` limits the wait for each byte only.
    """
    import requests  # an extra

    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _ending_adapter(most, seconds))
    if ca_file:
        session.verify = ca_file
        session.trust_env = False  # else REQUESTS_CA_BUNDLE would take precedence
    return session


class _Counted:
    """The body of an answer, of which each piece is counted."""

    def __init__(self, raw: Any, allowance: Allowance) -> None:
        self._raw, self._allowance = raw, allowance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *words: Any, **options: Any) -> Iterator[bytes]:
        """Yield the pieces of the body, unpacked.

        Raises:
            ConnectionAbortedError: they are too many, or come too late.
        """
        with self._raw as raw:
            for piece in raw.stream(*words, **options):
                self._allowance.spend(len(piece))
                yield piece
        self._allowance.spend(0)  # a connection that was shut down looks like the end of the answer


def _ending_adapter(most: int, seconds: float) -> Any:
    """Return what connects a session, and ends each of its requests in time."""
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *words: Any, **options: Any) -> None:
            super().init_poolmanager(*words, **options)
            pools = self.poolmanager.pool_classes_by_scheme
            watched = {scheme: _watched(pool, seconds) for scheme, pool in pools.items()}
            self.poolmanager.pool_classes_by_scheme = watched

        def send(self, *words: Any, **options: Any) -> Any:
            allowance = Allowance(most, seconds)
            response = super().send(*words, **options)
            response.raw = _Counted(response.raw, allowance)
            return response

    return Adapter()


def _watched(pool: Any, seconds: float) -> Any:
    """Return a class of pools whose connections are shut down when a request has not ended in time.

    Args:
        pool: the class of the pools of urllib3, for HTTP with or without TLS.
        seconds: from a request to the end of its answer.
    """

    class Connection(pool.ConnectionCls):  # type: ignore[misc]  # a class that is known only now
        end: threading.Timer | None = None

        def request(self, *words: Any, **options: Any) -> None:
            self.unwatch()
            if self.sock is None:
                self.connect()
            self.end = threading.Timer(seconds, shut_down, (self.sock,))
            self.end.daemon = True
            self.end.start()
            super().request(*words, **options)

        def close(self) -> None:
            self.unwatch()
            super().close()

        def unwatch(self) -> None:
            if self.end:
                self.end.cancel()

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def shut_down(connection: socket.socket) -> None:
    """End a connection from another thread; it may have been closed just now."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


# --- which servers an address has ---------------------------------------------------------------------------

#: bytes of an autoconfiguration, and seconds to wait for it
_MOST_XML, _FIND_SECONDS = 100_000, 5.0
_SRV, _MX, _TXT = 33, 15, 16
#: the services of RFC 6186 and RFC 8314, encrypted ones first
_IMAP_SERVICES = (("_imaps", "tls"), ("_imap", "starttls"))
_SMTP_SERVICES = (("_submissions", "tls"), ("_submission", "starttls"))
#: where a provider's own customers, or those whose MX is there, find their servers: IMAP (993), SMTP, its port
_PROVIDERS = {
    "gmail.com": ("imap.gmail.com", "smtp.gmail.com", 465),
    "googlemail.com": ("imap.gmail.com", "smtp.gmail.com", 465),
    "google.com": ("imap.gmail.com", "smtp.gmail.com", 465),
    "outlook.com": ("outlook.office365.com", "smtp.office365.com", 587),
    "hotmail.com": ("outlook.office365.com", "smtp.office365.com", 587),
    "messagingengine.com": ("imap.fastmail.com", "smtp.fastmail.com", 465),
    "fastmail.com": ("imap.fastmail.com", "smtp.fastmail.com", 465),
    "mailbox.org": ("imap.mailbox.org", "smtp.mailbox.org", 465),
    "posteo.de": ("posteo.de", "posteo.de", 465),
    "gmx.net": ("imap.gmx.net", "mail.gmx.net", 465),
    "web.de": ("imap.web.de", "smtp.web.de", 587),
    "kundenserver.de": ("imap.ionos.de", "smtp.ionos.de", 465),
    "ovh.net": ("ssl0.ovh.net", "ssl0.ovh.net", 465),
    "gandi.net": ("mail.gandi.net", "mail.gandi.net", 465),
    "zoho.eu": ("imappro.zoho.eu", "smtppro.zoho.eu", 465),
    "zoho.com": ("imappro.zoho.com", "smtppro.zoho.com", 465),
    "icloud.com": ("imap.mail.me.com", "smtp.mail.me.com", 587),
    "yahoo.com": ("imap.mail.yahoo.com", "smtp.mail.yahoo.com", 465),
}


@dataclass(frozen=True, slots=True)
class MailServer:
    """One server of an address, and how to connect to it."""

    host: str
    port: int
    security: str
    username: str


@dataclass(frozen=True, slots=True)
class MailServers:
    """The servers of an address, and who said so."""

    imap: MailServer
    smtp: MailServer
    source: str


#: returns the text at an address of the web, "" if there is none
Fetch = Callable[[str], bytes]
#: returns the records of a name, each as (priority, port, host); the port of an MX record is 0
Resolve = Callable[[str, int], list[tuple[int, int, str]]]


def find_servers(
    address: str, fetch: Fetch | None = None, resolve: Resolve | None = None
) -> MailServers | None:
    """Find the servers of an address: by its domain's own autoconfiguration, by DNS, or by a known provider.

    Only encrypted servers are taken, and only an encrypted page is believed: the password is sent to what it names.

    Args:
        address: the mailbox's.
        fetch: how pages are fetched.
        resolve: how names are looked up.
    """
    fetch, resolve = fetch or fetch_page, resolve or query_dns
    _, _, domain = address.lower().rpartition("@")
    pages = (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    )
    for page in pages:
        if found := _read_autoconfig(fetch(page), address, page.partition("?")[0]):
            return found
    return _by_srv(domain, address, resolve) or _by_provider(domain, address, resolve)


def fetch_page(url: str) -> bytes:
    """Return a page of at most 100 kB, b"" if there is none."""
    from urllib.request import Request, urlopen

    request = Request(url, headers={"User-Agent": "followupd"})  # noqa: S310  https, as all callers write it
    try:
        with urlopen(request, timeout=_FIND_SECONDS) as answer:  # noqa: S310  as above
            page: bytes = answer.read(_MOST_XML)
            return page if answer.url.startswith("https://") else b""
    except (OSError, ValueError):
        return b""


def _read_autoconfig(page: bytes, address: str, source: str) -> MailServers | None:
    """Return the servers that an autoconfiguration in XML names, None if it names none that can be used.

    Args:
        page: as the web server sent it; one that is no XML names none. Nothing that it refers to is read.
        address: that of the mailbox.
        source: where the page comes from, for the admin.
    """
    from lxml import etree  # 3 MB, which only `init` needs

    try:
        tree = etree.fromstring(page, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return None

    incoming = [node for node in tree.iter("incomingServer") if node.get("type") == "imap"]
    imap = next(_usable(incoming, address), None)
    smtp = next(_usable(list(tree.iter("outgoingServer")), address), None)
    return MailServers(imap, smtp, source) if imap and smtp else None


def _usable(nodes: "list[etree._Element]", address: str) -> Iterator[MailServer]:
    """Yield the encrypted servers of an autoconfiguration, in its order.

    Args:
        nodes: the elements of incoming or outgoing servers.
        address: replaces the marks in host and user names, in whole or in part.
    """
    local, _, domain = address.partition("@")
    marks = {"%EMAILADDRESS%": address, "%EMAILLOCALPART%": local, "%EMAILDOMAIN%": domain}
    for node in nodes:
        values = {
            key: (node.findtext(key) or "").strip() for key in ("hostname", "port", "username", "socketType")
        }
        security = {"SSL": "tls", "STARTTLS": "starttls"}.get(values["socketType"])
        if not security or not values["hostname"] or not values["port"].isdigit():
            continue

        username = values["username"] or "%EMAILADDRESS%"
        for mark, value in marks.items():
            username = username.replace(mark, value)

        host = values["hostname"].replace("%EMAILDOMAIN%", domain)
        yield MailServer(host, int(values["port"]), security, username)


def _by_srv(domain: str, address: str, resolve: Resolve) -> MailServers | None:
    """Return the servers that SRV records name (RFC 6186), None unless both IMAP and SMTP are named.

    Args:
        domain: that of the address.
        address: that of the mailbox, which is the user name.
        resolve: asks DNS.
    """
    imap = _first_service(_IMAP_SERVICES, domain, address, resolve)
    smtp = _first_service(_SMTP_SERVICES, domain, address, resolve) if imap else None
    return MailServers(imap, smtp, f"the SRV records of {domain}") if imap and smtp else None


def _first_service(
    services: tuple[tuple[str, str], ...], domain: str, address: str, resolve: Resolve
) -> MailServer | None:
    """Return the server of the first service that a domain has; the host "." means that it has none."""
    for name, security in services:
        for _, port, host in sorted(resolve(f"{name}._tcp.{domain}", _SRV)):
            if host:
                return MailServer(host, port, security, address)
    return None


def _by_provider(domain: str, address: str, resolve: Resolve) -> MailServers | None:
    """Return the servers of a known provider, whose domain it is or where its mail goes (MX).

    Args:
        domain: that of the address.
        address: that of the mailbox, which is the user name.
        resolve: asks DNS for the hosts that take the domain's mail; the preferred one counts first.
    """
    hosts = [domain, *(host for _, _, host in sorted(resolve(domain, _MX)))]
    for host in hosts:
        for name, (imap, smtp, port) in _PROVIDERS.items():
            if f".{host}".endswith(f".{name}"):
                security = "tls" if port == 465 else "starttls"
                return MailServers(
                    MailServer(imap, 993, "tls", address), MailServer(smtp, port, security, address), name
                )
    return None


def query_dns(name: str, kind: int, server: tuple[str, int] | None = None) -> list[tuple[int, int, str]]:
    """Return the SRV or MX records of a name, [] if there are none or the server does not answer.

    Args:
        name: the domain name.
        kind: the type of the records: 33 for SRV, 15 for MX.
        server: address and port of the DNS server, by default those of this machine.
    """
    found = _answers(name, kind, server) or []
    if kind == _SRV:
        return [(row.priority, row.port, _host(row.target)) for row in found]
    return [(row.preference, 0, _host(row.exchange)) for row in found]


def query_texts(name: str, server: tuple[str, int] | None = None) -> list[str] | None:
    """Return the texts (TXT) of a name, each joined from its pieces; None if no name server answers.

    Args:
        name: the domain name.
        server: address and port of the DNS server, by default those of this machine.
    """
    found = _answers(name, _TXT, server)
    return None if found is None else [b"".join(row.strings).decode("utf-8", "replace") for row in found]


def _answers(name: str, kind: int, server: tuple[str, int] | None) -> list[Any] | None:
    """Return the records of a name, [] if it has none of this kind; None if no server answers."""
    import dns.exception
    import dns.rdatatype
    import dns.resolver

    try:
        resolver = dns.resolver.Resolver(configure=server is None)
        if server:
            resolver.nameservers, resolver.port = [server[0]], server[1]
        resolver.lifetime = _FIND_SECONDS
        return list(resolver.resolve(name, dns.rdatatype.RdataType(kind), search=False))
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError, ValueError):
        return None


def _host(name: Any) -> str:
    """Return a name of DNS as people write it; "" for the root, which stands for no host."""
    return str(name).rstrip(".").lower()


# --- whether a sender's domain is set up for delivery (SPF, DMARC), and refusals that speak of it ---------------

#: returns the texts (TXT) of a name, None if no name server answers
Texts = Callable[[str], list[str] | None]

#: domains that exist for tests and documentation, and in no DNS (RFC 2606, RFC 6761)
_FOR_TESTS = re.compile(r"(.*\.)?(test|example|invalid|localhost|example\.(com|net|org))", re.IGNORECASE)
#: servers for sending, and the name by which SPF allows them
_SPF_OF = {
    "office365.com": "spf.protection.outlook.com",
    "gmail.com": "_spf.google.com",
    "google.com": "_spf.google.com",
}
#: what receivers answer to mail without SPF, DKIM and DMARC, and what an admin can do
_ANSWERS = {
    "5.7.515": "Outlook.com wants SPF, DKIM and DMARC of the sender's domain, all three passed",
    "5.7.26": "Gmail could not authenticate the sender: SPF or DKIM of the domain must pass, and fit its DMARC",
}
_WHAT_TO_DO = "`followupd check --online` says what is missing"


def reply_explained(reply: str) -> str:
    """Return what a server's refusal has to do with the sender's domain, "" if nothing that is known.

    Args:
        reply: the server's own words, with its code such as "550 5.7.515".
    """
    for code, meaning in _ANSWERS.items():
        if re.search(rf"(?<![\d.]){re.escape(code)}(?![\d.]*\d)", reply):
            return f"{meaning}; {_WHAT_TO_DO}"
    return ""


def delivery_sentences(address: str, smtp_host: str, texts: Texts) -> Iterator[str]:
    """Yield what receivers find about the domain of a sender, and what is missing.

    Args:
        address: the sender's.
        smtp_host: the server that our letters leave by.
        texts: asks DNS.
    """
    domain = address.rpartition("@")[2].lower()
    if _FOR_TESTS.fullmatch(domain):
        yield f"{domain} is a name for tests, which no receiver looks up"
        return
    found = texts(domain)
    if found is None:
        yield f"no name server answers for {domain}: SPF and DMARC are not known"
        return
    yield _spf_sentence(domain, _records(found, "v=spf1"), smtp_host)
    yield _dmarc_sentence(domain, texts)


def _records(texts: Iterable[str] | None, version: str) -> list[str]:
    """Return the texts of a name that are records of this version: the word alone, or with something after it.

    Args:
        texts: all texts of the name; None where no name server answered.
        version: what a record begins with, such as "v=spf1", in upper or lower case.
    """
    beginning = re.compile(rf"{re.escape(version)}([\s;]|$)", re.IGNORECASE)
    return list(filter(beginning.match, texts or ()))


def _spf_sentence(domain: str, records: list[str], smtp_host: str) -> str:
    """Say whether a domain has one SPF record, and whether that allows a well-known server (RFC 7208).

    Args:
        domain: the sender's, in lower case.
        records: its SPF records, of which there may only be one.
        smtp_host: the server that our letters leave by; one that is not in `_SPF_OF` is not looked for.
    """
    needed = next((name for host, name in _SPF_OF.items() if f".{smtp_host}".endswith(f".{host}")), "")
    include = f"include:{needed}" if needed else "mx"
    record = "".join(records[:1])
    terms = record.lower().split()
    allowed = {term.lstrip("+") for term in terms}
    is_redirected = " redirect=" in " ".join(terms)
    faults = (
        (
            not records,
            f'{domain} has no SPF: add the TXT record "v=spf1 {include} ~all", with all that send for you',
        ),
        (
            len(records) > 1,
            f"{domain} has {len(records)} SPF records, and receivers then take none: join them into one",
        ),
        ("all" in allowed, f"the SPF of {domain} allows the whole world: end it in ~all"),
        (
            needed and include not in allowed and not is_redirected,
            f"the SPF of {domain} does not name {smtp_host}: add {include}",
        ),
    )
    return next((sentence for is_so, sentence in faults if is_so), f"SPF: {record}")


def _dmarc_sentence(domain: str, texts: Texts) -> str:
    """Say what the DMARC policy of a domain, or of one above it, is (RFC 7489).

    Args:
        domain: the sender's, in lower case; its parents are asked about when it has no record itself.
        texts: asks DNS.
    """
    names = domain.split(".")
    for name in (".".join(names[at:]) for at in range(len(names) - 1)):
        records = _records(texts(f"_dmarc.{name}"), "v=DMARC1")
        if len(records) > 1:
            return f"_dmarc.{name} has {len(records)} DMARC records, and receivers then take none: leave one"
        if "p=" in "".join(records).replace(" ", "").lower():
            return f"DMARC: {records[0]} ({name}); that DKIM passes is seen in a mail that arrived"
        if records:
            return f"the DMARC record of {name} has no policy: add p=none, or a stricter one"
    rua = f"rua=mailto:postmaster@{domain}"
    return f'{domain} has no DMARC: add the TXT record "v=DMARC1; p=none; {rua}" at _dmarc.{domain}'
