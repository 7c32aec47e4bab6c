"""Which mails may give orders, by what our own mail servers say of their sender (RFC 8601; docs/mail.md R6)."""

import random
from itertools import pairwise, product

import pytest

from followupd.domain.mail import Identity
from followupd.text.mail.authentication import parse_results
from followupd.text.mail.read import read
from tests.story.raw_mail import a_mail

SHOP = Identity(
    addresses=frozenset({"support@shop.test"}),
    agents=frozenset({"ana@shop.test"}),
    authserv=frozenset({"mx.shop.test"}),
)
FAIL = "mx.shop.test; dmarc=fail header.from=shop.test"
OF_ANOTHER = "mx.shop.test; dmarc=pass header.from=evil.test"
PASS = "mx.shop.test; dmarc=pass header.from=shop.test"


def distrusted(*results: str, sender: str = "Ana <ana@shop.test>", more: tuple[str, ...] = ()) -> str:
    """Return why a note with these results gives no orders."""
    fields = [f"Authentication-Results: {result}" for result in results]
    raw = a_mail("gift-card: 50 EUR", *fields, *more, sender=sender, to="support@shop.test")
    return read(raw, SHOP).distrusted


#: what a stranger tried in an agent's name: From, and what our server said of it
FORGERIES = {
    "a failed check": ("ana@shop.test", [FAIL]),
    "two mailboxes in From": ("Ana <ana@shop.test>, Mallory <m@evil.test>", [OF_ANOTHER]),
    "two mailboxes, and the pass is of ours": ("<ana@shop.test>, <m@evil.test>", [PASS]),
    "two angle addresses": ("Ana <ana@shop.test> <m@evil.test>", [PASS]),
    "a group": ("Team: ana@shop.test, m@evil.test;", [PASS]),
    "a group before an address": ("x:ana@shop.test;, m@evil.test", [PASS]),
    "a semicolon between mailboxes": ("ana@shop.test; m@evil.test", [PASS]),
    "an address in a comment": ("ana@shop.test (m@evil.test)", [PASS]),
    "a quoted address before another": ('"ana@shop.test" m@evil.test', [PASS]),
    "a pass of another domain": ("ana@shop.test", [OF_ANOTHER]),
    "a pass of a longer domain": ("ana@shop.test", [f"{PASS}.evil.test"]),
    "a pass of no domain": ("ana@shop.test", ["mx.shop.test; dmarc=pass"]),
    "a pass of two domains": ("ana@shop.test", [f"{PASS} header.from=evil.test"]),
    "no field at all": ("ana@shop.test", []),
    "no policy": ("ana@shop.test", ["mx.shop.test; dmarc=none header.from=shop.test"]),
    "a broken policy": ("ana@shop.test", ["mx.shop.test; dmarc=permerror header.from=shop.test"]),
    "no answer of the name server": (
        "ana@shop.test",
        ["mx.shop.test; dmarc=temperror header.from=shop.test"],
    ),
    "a pass of a server that is not trusted": (
        "ana@shop.test",
        ["mx.evil.test; dmarc=pass header.from=shop.test"],
    ),
    "a quoted sender with a verdict": (
        "ana@shop.test",
        ['mx.shop.test; spf=pass smtp.mailfrom="a dmarc=pass header.from=shop.test"@evil.test; dmarc=fail'],
    ),
    "a quoted semicolon": (
        "ana@shop.test",
        ['mx.shop.test; spf=pass smtp.mailfrom="a;dmarc=pass header.from=shop.test;"@evil.test'],
    ),
    "a quoted quotation mark": (
        "ana@shop.test",
        [r'mx.shop.test; spf=pass smtp.mailfrom="\";dmarc=pass header.from=shop.test;\""@evil.test'],
    ),
    "a quoted bracket": (
        "ana@shop.test",
        ['mx.shop.test; spf=pass smtp.mailfrom="("@evil.test; dmarc=fail header.from=shop.test; x=")"'],
    ),
    "a verdict in a comment": (
        "ana@shop.test",
        ["mx.shop.test; spf=pass (a; dmarc=pass header.from=shop.test) smtp.mailfrom=evil.test"],
    ),
    "a verdict in a nested comment": (
        "ana@shop.test",
        ["mx.shop.test; spf=pass (a (b); dmarc=pass header.from=shop.test) smtp.mailfrom=evil.test"],
    ),
    "a comment that never ends": ("ana@shop.test", [f"{PASS} (", FAIL]),
    "a quotation that never ends": ("ana@shop.test", [f'{PASS}; x="', FAIL]),
    "two fields, the failure below": (
        "ana@shop.test",
        ["mx.shop.test; spf=pass smtp.mailfrom=evil.test", FAIL],
    ),
    "two fields, a pass above the failure": ("ana@shop.test", [PASS, FAIL]),
    "two results in one field": ("ana@shop.test", [f"{PASS}; dmarc=fail header.from=shop.test"]),
    "another server's field on top": ("ana@shop.test", ["relay.shop.test; none", FAIL]),
    "a version of the field": ("ana@shop.test", ["mx.shop.test 1; dmarc=fail header.from=shop.test"]),
    "a version of the method": ("ana@shop.test", ["mx.shop.test; dmarc/1=fail header.from=shop.test"]),
    "blanks around the version": ("ana@shop.test", ["mx.shop.test; dmarc / 1 = fail header.from=shop.test"]),
    "quotation marks around the server": (
        "ana@shop.test",
        ['"mx.shop.test"; dmarc=fail header.from=shop.test'],
    ),
    "capitals": ("ana@shop.test", ["MX.Shop.Test; DMARC=FAIL header.from=shop.test"]),
    "a comment before the result": (
        "ana@shop.test",
        ["mx.shop.test; dmarc (x) = (y) fail header.from=shop.test"],
    ),
    "a quoted result": ("ana@shop.test", ['mx.shop.test; dmarc="fail" header.from=shop.test']),
    "a folded field": ("ana@shop.test", ["mx.shop.test;\r\n\tdmarc=fail\r\n\theader.from=shop.test"]),
    "a failed check below fifty fields": ("ana@shop.test", [*[PASS] * 60, FAIL]),
    "a failed check behind 8,000 characters": (
        "ana@shop.test",
        [f"{PASS}; x={'a ' * 4100}; dmarc=fail header.from=shop.test"],
    ),
    "a quoted beginning of a domain": (
        "ana@shop.test",
        ['mx.shop.test; dmarc=pass header.from="shop.test"@evil.test'],
    ),
    "an encoded name of the server": (
        "ana@shop.test",
        ["=?utf-8?q?mx=2Eshop=2Etest?=; dmarc=pass header.from=shop.test"],
    ),
    "a server's name that is longer": (
        "ana@shop.test",
        ["mx.shop.test.evil.test; dmarc=pass header.from=shop.test"],
    ),
    "a server's name in a comment": (
        "ana@shop.test",
        ["(x) mx.evil.test (mx.shop.test); dmarc=pass header.from=shop.test"],
    ),
    # what our server does not take for its own name, and so leaves where it is
    "a dot behind the server's name": ("ana@shop.test", ["mx.shop.test.; dmarc=pass header.from=shop.test"]),
    "a server's name in quotation marks": (
        "ana@shop.test",
        ['"mx.shop.test"; dmarc=pass header.from=shop.test'],
    ),
    "a comment before the server's name": (
        "ana@shop.test",
        ["(x) mx.shop.test; dmarc=pass header.from=shop.test"],
    ),
    "a version that does not exist": ("ana@shop.test", ["mx.shop.test 2; dmarc=pass header.from=shop.test"]),
    "a letter that is no s": ("ana@shop.test", ["mx.ſhop.test; dmarc=pass header.from=shop.test"]),
    "a verdict in a reason": (
        "ana@shop.test",
        ['mx.shop.test; dmarc=none reason="; dmarc=pass header.from=shop.test" header.from=shop.test'],
    ),
    "a property of another kind": ("ana@shop.test", ["mx.shop.test; dmarc=pass smtp.from=shop.test"]),
    "a method that ends alike": ("ana@shop.test", ["mx.shop.test; x-dmarc=pass header.from=shop.test"]),
    "a result that begins alike": (
        "ana@shop.test",
        ["mx.shop.test; dmarc=bestguesspass header.from=shop.test"],
    ),
    "a login that is quoted": (
        "ana@shop.test",
        ['mx.shop.test; auth=pass smtp.auth="ana@shop.test"@evil.test'],
    ),
    "two logins": (
        "ana@shop.test",
        ["mx.shop.test; auth=pass smtp.auth=m@evil.test smtp.auth=ana@shop.test"],
    ),
    "a login in a greeting": (
        "ana@shop.test",
        ["mx.shop.test; spf=pass smtp.helo=auth=pass smtp.auth=ana@shop.test"],
    ),
    "a login of somebody else": ("ana@shop.test", ["mx.shop.test; auth=pass smtp.auth=m@shop.test"]),
    "a login, and a failed check": (
        "ana@shop.test",
        ["mx.shop.test; auth=pass smtp.auth=ana@shop.test", FAIL],
    ),
}


@pytest.mark.parametrize("form", FORGERIES)
def test_a_note_whose_sender_is_not_confirmed_gives_no_orders(form: str) -> None:
    sender, results = FORGERIES[form]
    assert distrusted(*results, sender=sender)


@pytest.mark.parametrize(
    ("sender", "result"),
    [
        ("ana@shop.test", PASS),
        ("Ana <ANA@SHOP.TEST>", PASS),
        (
            '"Doe, Ana" <ana@shop.test>',
            "MX.shop.test 1; spf=none; DMARC=Pass (p=reject) header.from=Shop.Test",
        ),
        ("Doe, Ana <ana@shop.test>", "mx.shop.test; dkim=fail; dmarc=pass action=none header.from=shop.test"),
        ('"ana@shop.test" <ana@shop.test>', f'{PASS}; x-tls=pass smtp.version="TLS; v1.3"'),
        ("ana@shop.test (Ana)", "mx.shop.test; dmarc / 1 = pass header . from = ana@shop.test"),
        (
            "ana@shop.test",
            "mx.shop.test; auth=pass (plain) smtp.auth=ana@shop.test smtp.mailfrom=ana@shop.test",
        ),
    ],
)
def test_a_note_whose_sender_our_server_confirms_may_give_orders(sender: str, result: str) -> None:
    assert distrusted(result, sender=sender) == ""


#: a line in the header, below which our server reads text, or may: it checks no From there, and removes no field
SPLITTING = {
    "words": "Hello there, this is text",
    "words with a colon": "Hello there: this is text",
    "a line of a mailbox file": "From m@evil.test Mon Nov 30 08:00:00 2026",
    "a quoted line of a mailbox file": ">From m@evil.test Mon Nov 30 08:00:00 2026",
    "a name with a blank": "X-Test : x",
    "a name with a letter of eight bits": "X-Tést: x",
    "a name with a null": "X-\0Test: x",
    "no name": ": x",
    "blanks": "   ",
    "a tab": "\t",
    "a blank and a tab": " \t",
}


@pytest.mark.parametrize("line", SPLITTING.values(), ids=SPLITTING)
@pytest.mark.parametrize("above", ["", f"Authentication-Results: {PASS}", "From: Ana <ana@shop.test>"])
def test_below_a_line_that_is_no_field_nothing_is_proven(line: str, above: str) -> None:
    below = [f"Authentication-Results: {PASS}", "From: Ana <ana@shop.test>", "To: support@shop.test"]
    fields = [OURS, *filter(None, [above]), line, *(field for field in below if field != above)]
    raw = "\r\n".join([*fields, "Subject: Re: x", "", "gift-card: 50 EUR", ""]).encode()
    assert read(raw, SHOP).distrusted
    whole = raw.replace(f"{line}\r\n".encode(), b"", 1)
    assert read(whole, SHOP).distrusted == ""


@pytest.mark.parametrize("name", ["Authentication-Results ", "Authentication-Results\t", "From "])
def test_a_field_with_a_blank_behind_its_name_proves_nothing(name: str) -> None:
    fields = [OURS, f"Authentication-Results: {PASS}", "From: ana@shop.test", "To: support@shop.test"]
    lines = [line.replace(f"{name.strip()}:", f"{name}:") for line in fields]
    assert read("\r\n".join([*lines, "", "fixed", ""]).encode(), SHOP).distrusted


def test_without_a_trusted_server_only_several_senders_are_distrusted() -> None:
    nobody = Identity(addresses=SHOP.addresses, agents=SHOP.agents)
    assert read(a_mail("fixed", sender="ana@shop.test"), nobody).distrusted == ""
    assert read(a_mail("fixed", sender="ana@shop.test, m@evil.test"), nobody).distrusted


@pytest.mark.parametrize("filling", [",", " ,", ";", "(x)", "a@b.test,", '"x" '])
def test_a_sender_behind_more_than_is_read_is_a_second_one(filling: str) -> None:
    sender = f"ana@shop.test,{filling * 4096} mallory@shop.test"
    assert distrusted(PASS, sender=sender)


FOREIGN = "Received: from x.test by mx.evil.test"
OURS = "Received: from mx.evil.test by mx.shop.test"
FORGED_PASS = f"Authentication-Results: {PASS}"


def test_a_pass_below_the_first_foreign_server_came_with_the_mail() -> None:
    assert distrusted(more=(OURS, FOREIGN, FORGED_PASS))
    assert distrusted("mx.shop.test; spf=pass", more=(FOREIGN, FORGED_PASS))
    assert distrusted(more=("Received: by 2002:a05::1", OURS, FOREIGN, FORGED_PASS))


def test_a_result_above_the_first_foreign_server_is_ours_whoever_handed_it_on() -> None:
    assert distrusted(more=(OURS, FORGED_PASS, FOREIGN)) == ""
    assert distrusted(more=("Received: by 2002:a05::1 with SMTP", FORGED_PASS, OURS, FOREIGN)) == ""
    assert distrusted(more=("Received: by imap.shop.test (LMTP)", OURS, FORGED_PASS, FOREIGN)) == ""
    assert distrusted(more=(OURS, f"Authentication-Results: {FAIL}", FOREIGN, FORGED_PASS))


#: the examples of RFC 8601, appendix B, each with the results that it tells
EXAMPLES = {
    "example.org 1; none": [],
    "example.com; spf=pass smtp.mailfrom=example.net": [("spf", "pass")],
    "example.com; auth=pass (cleartext) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net": [
        ("auth", "pass"),
        ("spf", "pass"),
    ],
    "example.com; iprev=pass policy.iprev=192.0.2.200": [("iprev", "pass")],
    "example.com; sender-id=fail header.from=example.com; dkim=pass (good signature) header.d=example.com": [
        ("sender-id", "fail"),
        ("dkim", "pass"),
    ],
    "example.com; auth=pass (cleartext) smtp.auth=sender@example.com; spf=fail smtp.mailfrom=example.com": [
        ("auth", "pass"),
        ("spf", "fail"),
    ],
    'example.com; dkim=pass reason="good signature" header.i=@mail-router.example.net; '
    'dkim=fail reason="bad signature" header.i=@newyork.example.com': [("dkim", "pass"), ("dkim", "fail")],
    "foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail "
    "policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't expecting it) 1362471462": [
        ("dkim", "fail")
    ],
}


@pytest.mark.parametrize("field", EXAMPLES)
def test_the_examples_of_the_standard_are_read_as_it_says(field: str) -> None:
    parsed = parse_results(field)
    assert [(each.method, each.result) for each in parsed.results] == EXAMPLES[field]
    assert not parsed.malformed
    assert parsed.authserv_id == field.split(";", maxsplit=1)[0].split(maxsplit=1)[0]


def test_a_property_with_comments_all_over_is_read() -> None:
    [result] = parse_results([*EXAMPLES][-1]).results
    assert result.properties == (("policy.expired", "1362471462"),)


def mutations(field: str, count: int) -> list[str]:
    """Return the field with parts swapped, doubled, removed or surrounded, always the same ones."""
    chance = random.Random(8601)
    pieces = [
        " ",
        "(",
        ")",
        '"',
        ";",
        "=",
        "/",
        "\\",
        "1",
        "(x)",
        "dmarc",
        "pass",
        "\r\n ",
        "header.from=shop.test",
    ]
    found = []
    for _ in range(count):
        place = chance.randrange(len(field) + 1)
        length = chance.choice((0, 0, 1, 2))
        found.append(field[:place] + chance.choice(pieces) + field[place + length :])
    return found


@pytest.mark.parametrize("field", mutations(FAIL, 120))
def test_no_change_of_one_place_turns_a_failed_check_into_a_pass(field: str) -> None:
    assert distrusted(field)


@pytest.mark.parametrize("local", mutations("dmarc=pass header.from=shop.test", 80))
def test_no_quoted_sender_passes_a_check(local: str) -> None:
    quoted = local.replace("\\", "\\\\").replace('"', r"\"").replace("\r\n", " ")
    assert distrusted(f'mx.shop.test; spf=pass smtp.mailfrom="{quoted}"@evil.test')
    assert distrusted(f'mx.shop.test; spf=pass smtp.mailfrom="{quoted}"@evil.test; dmarc=fail')


@pytest.mark.parametrize(
    ("above", "below"), [*pairwise([PASS, FAIL, PASS]), *product([FAIL], [OF_ANOTHER, PASS])]
)
def test_a_failed_check_anywhere_is_a_failed_check(above: str, below: str) -> None:
    assert "forged" in distrusted(above, below)


FORM = Identity(
    addresses=frozenset({"support@shop.test"}),
    agents=frozenset({"ana@shop.test", "lee@shop.test"}),
    authserv=frozenset({"mx.shop.test"}),
    groups=frozenset({"help.shop.test"}),
    forms=frozenset({"form@shop.test"}),
)
#: From, fields and text of a mail whose From is true, and which names somebody else as its sender
NAMED = {
    "a form's Reply-To": ("form@shop.test", "Reply-To: kim@home.test", "Yes, it arrived."),
    "a form's field": ("form@shop.test", "X-Form: 1", "Email: kim@home.test\nMessage: Yes, it arrived."),
    "a form of our own address": ("support@shop.test", "Reply-To: kim@home.test", "Yes, it arrived."),
    "a group's field": ("m@evil.test", "X-Original-Sender: kim@home.test", "Yes, it arrived."),
    "a group's other field": ("m@evil.test", "X-Original-From: kim@home.test", "Yes, it arrived."),
    "a colleague": ("ana@shop.test", "X-Original-Sender: lee@shop.test", "approve"),
}


@pytest.mark.parametrize("by", NAMED)
def test_who_is_only_named_in_a_mail_has_not_proven_to_be_its_sender(by: str) -> None:
    writer, field, text = NAMED[by]
    domain = writer.rpartition("@")[2]
    result = f"Authentication-Results: mx.shop.test; dmarc=pass header.from={domain}"
    group = ["List-Id: <help.shop.test>"] if "Original" in field else []
    message = read(a_mail(text, result, field, *group, sender=writer, to="support@shop.test"), FORM)
    assert message.sender.address != writer
    assert "says that" in message.distrusted
    assert not message.proven
    assert read(a_mail("Hello.", result, *group, sender=writer, to="support@shop.test"), FORM).proven


def test_a_group_of_ours_may_name_the_sender() -> None:
    fields = ["Authentication-Results: mx.shop.test; dmarc=pass header.from=shop.test"]
    fields += ["List-Id: <help.shop.test>", "X-Original-Sender: kim@home.test"]
    message = read(a_mail("Yes.", *fields, sender="help@shop.test", to="support@shop.test"), FORM)
    assert (message.sender.address, message.proven) == ("kim@home.test", True)
