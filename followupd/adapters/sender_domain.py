"""Whether the sender's domain is set up for delivery: SPF and DMARC in DNS, and the refusals that speak of them."""

import re
from collections.abc import Callable, Iterable, Iterator

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
