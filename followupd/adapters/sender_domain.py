"""Whether the sender's domain is set up for delivery: SPF and DMARC in DNS, and the refusals that speak of them."""

import re
from collections.abc import Callable, Iterator

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
    """Return what a server's refusal has to do with the sender's domain, "" if nothing that is known."""
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
    yield _spf_sentence(domain, [text for text in found if _begins(text, "v=spf1")], smtp_host)
    yield _dmarc_sentence(domain, texts)


def _begins(text: str, version: str) -> bool:
    """Return whether a record is of this version: the word alone, or with something behind it."""
    return re.match(rf"{re.escape(version)}([\s;]|$)", text, re.IGNORECASE) is not None


def _spf_sentence(domain: str, records: list[str], smtp_host: str) -> str:
    """Say whether a domain has one SPF record, and whether that allows a well-known server (RFC 7208)."""
    needed = next((name for host, name in _SPF_OF.items() if f".{smtp_host}".endswith(f".{host}")), "")
    include = f" include:{needed}" if needed else ""
    if not records:
        return f'{domain} has no SPF: add the TXT record "v=spf1{include or " mx"} ~all", with all that send for you'
    if len(records) > 1:
        return f"{domain} has {len(records)} SPF records, and receivers then take none: join them into one"

    terms = records[0].lower().split()
    if {"+all", "all"} & set(terms):
        return f"the SPF of {domain} allows the whole world: end it in ~all"
    redirected = any(term.startswith("redirect=") for term in terms)
    if needed and not redirected and not any(term.lstrip("+") == f"include:{needed}" for term in terms):
        return f"the SPF of {domain} does not name {smtp_host}: add{include}"
    return f"SPF: {records[0]}"


def _dmarc_sentence(domain: str, texts: Texts) -> str:
    """Say what the DMARC policy of a domain, or of one above it, is (RFC 7489)."""
    names = domain.split(".")
    parents = [".".join(names[at:]) for at in range(len(names) - 1)]
    for name in parents:
        records = [text for text in texts(f"_dmarc.{name}") or [] if _begins(text, "v=DMARC1")]
        if len(records) > 1:
            return f"_dmarc.{name} has {len(records)} DMARC records, and receivers then take none: leave one"
        if records and "p=" in records[0].replace(" ", "").lower():
            return f"DMARC: {records[0]} ({name}); that DKIM passes is seen in a mail that arrived"
        if records:
            return f"the DMARC record of {name} has no policy: add p=none, or a stricter one"
    rua = f"rua=mailto:postmaster@{domain}"
    return f'{domain} has no DMARC: add the TXT record "v=DMARC1; p=none; {rua}" at _dmarc.{domain}'
