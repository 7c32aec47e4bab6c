"""What the post says of a letter is true at every point where the line may break: the heart of "never twice"."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from followupd.adapters.smtp.compose import compose
from followupd.adapters.smtp.transport import SmtpAccount, SmtpTransport
from followupd.domain.letter import DeliveryOutcome, DeliveryResult, Letter, LetterKind
from followupd.domain.mail import Person
from followupd.errors import SetupError, UnavailableError
from tests.servers.machine import free_ports
from tests.servers.postfix import Postfix
from tests.servers.scripted_smtp import CUT, CUT_AFTER, HANG_UP, STALL, Action, ScriptedSmtp
from tests.servers.smtp import DROP, DROP_BEFORE, Sink

OURS, CUSTOMER = "support@example.com", "kim@example.org"
SECRET = "pä$$w0rd"
ACCEPTED, DEFERRED, REFUSED, UNKNOWN = DeliveryOutcome
LETTER = compose(
    Letter(
        key="FU-7K3Q9.follow-up.1",
        case="FU-7K3Q9",
        kind=LetterKind.FOLLOW_UP,
        mailbox="support",
        sender=Person(OURS, "Ana Reyes"),
        to=Person(CUSTOMER, "Kim"),
        subject="It is here",
        text="Dear Kim,\n.\n..dots\nit is here.\n",
        html="<p>It is here.</p>",
        message_id="<FU-7K3Q9.follow-up.1.abcdefghijklmnop@example.com>",
    ),
    now=datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
)
#: larger than all buffers of a connection, so that a cut in its middle is one
LARGE = LETTER + (b"y" * 70 + b"\r\n") * 200_000
GARBAGE = "banana"


def plain(port: int, **more: Any) -> SmtpAccount:
    return SmtpAccount(host="127.0.0.1", port=port, security="none", timeout=10, patience=10, **more)


def sealed(port: int, ca_file: str, **more: Any) -> SmtpAccount:
    account = SmtpAccount(
        host="localhost",
        port=port,
        username="support",
        password=lambda: SECRET,
        ca_file=ca_file,
        timeout=10,
        patience=10,
    )
    return replace(account, **more)


def deliver(
    post: SmtpTransport, letter: bytes = LETTER, *, to: str = CUSTOMER, witness: str = OURS
) -> DeliveryResult:
    return post.deliver(letter, sender=OURS, to=to, witness=witness)


def test_an_accepted_letter_arrives_byte_for_byte_with_its_witness(smtp: Sink) -> None:
    with SmtpTransport(plain(smtp.port)) as post:
        delivery = deliver(post)
    assert delivery == DeliveryResult(ACCEPTED, "250 2.0.0 queued", witnessed=True)
    (envelope,) = smtp.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == (OURS, [CUSTOMER, OURS])
    assert envelope.content == LETTER


def test_one_line_carries_all_letters_of_a_beat(smtp: Sink) -> None:
    with SmtpTransport(plain(smtp.port)) as post:
        outcomes = [deliver(post, to=f"kim{number}@example.org").outcome for number in range(20)]
    assert outcomes == [ACCEPTED] * 20
    assert smtp.connections == 1
    assert [envelope.rcpt_tos[0] for envelope in smtp.messages] == [
        f"kim{number}@example.org" for number in range(20)
    ]


def test_a_letter_leaves_over_starttls_with_a_login(smtp_login: Sink, ca_file: str) -> None:
    account = sealed(smtp_login.port, ca_file, password=lambda: "secret")
    with SmtpTransport(account) as post:
        assert deliver(post).outcome is ACCEPTED
    assert "login of support is accepted" in " ".join(SmtpTransport(account).survey())


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # the sink does not count TLS from the start
def test_a_letter_leaves_over_implicit_tls(authority: trustme.CA, ca_file: str) -> None:
    with Sink(authority, {"support": "secret"}, implicit_tls=True) as sink:
        account = sealed(sink.port, ca_file, security="tls", password=lambda: "secret")
        with SmtpTransport(account) as post:
            assert deliver(post, LARGE).outcome is ACCEPTED
            assert deliver(post).outcome is ACCEPTED
        assert sink.connections == 1
        assert "sealed with TLSv1" in " ".join(SmtpTransport(account).survey())


# --- every stage at which the line may break ---

#: stage, and what a reset, a close, a silence, 421, 4xx, 5xx and garbage make of the letter there
SETUP = (DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED)
LETTERS_OWN = (DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, REFUSED, DEFERRED)
GAP = (UNKNOWN, UNKNOWN, UNKNOWN, DEFERRED, DEFERRED, REFUSED, UNKNOWN)
ACTIONS: dict[str, Action] = {
    "cut": CUT,
    "hang up": HANG_UP,
    "stall": STALL,
    "421": "421 4.3.2 closing",
    "451": "451 4.3.0 later",
    "550": "550 5.7.1 no",
    "garbage": GARBAGE,
}
STAGES = {
    "connect": SETUP,
    "ehlo": SETUP,
    "starttls": SETUP,
    "auth": SETUP,
    "mail": SETUP,
    "rcpt": LETTERS_OWN,
    "data": LETTERS_OWN,
    "dot": GAP,
}
BREAKS = [
    pytest.param(stage, action, outcome, id=f"{stage}-{name}")
    for stage, outcomes in STAGES.items()
    for (name, action), outcome in zip(ACTIONS.items(), outcomes, strict=True)
]


def turns(stage: str, action: Action) -> list[Action]:
    """A refused EHLO is tried again as HELO, so it takes two to break there."""
    return [action] * (2 if stage == "ehlo" and isinstance(action, str) else 1)


@pytest.fixture(scope="module")
def script(authority: trustme.CA) -> Callable[[], ScriptedSmtp]:
    return lambda: ScriptedSmtp(authority)


@pytest.mark.parametrize(("stage", "action", "outcome"), BREAKS)
def test_a_break_is_called_by_its_name_and_the_next_letter_finds_its_way(
    script: Callable[[], ScriptedSmtp], ca_file: str, stage: str, action: Action, outcome: DeliveryOutcome
) -> None:
    wait = 0.5 if action == STALL else 10
    with script() as server:
        post = SmtpTransport(sealed(server.port, ca_file, timeout=wait, patience=wait))
        server.plan(stage, *turns(stage, action))
        delivery = deliver(post)
        assert (delivery.outcome, delivery.witnessed) == (outcome, stage == "dot")
        assert delivery.outage == (stage in {"connect", "ehlo", "starttls", "auth"})
        assert delivery.reply
        assert SECRET not in delivery.reply
        taken = len(server.accepted)
        assert taken == (1 if outcome is UNKNOWN else 0)

        assert deliver(post) == DeliveryResult(ACCEPTED, "250 2.0.0 queued", witnessed=True)
        assert [recipients for recipients, _ in server.accepted[taken:]] == [[CUSTOMER, OURS]]
        post.close()


@pytest.mark.parametrize(
    ("stage", "action", "outcome"), [each for each in BREAKS if each.values[0] in {"mail", "rcpt", "data"}]
)
def test_a_break_has_the_same_name_when_the_commands_go_in_one(
    stage: str, action: Action, outcome: DeliveryOutcome
) -> None:
    wait = 0.5 if action == STALL else 10
    with ScriptedSmtp(offers=("PIPELINING",)) as server:
        post = SmtpTransport(replace(plain(server.port), timeout=wait))
        server.plan(stage, action)
        assert deliver(post).outcome is outcome
        assert not server.accepted
        assert deliver(post).outcome is ACCEPTED
        assert server.accepted == [([CUSTOMER, OURS], LETTER)]
        post.close()


# CPython's SSLSocket._create leaves a socket open that was reset just before TLS began; it closes with its last reference.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
@pytest.mark.parametrize("action", [CUT, HANG_UP, STALL])
def test_a_break_in_the_tls_handshake_defers(
    ca_file: str, script: Callable[[], ScriptedSmtp], action: bytes
) -> None:
    wait = 0.5 if action == STALL else 10
    with script() as server, SmtpTransport(sealed(server.port, ca_file, timeout=wait)) as post:
        server.plan("handshake", action)
        assert deliver(post).outcome is DEFERRED
    assert not server.accepted


@pytest.mark.parametrize("action", [CUT, HANG_UP, STALL])
def test_a_break_in_the_middle_of_the_body_defers(
    ca_file: str, script: Callable[[], ScriptedSmtp], action: bytes
) -> None:
    wait = 0.5 if action == STALL else 10
    with script() as server, SmtpTransport(sealed(server.port, ca_file, timeout=wait)) as post:
        server.offers = ("AUTH PLAIN",)
        server.plan("body", action)
        delivery = deliver(post, LARGE)
    assert delivery.outcome is DEFERRED
    assert not server.accepted


@pytest.mark.parametrize(
    ("word", "outcome"),
    [("552 5.3.4 too large", REFUSED), ("451 4.3.1 disk full", DEFERRED), ("250 2.0.0 queued", DEFERRED)],
)
def test_a_reply_that_comes_before_the_dot_keeps_the_dot_back(word: str, outcome: DeliveryOutcome) -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as post:
        server.plan("data", f"354 go ahead\r\n{word}")
        delivery = deliver(post)
    assert (delivery.outcome, delivery.reply) == (outcome, word)
    assert not server.accepted


def test_a_line_that_dies_after_250_has_taken_the_letter_and_the_next_takes_a_new_line() -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as post:
        server.plan("dot", CUT_AFTER)
        assert deliver(post).outcome is ACCEPTED
        assert deliver(post).outcome is ACCEPTED
        assert (len(server.accepted), server.connections) == (2, 2)


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)])
@pytest.mark.parametrize("stage", ["mail", "rcpt"])
@pytest.mark.parametrize("action", [CUT, HANG_UP, "421 4.4.2 you were idle for too long", GARBAGE])
def test_a_kept_line_that_turns_out_dead_before_data_is_replaced_once(
    action: Action, stage: str, offers: tuple[str, ...]
) -> None:
    with ScriptedSmtp(offers=offers) as server, SmtpTransport(plain(server.port)) as post:
        assert deliver(post, witness="").outcome is ACCEPTED
        server.plan(stage, action)
        assert deliver(post, witness="").outcome is ACCEPTED
        assert (len(server.accepted), server.connections) == (2, 2)
        server.plan(stage, action, action)
        assert deliver(post, witness="").outcome is DEFERRED
        assert (len(server.accepted), server.connections) == (2, 3)


@pytest.mark.parametrize("stage", ["data", "dot"])
def test_a_kept_line_that_dies_later_is_not_tried_again_at_once(stage: str) -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as post:
        assert deliver(post).outcome is ACCEPTED
        server.plan(stage, HANG_UP)
        assert deliver(post).outcome is (UNKNOWN if stage == "dot" else DEFERRED)
        assert server.connections == 1


@pytest.mark.parametrize(
    "word", ["354 go on", "150 hm", " ", "999 what", "25", "2x0 ok", "250-and then\r\nbanana"]
)
def test_a_word_after_the_dot_that_says_nothing_final_leaves_the_letter_unknown(word: str) -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as post:
        server.plan("dot", word)
        assert deliver(post).outcome is UNKNOWN
        assert deliver(post).outcome is ACCEPTED
        assert server.connections == 2


def test_a_server_that_answers_twice_never_has_a_reply_taken_for_another() -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as post:
        server.plan("dot", "250 queued\r\n250 queued")
        server.plan("rcpt", "250 ok", "250 ok", "550 5.1.1 no such user")
        assert deliver(post).outcome is ACCEPTED
        assert deliver(post).outcome is REFUSED
        assert (len(server.accepted), server.connections) == (1, 2)


def test_leaving_a_mute_server_does_not_take_long() -> None:
    with ScriptedSmtp() as server:
        post = SmtpTransport(plain(server.port))
        assert deliver(post).outcome is ACCEPTED
        server.plan("quit", STALL)
        start = monotonic()
        post.close()
        assert monotonic() - start < 8, "the account's own timeout is 10 seconds"
        assert deliver(post).outcome is ACCEPTED
        post.close()


# --- the witness ---


@pytest.mark.parametrize(
    ("word", "outcome"), [("550 5.1.1 no such user", REFUSED), ("450 4.2.1 greylisted", DEFERRED)]
)
def test_the_witness_gets_no_copy_of_a_letter_that_the_customer_cannot_get(
    smtp: Sink, word: str, outcome: DeliveryOutcome
) -> None:
    smtp.plan("rcpt", word)
    with SmtpTransport(plain(smtp.port)) as post:
        assert deliver(post) == DeliveryResult(outcome, word)
        assert not smtp.messages
        assert deliver(post).outcome is ACCEPTED
    assert smtp.connections == 1


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
@pytest.mark.parametrize(
    ("word", "outcome"), [("550 5.1.1 no such user", REFUSED), ("450 4.2.1 greylisted", DEFERRED)]
)
def test_a_server_that_waits_for_a_mail_to_the_witness_alone_gets_none(
    stage: str, word: str, outcome: DeliveryOutcome
) -> None:
    with ScriptedSmtp(offers=("PIPELINING",)) as server, SmtpTransport(plain(server.port)) as post:
        server.plan(stage, word)
        delivery = deliver(post)
        assert delivery.outcome is (DEFERRED if stage == "mail" else outcome)
        assert not server.accepted
        assert deliver(post).outcome is ACCEPTED
    assert server.accepted == [([CUSTOMER, OURS], LETTER)]
    assert server.connections == 2


@pytest.mark.parametrize("word", ["550 5.1.1 no such user", "450 4.2.1 later"])
def test_a_refused_witness_does_not_keep_the_letter_from_its_customer(word: str) -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as post:
        server.plan("rcpt", "250 ok", word)
        delivery = deliver(post)
    assert delivery == DeliveryResult(
        ACCEPTED, f"250 2.0.0 queued (the witness was refused: {word})", witnessed=False
    )
    assert server.accepted == [([CUSTOMER], LETTER)]


def test_a_letter_to_the_witness_itself_goes_there_once(smtp: Sink) -> None:
    with SmtpTransport(plain(smtp.port)) as post:
        assert deliver(post, to=OURS) == DeliveryResult(ACCEPTED, "250 2.0.0 queued")
    assert smtp.messages[0].rcpt_tos == [OURS]


# --- what is wrong with us costs no letter its life ---


def test_a_wrong_password_defers_and_is_tried_once_a_beat(smtp_login: Sink, ca_file: str) -> None:
    asked = []

    def wrong() -> str:
        asked.append(SECRET)
        return SECRET

    with SmtpTransport(sealed(smtp_login.port, ca_file, password=wrong)) as post:
        deliveries = [deliver(post) for _ in range(5)]
    assert {(delivery.outcome, delivery.outage) for delivery in deliveries} == {(DEFERRED, True)}
    assert "refused the login of support: 535" in deliveries[0].reply
    assert len(asked) == 1
    with post:
        deliver(post)
    assert len(asked) == 2, "the next beat asks again"


def test_a_server_that_repeats_the_password_does_not_get_it_into_the_reply(
    script: Callable[[], ScriptedSmtp], ca_file: str
) -> None:
    with script() as server:
        server.plan(
            "auth",
            f"535 5.7.8 {SECRET} is wrong",
            "535 5.7.8 cMOkJCR3MHJk is wrong",
            "535 5.7.8 AHN1cHBvcnQAcMOkJCR3MHJk is wrong",
        )
        post = SmtpTransport(sealed(server.port, ca_file))
        replies = [deliver(post).reply for _ in range(3)]
    assert all(reply.endswith("535 5.7.8 *** is wrong") for reply in replies)
    assert SECRET not in repr(sealed(1, ca_file))


@pytest.mark.parametrize(
    ("stage", "word"),
    [
        ("mail", "530 5.7.0 Authentication required"),
        ("mail", "553 5.7.1 sender not owned by user"),
        ("rcpt", "530 5.7.0 Must issue a STARTTLS command first"),
        ("rcpt", "554 5.7.1 <kim@example.org>: Relay access denied"),
    ],
)
def test_a_refusal_of_us_is_no_refusal_of_the_letter(stage: str, word: str) -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as post:
        server.plan(stage, word)
        assert deliver(post) == DeliveryResult(DEFERRED, f"our set-up, not the letter: {word}")


def test_a_server_that_offers_no_starttls_gets_neither_letter_nor_password(ca_file: str) -> None:
    with ScriptedSmtp() as server, SmtpTransport(sealed(server.port, ca_file)) as post:
        delivery = deliver(post)
    assert (delivery.outcome, delivery.outage) == (DEFERRED, True)
    assert "does not offer STARTTLS" in delivery.reply
    assert not [command for command in server.commands if not command.lower().startswith(("ehlo", "quit"))]


def test_what_is_promised_before_tls_counts_for_nothing_after_it(
    script: Callable[[], ScriptedSmtp], ca_file: str
) -> None:
    with script() as server, SmtpTransport(sealed(server.port, ca_file)) as post:
        server.plan("starttls", "220 go on\r\n250-mail.evil.test\r\n250 AUTH PLAIN")
        assert deliver(post).outcome in {ACCEPTED, DEFERRED}
    assert server.commands.count("EHLO [127.0.0.1]") + server.commands.count("ehlo [127.0.0.1]") in {1, 2}


def test_a_certificate_of_an_unknown_authority_or_another_name_defers(
    script: Callable[[], ScriptedSmtp], ca_file: str
) -> None:
    with script() as server:
        for account in (sealed(server.port, ""), sealed(server.port, ca_file, host="127.1")):
            delivery = deliver(SmtpTransport(account))
            assert (delivery.outcome, delivery.outage) == (DEFERRED, True)
            assert "is not trusted" in delivery.reply
    assert not [command for command in server.commands if command.upper().startswith(("AUTH", "MAIL"))]


def test_a_server_that_is_not_there_defers_and_survey_says_so(ca_file: str) -> None:
    (port,) = free_ports(1)
    reasons = {
        "nobody listens": plain(port),
        "the name": SmtpAccount(host="no-such-host.invalid", timeout=10),
        "the CA file": sealed(port, "/no/such/ca.pem"),
    }
    for reason, account in reasons.items():
        delivery = deliver(SmtpTransport(account))
        assert (delivery.outcome, delivery.outage) == (DEFERRED, True)
        assert reason in delivery.reply
        with pytest.raises(UnavailableError, match=reason):
            SmtpTransport(account).survey()


def test_a_password_that_cannot_be_read_defers(script: Callable[[], ScriptedSmtp], ca_file: str) -> None:
    def gone() -> str:
        raise SetupError([])

    def unreadable() -> str:
        raise PermissionError(13, "Permission denied")

    with script() as server:
        for secret in (gone, unreadable):
            delivery = deliver(SmtpTransport(sealed(server.port, ca_file, password=secret)))
            assert (delivery.outcome, delivery.outage) == (DEFERRED, True)


def test_a_line_in_clear_text_stays_on_this_machine() -> None:
    for host in ("localhost", "127.0.0.1", "::1"):
        assert SmtpAccount(host=host, security="none").host == host
    with pytest.raises(ValueError, match="for everybody to read"):
        SmtpAccount(host="smtp.example.com", security="none")
    with pytest.raises(ValueError, match="must be one of"):
        SmtpAccount(host="smtp.example.com", security="ssl")


# --- logins ---


@pytest.mark.parametrize(
    ("offer", "replies", "commands"),
    [
        ("AUTH PLAIN LOGIN", [], ["AUTH PLAIN AHN1cHBvcnQAcMOkJCR3MHJk"]),
        ("AUTH LOGIN", ["334 UGFzc3dvcmQ6"], ["AUTH LOGIN c3VwcG9ydA==", "cMOkJCR3MHJk"]),
    ],
)
def test_the_login_is_sent_as_the_server_offers(
    script: Callable[[], ScriptedSmtp], ca_file: str, offer: str, replies: list[str], commands: list[str]
) -> None:
    with script() as server, SmtpTransport(sealed(server.port, ca_file)) as post:
        server.offers = (offer,)
        server.plan("auth", *replies)
        deliver(post)
    at = server.commands.index(commands[0])
    assert server.commands[at : at + len(commands)] == commands


def test_an_access_token_takes_the_password_s_place(script: Callable[[], ScriptedSmtp], ca_file: str) -> None:
    with script() as server, SmtpTransport(sealed(server.port, ca_file, token=lambda: "ya29")) as post:
        assert deliver(post).outcome is ACCEPTED
    assert "AUTH XOAUTH2 dXNlcj1zdXBwb3J0AWF1dGg9QmVhcmVyIHlhMjkBAQ==" in server.commands


def test_a_server_with_no_login_that_we_know_defers(script: Callable[[], ScriptedSmtp], ca_file: str) -> None:
    with script() as server, SmtpTransport(sealed(server.port, ca_file)) as post:
        server.offers = ("AUTH GSSAPI",)
        assert "it offers GSSAPI" in deliver(post).reply


# --- letters that this server can never take ---


def test_a_letter_above_the_size_limit_is_refused_without_being_sent() -> None:
    with ScriptedSmtp(offers=("SIZE 500",)) as server, SmtpTransport(plain(server.port)) as post:
        delivery = deliver(post)
    assert delivery == DeliveryResult(
        REFUSED, f"the letter has {len(LETTER)} bytes, and the server takes 500"
    )
    assert not [command for command in server.commands if command.startswith("MAIL")]


def test_a_letter_that_the_server_finds_too_large_is_refused(smtp: Sink) -> None:
    smtp.plan("mail", "552 5.3.4 too large")
    with SmtpTransport(plain(smtp.port)) as post:
        assert deliver(post) == DeliveryResult(REFUSED, "552 5.3.4 too large")


def test_an_address_beyond_ascii_needs_a_server_that_knows_it(authority: trustme.CA, smtp: Sink) -> None:
    with SmtpTransport(plain(smtp.port)) as post:
        assert deliver(post, to="jürgen@bücher.example").outcome is ACCEPTED
    assert smtp.messages[0].rcpt_tos[0] == "jürgen@xn--bcher-kva.example"
    assert "SMTPUTF8" in smtp.messages[0].mail_options
    with Sink(authority, utf8=False) as sink, SmtpTransport(plain(sink.port)) as post:
        delivery = deliver(post, to="jürgen@example.org")
        assert delivery.outcome is REFUSED
        assert "does not offer SMTPUTF8" in delivery.reply
        assert deliver(post).outcome is ACCEPTED


@pytest.mark.parametrize("to", ["", "kim", "kim@x> SIZE=0", "kim@x\r\nRCPT TO:<evil@example.net>"])
def test_what_is_no_address_is_refused_before_any_line_is_opened(to: str) -> None:
    assert deliver(SmtpTransport(plain(free_ports(1)[0])), to=to).outcome is REFUSED


def test_bare_line_ends_cannot_smuggle_a_second_mail() -> None:
    hostile = LETTER + b"a\n.\nMAIL FROM:<x@y>\r.\rb\r\n.\r\nDATA"
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as post:
        assert deliver(post, hostile).outcome is ACCEPTED
    ((_, mail),) = server.accepted
    assert mail == LETTER + b"a\r\n.\r\nMAIL FROM:<x@y>\r\n.\r\nb\r\n.\r\nDATA\r\n"


# --- many letters, anything may happen ---

ENDS = st.sampled_from([CUT, HANG_UP, STALL])
WORDS = st.sampled_from(
    [CUT_AFTER, "250 ok", "250 ok\r\n250 ok", "354 go", "421 no", "450 no", "550 no", GARBAGE]
)
PLANS = st.fixed_dictionaries(
    {},
    optional={
        **{
            stage: st.lists(ENDS | WORDS, max_size=6)
            for stage in ("connect", "ehlo", "mail", "rcpt", "data", "dot", "rset")
        },
        "body": st.lists(ENDS, max_size=2),
    },
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PLANS, st.sampled_from([(), ("PIPELINING",)]))
def test_whatever_the_server_does_no_letter_is_called_what_it_is_not(
    plans: dict[str, list[Action]], offers: tuple[str, ...]
) -> None:
    with ScriptedSmtp(offers=offers) as server:
        for stage, actions in plans.items():
            server.plan(stage, *actions)
        with SmtpTransport(replace(plain(server.port), timeout=0.1, patience=0.1)) as post:
            said = {to: deliver(post, to=to) for to in ("a@example.org", "b@example.org", "c@example.org")}
    taken = [recipients for recipients, _ in server.accepted]
    for to, delivery in said.items():
        times = sum(to in recipients for recipients in taken)
        assert times <= 1
        if delivery.outcome is ACCEPTED:
            assert times == 1
        if delivery.outcome in {DEFERRED, REFUSED}:
            assert times == 0
    assert all(recipients[0] != OURS for recipients in taken), "a witness alone proves what is not so"


# --- two real servers ---


def test_a_lost_reply_is_unknown_whether_the_mail_was_kept_or_not(smtp: Sink) -> None:
    with SmtpTransport(plain(smtp.port)) as post:
        smtp.plan("data", DROP, DROP_BEFORE)
        assert [deliver(post).outcome for _ in range(3)] == [UNKNOWN, UNKNOWN, ACCEPTED]
    assert len(smtp.messages) == 2


def test_postfix_takes_puts_off_and_refuses(postfix: Postfix) -> None:
    account = plain(postfix.smtp)
    with SmtpTransport(account) as post:
        said = {
            to: deliver(post, to=to, witness="")
            for to in ("gone@customers.test", "kim@later.test", "kim@customers.test")
        }
    assert [delivery.outcome for delivery in said.values()] == [REFUSED, DEFERRED, ACCEPTED]
    assert said["gone@customers.test"].reply.startswith("550 5.1.1")
    assert any("MiB" in sentence for sentence in SmtpTransport(account).survey())


def test_postfix_wants_a_login_at_its_submission_port(postfix: Postfix) -> None:
    account = sealed(postfix.submission, str(postfix.ca_file))
    with pytest.raises(UnavailableError, match="refused the login of support: 535"):
        SmtpTransport(account).survey()
    with SmtpTransport(replace(account, username="")) as stranger:
        delivery = deliver(stranger)
    assert (delivery.outcome, delivery.outage) == (DEFERRED, False)
    assert "our set-up" in delivery.reply
