"""The transport reports the true outcome of a result, wherever the connection breaks."""

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

SUPPORT, CUSTOMER = "support@example.com", "kim@example.org"
SECRET = "pä$$w0rd"
ACCEPTED, DEFERRED, REFUSED, UNKNOWN = DeliveryOutcome
LETTER = compose(
    Letter(
        key="FU-7K3Q9.follow-up.1",
        case="FU-7K3Q9",
        kind=LetterKind.FOLLOW_UP,
        mailbox="support",
        sender=Person(SUPPORT, "Ana Reyes"),
        to=Person(CUSTOMER, "Kim"),
        subject="It is here",
        text="Dear Kim,\n.\n..dots\nit is here.\n",
        html="<p>It is here.</p>",
        message_id="<FU-7K3Q9.follow-up.1.abcdefghijklmnop@example.com>",
    ),
    now=datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
)
#: larger than all buffers of a connection, so that it can break in the middle
LARGE = LETTER + (b"y" * 70 + b"\r\n") * 200_000
GARBAGE = "banana"


def plain(port: int, **more: Any) -> SmtpAccount:
    return SmtpAccount(host="127.0.0.1", port=port, security="none", timeout=10, final_timeout=10, **more)


def encrypted(port: int, ca_file: str, **more: Any) -> SmtpAccount:
    account = SmtpAccount(
        host="localhost",
        port=port,
        username="support",
        password=lambda: SECRET,
        ca_file=ca_file,
        timeout=10,
        final_timeout=10,
    )
    return replace(account, **more)


def deliver(
    transport: SmtpTransport, letter: bytes = LETTER, *, to: str = CUSTOMER, witness: str = SUPPORT
) -> DeliveryResult:
    return transport.deliver(letter, sender=SUPPORT, to=to, witness=witness)


def test_an_accepted_letter_arrives_unchanged_with_its_bcc_copy(smtp: Sink) -> None:
    with SmtpTransport(plain(smtp.port)) as transport:
        result = deliver(transport)
    assert result == DeliveryResult(ACCEPTED, "250 2.0.0 queued", witnessed=True)
    (envelope,) = smtp.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == (SUPPORT, [CUSTOMER, SUPPORT])
    assert envelope.content == LETTER


def test_one_connection_carries_all_letters_of_a_run(smtp: Sink) -> None:
    with SmtpTransport(plain(smtp.port)) as transport:
        outcomes = [deliver(transport, to=f"kim{number}@example.org").outcome for number in range(20)]
    assert outcomes == [ACCEPTED] * 20
    assert smtp.connections == 1
    assert [envelope.rcpt_tos[0] for envelope in smtp.messages] == [
        f"kim{number}@example.org" for number in range(20)
    ]


def test_a_letter_is_sent_over_starttls_with_a_login(smtp_login: Sink, ca_file: str) -> None:
    account = encrypted(smtp_login.port, ca_file, password=lambda: "secret")
    with SmtpTransport(account) as transport:
        assert deliver(transport).outcome is ACCEPTED
    assert "login of support is accepted" in " ".join(SmtpTransport(account).survey())


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # the sink does not count TLS from the start
def test_a_letter_is_sent_over_implicit_tls(authority: trustme.CA, ca_file: str) -> None:
    with Sink(authority, {"support": "secret"}, implicit_tls=True) as sink:
        account = encrypted(sink.port, ca_file, security="tls", password=lambda: "secret")
        with SmtpTransport(account) as transport:
            assert deliver(transport, LARGE).outcome is ACCEPTED
            assert deliver(transport).outcome is ACCEPTED
        assert sink.connections == 1
        assert "encrypted with TLSv1" in " ".join(SmtpTransport(account).survey())


# --- every stage at which the connection may break ---

#: the outcome after a reset, a close, a timeout, 421, 4xx, 5xx and garbage, by kind of stage
SETUP = (DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED)
ABOUT_LETTER = (DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, REFUSED, DEFERRED)
AFTER_DOT = (UNKNOWN, UNKNOWN, UNKNOWN, DEFERRED, DEFERRED, REFUSED, UNKNOWN)
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
    "rcpt": ABOUT_LETTER,
    "data": ABOUT_LETTER,
    "dot": AFTER_DOT,
}
BREAKS = [
    pytest.param(stage, action, outcome, id=f"{stage}-{name}")
    for stage, outcomes in STAGES.items()
    for (name, action), outcome in zip(ACTIONS.items(), outcomes, strict=True)
]


def actions_for(stage: str, action: Action) -> list[Action]:
    """Return the action as often as it takes: a refused EHLO is repeated as HELO."""
    return [action] * (2 if stage == "ehlo" and isinstance(action, str) else 1)


@pytest.fixture(scope="module")
def script(authority: trustme.CA) -> Callable[[], ScriptedSmtp]:
    return lambda: ScriptedSmtp(authority)


@pytest.mark.parametrize(("stage", "action", "outcome"), BREAKS)
def test_a_break_has_its_outcome_and_the_next_letter_is_sent(
    script: Callable[[], ScriptedSmtp], ca_file: str, stage: str, action: Action, outcome: DeliveryOutcome
) -> None:
    wait = 0.5 if action == STALL else 10
    with script() as server:
        transport = SmtpTransport(encrypted(server.port, ca_file, timeout=wait, final_timeout=wait))
        server.plan(stage, *actions_for(stage, action))
        result = deliver(transport)
        assert (result.outcome, result.witnessed) == (outcome, stage == "dot")
        assert result.outage == (stage in {"connect", "ehlo", "starttls", "auth"})
        assert result.reply
        assert SECRET not in result.reply
        taken = len(server.accepted)
        assert taken == (1 if outcome is UNKNOWN else 0)

        assert deliver(transport) == DeliveryResult(ACCEPTED, "250 2.0.0 queued", witnessed=True)
        assert [recipients for recipients, _ in server.accepted[taken:]] == [[CUSTOMER, SUPPORT]]
        transport.close()


@pytest.mark.parametrize(
    ("stage", "action", "outcome"), [each for each in BREAKS if each.values[0] in {"mail", "rcpt", "data"}]
)
def test_a_break_has_the_same_outcome_with_pipelining(
    stage: str, action: Action, outcome: DeliveryOutcome
) -> None:
    wait = 0.5 if action == STALL else 10
    with ScriptedSmtp(offers=("PIPELINING",)) as server:
        transport = SmtpTransport(replace(plain(server.port), timeout=wait))
        server.plan(stage, action)
        assert deliver(transport).outcome is outcome
        assert not server.accepted
        assert deliver(transport).outcome is ACCEPTED
        assert server.accepted == [([CUSTOMER, SUPPORT], LETTER)]
        transport.close()


# CPython's SSLSocket._create leaves a socket open that was reset just before TLS began; it closes with its
# last reference.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
@pytest.mark.parametrize("action", [CUT, HANG_UP, STALL])
def test_a_break_in_the_tls_handshake_defers(
    ca_file: str, script: Callable[[], ScriptedSmtp], action: bytes
) -> None:
    wait = 0.5 if action == STALL else 10
    with script() as server, SmtpTransport(encrypted(server.port, ca_file, timeout=wait)) as transport:
        server.plan("handshake", action)
        assert deliver(transport).outcome is DEFERRED
    assert not server.accepted


@pytest.mark.parametrize("action", [CUT, HANG_UP, STALL])
def test_a_break_in_the_middle_of_the_body_defers(
    ca_file: str, script: Callable[[], ScriptedSmtp], action: bytes
) -> None:
    wait = 0.5 if action == STALL else 10
    with script() as server, SmtpTransport(encrypted(server.port, ca_file, timeout=wait)) as transport:
        server.offers = ("AUTH PLAIN",)
        server.plan("body", action)
        result = deliver(transport, LARGE)
    assert result.outcome is DEFERRED
    assert not server.accepted


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [("552 5.3.4 too large", REFUSED), ("451 4.3.1 disk full", DEFERRED), ("250 2.0.0 queued", DEFERRED)],
)
def test_after_an_early_reply_the_final_dot_is_not_sent(reply: str, outcome: DeliveryOutcome) -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as transport:
        server.plan("data", f"354 go ahead\r\n{reply}")
        result = deliver(transport)
    assert (result.outcome, result.reply) == (outcome, reply)
    assert not server.accepted


def test_a_connection_lost_after_250_has_taken_the_letter_and_the_next_uses_another() -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as transport:
        server.plan("dot", CUT_AFTER)
        assert deliver(transport).outcome is ACCEPTED
        assert deliver(transport).outcome is ACCEPTED
        assert (len(server.accepted), server.connections) == (2, 2)


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)])
@pytest.mark.parametrize("stage", ["mail", "rcpt"])
@pytest.mark.parametrize("action", [CUT, HANG_UP, "421 4.4.2 you were idle for too long", GARBAGE])
def test_a_kept_connection_that_is_dead_before_data_is_replaced_once(
    action: Action, stage: str, offers: tuple[str, ...]
) -> None:
    with ScriptedSmtp(offers=offers) as server, SmtpTransport(plain(server.port)) as transport:
        assert deliver(transport, witness="").outcome is ACCEPTED
        server.plan(stage, action)
        assert deliver(transport, witness="").outcome is ACCEPTED
        assert (len(server.accepted), server.connections) == (2, 2)
        server.plan(stage, action, action)
        assert deliver(transport, witness="").outcome is DEFERRED
        assert (len(server.accepted), server.connections) == (2, 3)


@pytest.mark.parametrize("stage", ["data", "dot"])
def test_a_kept_connection_that_is_lost_later_is_not_replaced(stage: str) -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as transport:
        assert deliver(transport).outcome is ACCEPTED
        server.plan(stage, HANG_UP)
        assert deliver(transport).outcome is (UNKNOWN if stage == "dot" else DEFERRED)
        assert server.connections == 1


@pytest.mark.parametrize(
    "reply", ["354 go on", "150 hm", " ", "999 what", "25", "2x0 ok", "250-and then\r\nbanana"]
)
def test_a_reply_after_the_dot_that_is_not_final_gives_an_unknown_outcome(reply: str) -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as transport:
        server.plan("dot", reply)
        assert deliver(transport).outcome is UNKNOWN
        assert deliver(transport).outcome is ACCEPTED
        assert server.connections == 2


def test_a_second_reply_is_never_taken_for_the_reply_to_the_next_command() -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as transport:
        server.plan("dot", "250 queued\r\n250 queued")
        server.plan("rcpt", "250 ok", "250 ok", "550 5.1.1 no such user")
        assert deliver(transport).outcome is ACCEPTED
        assert deliver(transport).outcome is REFUSED
        assert (len(server.accepted), server.connections) == (1, 2)


def test_closing_the_connection_to_a_silent_server_is_quick() -> None:
    with ScriptedSmtp() as server:
        transport = SmtpTransport(plain(server.port))
        assert deliver(transport).outcome is ACCEPTED
        server.plan("quit", STALL)
        start = monotonic()
        transport.close()
        assert monotonic() - start < 8, "the account's own timeout is 10 seconds"
        assert deliver(transport).outcome is ACCEPTED
        transport.close()


# --- the BCC recipient ---


@pytest.mark.parametrize(
    ("reply", "outcome"), [("550 5.1.1 no such user", REFUSED), ("450 4.2.1 greylisted", DEFERRED)]
)
def test_no_copy_is_sent_of_a_letter_that_the_customer_cannot_get(
    smtp: Sink, reply: str, outcome: DeliveryOutcome
) -> None:
    smtp.plan("rcpt", reply)
    with SmtpTransport(plain(smtp.port)) as transport:
        assert deliver(transport) == DeliveryResult(outcome, reply)
        assert not smtp.messages
        assert deliver(transport).outcome is ACCEPTED
    assert smtp.connections == 1


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
@pytest.mark.parametrize(
    ("reply", "outcome"), [("550 5.1.1 no such user", REFUSED), ("450 4.2.1 greylisted", DEFERRED)]
)
def test_no_message_is_sent_to_the_bcc_recipient_alone(
    stage: str, reply: str, outcome: DeliveryOutcome
) -> None:
    with ScriptedSmtp(offers=("PIPELINING",)) as server, SmtpTransport(plain(server.port)) as transport:
        server.plan(stage, reply)
        result = deliver(transport)
        assert result.outcome is (DEFERRED if stage == "mail" else outcome)
        assert not server.accepted
        assert deliver(transport).outcome is ACCEPTED
    assert server.accepted == [([CUSTOMER, SUPPORT], LETTER)]
    assert server.connections == 2


@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "450 4.2.1 later"])
def test_a_refused_bcc_recipient_does_not_stop_the_letter(reply: str) -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as transport:
        server.plan("rcpt", "250 ok", reply)
        result = deliver(transport)
    assert result == DeliveryResult(
        ACCEPTED, f"250 2.0.0 queued (the BCC recipient was refused: {reply})", witnessed=False
    )
    assert server.accepted == [([CUSTOMER], LETTER)]


def test_a_letter_to_the_bcc_recipient_is_sent_there_once(smtp: Sink) -> None:
    with SmtpTransport(plain(smtp.port)) as transport:
        assert deliver(transport, to=SUPPORT) == DeliveryResult(ACCEPTED, "250 2.0.0 queued")
    assert smtp.messages[0].rcpt_tos == [SUPPORT]


# --- a problem of our configuration never refuses a letter ---


def test_a_wrong_password_defers_and_is_tried_once_a_run(smtp_login: Sink, ca_file: str) -> None:
    asked = []

    def wrong() -> str:
        asked.append(SECRET)
        return SECRET

    with SmtpTransport(encrypted(smtp_login.port, ca_file, password=wrong)) as transport:
        results = [deliver(transport) for _ in range(5)]
    assert {(result.outcome, result.outage) for result in results} == {(DEFERRED, True)}
    assert "refused the login of support: 535" in results[0].reply
    assert len(asked) == 1
    with transport:
        deliver(transport)
    assert len(asked) == 2, "the next run tries again"


def test_a_password_that_the_server_repeats_is_removed_from_the_reply(
    script: Callable[[], ScriptedSmtp], ca_file: str
) -> None:
    with script() as server:
        server.plan(
            "auth",
            f"535 5.7.8 {SECRET} is wrong",
            "535 5.7.8 cMOkJCR3MHJk is wrong",
            "535 5.7.8 AHN1cHBvcnQAcMOkJCR3MHJk is wrong",
        )
        transport = SmtpTransport(encrypted(server.port, ca_file))
        replies = [deliver(transport).reply for _ in range(3)]
    assert all(reply.endswith("535 5.7.8 *** is wrong") for reply in replies)
    assert SECRET not in repr(encrypted(1, ca_file))


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("mail", "530 5.7.0 Authentication required"),
        ("mail", "553 5.7.1 sender not owned by user"),
        ("rcpt", "530 5.7.0 Must issue a STARTTLS command first"),
        ("rcpt", "554 5.7.1 <kim@example.org>: Relay access denied"),
    ],
)
def test_a_refusal_of_our_address_or_login_does_not_refuse_the_letter(stage: str, reply: str) -> None:
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as transport:
        server.plan(stage, reply)
        assert deliver(transport) == DeliveryResult(DEFERRED, f"our configuration, not the letter: {reply}")


def test_a_server_that_offers_no_starttls_gets_neither_letter_nor_password(ca_file: str) -> None:
    with ScriptedSmtp() as server, SmtpTransport(encrypted(server.port, ca_file)) as transport:
        result = deliver(transport)
    assert (result.outcome, result.outage) == (DEFERRED, True)
    assert "does not offer STARTTLS" in result.reply
    assert not [command for command in server.commands if not command.lower().startswith(("ehlo", "quit"))]


def test_what_was_offered_before_tls_is_void_after_it(
    script: Callable[[], ScriptedSmtp], ca_file: str
) -> None:
    with script() as server, SmtpTransport(encrypted(server.port, ca_file)) as transport:
        server.plan("starttls", "220 go on\r\n250-mail.evil.test\r\n250 AUTH PLAIN")
        assert deliver(transport).outcome in {ACCEPTED, DEFERRED}
    assert server.commands.count("EHLO [127.0.0.1]") + server.commands.count("ehlo [127.0.0.1]") in {1, 2}


def test_a_certificate_of_an_unknown_authority_or_another_name_defers(
    script: Callable[[], ScriptedSmtp], ca_file: str
) -> None:
    with script() as server:
        for account in (encrypted(server.port, ""), encrypted(server.port, ca_file, host="127.1")):
            result = deliver(SmtpTransport(account))
            assert (result.outcome, result.outage) == (DEFERRED, True)
            assert "is not trusted" in result.reply
    assert not [command for command in server.commands if command.upper().startswith(("AUTH", "MAIL"))]


def test_an_unreachable_server_defers_and_fails_the_survey(ca_file: str) -> None:
    (port,) = free_ports(1)
    reasons = {
        "nothing listens": plain(port),
        "the name": SmtpAccount(host="no-such-host.invalid", timeout=10),
        "the CA file": encrypted(port, "/no/such/ca.pem"),
    }
    for reason, account in reasons.items():
        result = deliver(SmtpTransport(account))
        assert (result.outcome, result.outage) == (DEFERRED, True)
        assert reason in result.reply
        with pytest.raises(UnavailableError, match=reason):
            SmtpTransport(account).survey()


def test_a_password_that_cannot_be_read_defers(script: Callable[[], ScriptedSmtp], ca_file: str) -> None:
    def gone() -> str:
        raise SetupError([])

    def unreadable() -> str:
        raise PermissionError(13, "Permission denied")

    with script() as server:
        for secret in (gone, unreadable):
            result = deliver(SmtpTransport(encrypted(server.port, ca_file, password=secret)))
            assert (result.outcome, result.outage) == (DEFERRED, True)


def test_an_unencrypted_connection_is_allowed_to_this_machine_only() -> None:
    for host in ("localhost", "127.0.0.1", "::1"):
        assert SmtpAccount(host=host, security="none").host == host
    with pytest.raises(ValueError, match="unencrypted"):
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
    with script() as server, SmtpTransport(encrypted(server.port, ca_file)) as transport:
        server.offers = (offer,)
        server.plan("auth", *replies)
        deliver(transport)
    at = server.commands.index(commands[0])
    assert server.commands[at : at + len(commands)] == commands


def test_an_access_token_is_used_in_place_of_the_password(
    script: Callable[[], ScriptedSmtp], ca_file: str
) -> None:
    with (
        script() as server,
        SmtpTransport(encrypted(server.port, ca_file, token=lambda: "ya29")) as transport,
    ):
        assert deliver(transport).outcome is ACCEPTED
    assert "AUTH XOAUTH2 dXNlcj1zdXBwb3J0AWF1dGg9QmVhcmVyIHlhMjkBAQ==" in server.commands


def test_a_server_without_a_supported_login_defers(script: Callable[[], ScriptedSmtp], ca_file: str) -> None:
    with script() as server, SmtpTransport(encrypted(server.port, ca_file)) as transport:
        server.offers = ("AUTH GSSAPI",)
        assert "it offers GSSAPI" in deliver(transport).reply


# --- letters that this server can never take ---


def test_a_letter_above_the_size_limit_is_refused_without_being_sent() -> None:
    with ScriptedSmtp(offers=("SIZE 500",)) as server, SmtpTransport(plain(server.port)) as transport:
        result = deliver(transport)
    assert result == DeliveryResult(REFUSED, f"the letter has {len(LETTER)} bytes, and the server takes 500")
    assert not [command for command in server.commands if command.startswith("MAIL")]


def test_a_letter_that_the_server_calls_too_large_is_refused(smtp: Sink) -> None:
    smtp.plan("mail", "552 5.3.4 too large")
    with SmtpTransport(plain(smtp.port)) as transport:
        assert deliver(transport) == DeliveryResult(REFUSED, "552 5.3.4 too large")


def test_an_address_beyond_ascii_needs_a_server_with_smtputf8(authority: trustme.CA, smtp: Sink) -> None:
    with SmtpTransport(plain(smtp.port)) as transport:
        assert deliver(transport, to="jürgen@bücher.example").outcome is ACCEPTED
    assert smtp.messages[0].rcpt_tos[0] == "jürgen@xn--bcher-kva.example"
    assert "SMTPUTF8" in smtp.messages[0].mail_options
    with Sink(authority, utf8=False) as sink, SmtpTransport(plain(sink.port)) as transport:
        result = deliver(transport, to="jürgen@example.org")
        assert result.outcome is REFUSED
        assert "does not offer SMTPUTF8" in result.reply
        assert deliver(transport).outcome is ACCEPTED


@pytest.mark.parametrize("to", ["", "kim", "kim@x> SIZE=0", "kim@x\r\nRCPT TO:<evil@example.net>"])
def test_an_invalid_address_is_refused_without_a_connection(to: str) -> None:
    assert deliver(SmtpTransport(plain(free_ports(1)[0])), to=to).outcome is REFUSED


def test_bare_line_ends_cannot_smuggle_a_second_message() -> None:
    hostile = LETTER + b"a\n.\nMAIL FROM:<x@y>\r.\rb\r\n.\r\nDATA"
    with ScriptedSmtp() as server, SmtpTransport(plain(server.port)) as transport:
        assert deliver(transport, hostile).outcome is ACCEPTED
    ((_, mail),) = server.accepted
    assert mail == LETTER + b"a\r\n.\r\nMAIL FROM:<x@y>\r\n.\r\nb\r\n.\r\nDATA\r\n"


# --- many letters and any failure ---

ENDS = st.sampled_from([CUT, HANG_UP, STALL])
REPLIES = st.sampled_from(
    [CUT_AFTER, "250 ok", "250 ok\r\n250 ok", "354 go", "421 no", "450 no", "550 no", GARBAGE]
)
PLANS = st.fixed_dictionaries(
    {},
    optional={
        **{
            stage: st.lists(ENDS | REPLIES, max_size=6)
            for stage in ("connect", "ehlo", "mail", "rcpt", "data", "dot", "rset")
        },
        "body": st.lists(ENDS, max_size=2),
    },
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PLANS, st.sampled_from([(), ("PIPELINING",)]))
def test_the_outcome_is_true_whatever_the_server_does(
    plans: dict[str, list[Action]], offers: tuple[str, ...]
) -> None:
    with ScriptedSmtp(offers=offers) as server:
        for stage, actions in plans.items():
            server.plan(stage, *actions)
        with SmtpTransport(replace(plain(server.port), timeout=0.1, final_timeout=0.1)) as transport:
            results = {
                to: deliver(transport, to=to) for to in ("a@example.org", "b@example.org", "c@example.org")
            }
    taken = [recipients for recipients, _ in server.accepted]
    for to, result in results.items():
        times = sum(to in recipients for recipients in taken)
        assert times <= 1
        if result.outcome is ACCEPTED:
            assert times == 1
        if result.outcome in {DEFERRED, REFUSED}:
            assert times == 0
    assert all(recipients[0] != SUPPORT for recipients in taken), (
        "a copy without a letter would prove what is not so"
    )


# --- two real servers ---


def test_a_lost_reply_is_unknown_whether_or_not_the_message_was_taken(smtp: Sink) -> None:
    with SmtpTransport(plain(smtp.port)) as transport:
        smtp.plan("data", DROP, DROP_BEFORE)
        assert [deliver(transport).outcome for _ in range(3)] == [UNKNOWN, UNKNOWN, ACCEPTED]
    assert len(smtp.messages) == 2


def test_postfix_accepts_defers_and_refuses(postfix: Postfix) -> None:
    account = plain(postfix.smtp)
    with SmtpTransport(account) as transport:
        results = {
            to: deliver(transport, to=to, witness="")
            for to in ("gone@customers.test", "kim@later.test", "kim@customers.test")
        }
    assert [result.outcome for result in results.values()] == [REFUSED, DEFERRED, ACCEPTED]
    assert results["gone@customers.test"].reply.startswith("550 5.1.1")
    assert any("MiB" in sentence for sentence in SmtpTransport(account).survey())


def test_postfix_requires_a_login_at_its_submission_port(postfix: Postfix) -> None:
    account = encrypted(postfix.submission, str(postfix.ca_file))
    with pytest.raises(UnavailableError, match="refused the login of support: 535"):
        SmtpTransport(account).survey()
    with SmtpTransport(replace(account, username="")) as anonymous:
        result = deliver(anonymous)
    assert (result.outcome, result.outage) == (DEFERRED, False)
    assert "our configuration" in result.reply
