"""SPF and DMARC of the sender's domain, asked of a real name server, and the refusals that speak of them."""

import socket
from functools import partial

import pytest

from followupd.adapters.network import delivery_sentences, query_texts, reply_explained
from tests.servers.name_server import NameServer

OUTLOOK, GMAIL = "smtp.office365.com", "smtp.gmail.com"
SPF, DMARC = '"v=spf1 include:spf.protection.outlook.com ~all"', '"v=DMARC1; p=none"'


def said(spf: list[str], dmarc: dict[str, list[str]], host: str = "mail.acme.shop") -> list[str]:
    records = {("mail.acme.shop", "TXT"): spf, ("acme.shop", "MX"): ["10 mx.acme.shop."]}
    records |= {(f"_dmarc.{name}", "TXT"): rows for name, rows in dmarc.items()}
    with NameServer(records) as server:
        texts = partial(query_texts, server=server.place)
        return list(delivery_sentences("support@mail.acme.shop", host, texts))


@pytest.mark.parametrize(
    ("spf", "host", "words"),
    [
        ([SPF], OUTLOOK, "SPF: v=spf1 include:spf.protection.outlook.com ~all"),
        (['"v=spf1 " "mx " "-all"', '"google-site-verification=x"'], "mail.acme.shop", "SPF: v=spf1 mx -all"),
        (
            ['"google-site-verification=x"'],
            GMAIL,
            'no SPF: add the TXT record "v=spf1 include:_spf.google.com ~all"',
        ),
        (['"v=spf10 mx"'], "mail.acme.shop", 'no SPF: add the TXT record "v=spf1 mx ~all"'),
        ([SPF, '"v=spf1 mx -all"'], OUTLOOK, "2 SPF records, and receivers then take none"),
        (['"v=spf1 mx +all"'], "mail.acme.shop", "allows the whole world"),
        (['"v=spf1 mx -all"'], GMAIL, "does not name smtp.gmail.com: add include:_spf.google.com"),
        (['"v=spf1 redirect=_spf.acme.shop"'], GMAIL, "SPF: v=spf1 redirect"),
    ],
)
def test_what_is_wrong_with_spf_is_said(spf: list[str], host: str, words: str) -> None:
    assert words in said(spf, {"acme.shop": [DMARC]}, host)[0]


@pytest.mark.parametrize(
    ("dmarc", "words"),
    [
        ({"mail.acme.shop": [DMARC]}, "DMARC: v=DMARC1; p=none (mail.acme.shop)"),
        ({"acme.shop": ['"v=DMARC1; p=reject"']}, "DMARC: v=DMARC1; p=reject (acme.shop)"),
        ({}, 'no DMARC: add the TXT record "v=DMARC1; p=none; rua=mailto:postmaster@mail.acme.shop"'),
        ({"acme.shop": [DMARC, DMARC.replace("none", "reject")]}, "2 DMARC records"),
        ({"acme.shop": ['"v=DMARC1; rua=mailto:a@acme.shop"']}, "no policy"),
        ({"acme.shop": ['"v=spf1 -all"']}, "no DMARC"),
    ],
)
def test_what_is_wrong_with_dmarc_is_said(dmarc: dict[str, list[str]], words: str) -> None:
    assert words in said([SPF], dmarc)[1]


def test_a_name_server_that_does_not_answer_is_no_missing_record() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        place = closed.getsockname()
    [sentence] = delivery_sentences("a@acme.shop", OUTLOOK, partial(query_texts, server=place))
    assert "no name server answers" in sentence


@pytest.mark.parametrize("address", ["a@shop.test", "a@localhost", "a@example.com", "a@mail.example.org"])
def test_a_domain_for_tests_is_not_looked_up(address: str) -> None:
    def never(_name: str) -> list[str] | None:
        raise AssertionError

    [sentence] = delivery_sentences(address, OUTLOOK, never)
    assert "a name for tests" in sentence


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            "550 5.7.515 Access denied, sending domain [ACME.SHOP] does not meet the required authentication",
            "Outlook.com",
        ),
        ("550-5.7.26 Your email has been blocked because the sender is unauthenticated.", "Gmail"),
        ("the letter came back (5.7.26)", "Gmail"),
        ("550 5.7.1 Relaying denied", ""),
        ("550 5.7.261 something else", ""),
        ("550 15.7.26 no", ""),
        ("10.5.7.26 is blocked", ""),
    ],
)
def test_a_refusal_for_the_domains_sake_is_explained(reply: str, words: str) -> None:
    found = reply_explained(reply)
    assert (words in found) if words else not found
