"""OAuth without a person, against a login server of our own that fails in each way; IMAP and SMTP take the token."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from followupd.adapters.accounts import logins_of
from followupd.adapters.imap.client import Account
from followupd.adapters.imap.mailbox import ImapMailbox
from followupd.adapters.oauth import GOOGLE, MICROSOFT, Application, ApplicationLogin
from followupd.adapters.settings import load
from followupd.adapters.smtp.transport import SmtpAccount, SmtpTransport
from followupd.cli.main import main
from followupd.domain.letter import DeliveryOutcome
from followupd.errors import SetupError, UnavailableError
from tests.servers.oauth import LoginServer
from tests.servers.scripted_imap import ScriptedImap
from tests.servers.scripted_smtp import ScriptedSmtp
from tests.story.configured import configured

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
TOKEN = {"token_type": "Bearer", "expires_in": 3600, "access_token": "access-of-the-application"}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def certificate(ends: datetime) -> str:
    """Return a certificate of KEY as an admin uploads it to the application."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "followupd")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    built = built.serial_number(7).not_valid_before(ends - timedelta(days=365)).not_valid_after(ends)
    return built.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def service_account(**changes: Any) -> str:
    """Return the key of a service account as Google's console writes it."""
    account = {
        "type": "service_account",
        "client_email": "desk@project.iam.gserviceaccount.com",
        "private_key": PEM,
        "private_key_id": "4711",
        "client_id": "1234",
        "token_uri": "https://elsewhere.example/token",
    }
    return json.dumps({**account, **changes})


SECRETS = {MICROSOFT: "the-client-secret", GOOGLE: service_account()}


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[LoginServer]:
    with LoginServer(authority) as server:
        server.tenant = "acme.test"
        yield server


@pytest.fixture
def application(tmp_path: Path, server: LoginServer, ca_file: str) -> Application:
    return Application(
        name="support",
        auth=MICROSOFT,
        username="support@example.com",
        client="client-id",
        file=tmp_path / "state/t.json",
        tenant="acme.test",
        secret=lambda: SECRETS[MICROSOFT],
        endpoint=server.url,
        ca_file=ca_file,
    )


def login(
    application: Application, auth: str = MICROSOFT, secret: str = "", **words: Any
) -> ApplicationLogin:
    changed = replace(application, auth=auth, secret=lambda: secret or SECRETS[auth])
    return ApplicationLogin(changed, words.get("now", lambda: NOW), words.get("until"))


BOTH = pytest.mark.parametrize("auth", [MICROSOFT, GOOGLE])


@BOTH
def test_a_token_is_asked_for_once_and_nothing_is_stored(
    application: Application, server: LoginServer, auth: str
) -> None:
    server.answers.append(TOKEN)
    assert login(application, auth).token() == TOKEN["access_token"]
    assert login(application, auth).token() == TOKEN["access_token"]
    [form] = server.asked
    assert not application.file.parent.exists()
    if auth == MICROSOFT:
        assert form["grant_type"] == "client_credentials"
        assert form["client_secret"] == "the-client-secret"
        assert form["scope"] == "https://outlook.office365.com/.default"
    else:
        claims = json.loads(base64.urlsafe_b64decode(form["assertion"].split(".")[1] + "=="))
        assert (claims["sub"], claims["scope"]) == ("support@example.com", "https://mail.google.com/")
        assert claims["iss"] == "desk@project.iam.gserviceaccount.com"


@BOTH
def test_a_token_that_ends_and_a_new_secret_are_asked_for_again(
    application: Application, server: LoginServer, auth: str
) -> None:
    server.answers.extend({**TOKEN, "access_token": f"access-{n}"} for n in range(3))
    assert login(application, auth).token() == "access-0"
    later = login(application, auth, now=lambda: NOW + timedelta(minutes=56))
    assert later.token() == "access-1"
    other = "another-secret" if auth == MICROSOFT else service_account(private_key_id="4712")
    assert login(application, auth, other).token() == "access-2"


def test_a_certificate_stands_in_for_a_secret_and_tells_its_own_end(
    application: Application, server: LoginServer
) -> None:
    server.answers.append(TOKEN)
    mine = login(application, secret=PEM + certificate(NOW + timedelta(days=20)))
    assert mine.token() == TOKEN["access_token"]
    [form] = server.asked
    header = json.loads(base64.urlsafe_b64decode(form["client_assertion"].split(".")[0] + "=="))
    assert header["alg"] in {"PS256", "RS256"}
    assert "client_secret" not in form
    assert mine.warning() == "the secret of the login of support ends on 2026-12-21; make a new one"


def aadsts(number: int, error: str = "invalid_client") -> dict[str, Any]:
    return {"error": error, "error_description": f"AADSTS{number}: the secret the-client-secret is bad"}


@pytest.mark.parametrize(
    ("auth", "answer", "words"),
    [
        (MICROSOFT, aadsts(7000222), "has ended: make a new one"),
        (MICROSOFT, aadsts(7000215), "its value is needed, not its id"),
        (MICROSOFT, aadsts(700027), "does not know this certificate"),
        (MICROSOFT, aadsts(700016, "unauthorized_client"), "knows no such application"),
        (MICROSOFT, aadsts(90002, "invalid_request"), "no such tenant"),
        (MICROSOFT, aadsts(1, "server_error"), "server_error 1"),
        (MICROSOFT, {"error": "invalid_client"}, "id or its secret is wrong"),
        (MICROSOFT, {"token_type": "Bearer", "expires_in": 3600}, "makes no sense"),
        (
            GOOGLE,
            {"error": "unauthorized_client", "error_description": "the-client-secret"},
            "allow its client id",
        ),
        (GOOGLE, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, "clock is wrong"),
        (GOOGLE, {"error": "access_denied"}, "access_denied"),
        (GOOGLE, {"token_type": "Bearer"}, "refused"),
    ],
)
def test_each_refusal_says_what_to_do_and_no_secret(
    application: Application, server: LoginServer, auth: str, answer: dict[str, Any], words: str
) -> None:
    server.answers.extend([answer] * 5)
    with pytest.raises(UnavailableError) as refused:
        login(application, auth, now=lambda: NOW + timedelta(days=1)).token()
    assert words in str(refused.value)
    assert "the-client-secret" not in str(refused.value)
    assert refused.value.__context__ is None or "the-client-secret" not in str(refused.value.__context__)


@BOTH
def test_a_login_server_that_hangs_up_is_an_outage(
    application: Application, server: LoginServer, auth: str
) -> None:
    server.hangs_up = True
    with pytest.raises(UnavailableError, match=r"support cannot be asked|refused"):
        login(application, auth, now=lambda: NOW + timedelta(days=2)).token()


@pytest.mark.parametrize(
    ("auth", "secret", "words"),
    [
        (MICROSOFT, PEM, "a private key and its certificate"),
        (MICROSOFT, "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "a private key"),
        (MICROSOFT, PEM + "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "cannot be asked"),
        (GOOGLE, "a-client-secret", "no key of a service account"),
        (GOOGLE, "[]", "no key of a service account"),
        (GOOGLE, '{"type": "authorized_user"}', "no key of a service account"),
        (GOOGLE, service_account(private_key="none"), "no key of a service account"),
    ],
)
def test_a_secret_of_another_kind_is_told_apart(
    application: Application, server: LoginServer, auth: str, secret: str, words: str
) -> None:
    with pytest.raises(UnavailableError, match=words):
        login(application, auth, secret).token()
    assert server.asked == []


def test_the_end_of_a_secret_is_told_a_month_before_and_after_it(application: Application) -> None:
    ends = date(2027, 1, 15)
    on = {
        day: login(application, until=ends, now=lambda day=day: day).warning()
        for day in (
            datetime(2026, 12, 10, tzinfo=UTC),
            datetime(2026, 12, 20, tzinfo=UTC),
            datetime(2027, 1, 15, 23, tzinfo=UTC),
            datetime(2027, 1, 16, 1, tzinfo=UTC),
        )
    }
    told = [text.partition("support ")[2].partition(" on")[0] for text in on.values()]
    assert told == ["", "ends", "ends", "has ended"]
    assert login(application).warning() == ""


def test_imap_and_smtp_take_the_token_of_the_application(
    application: Application, server: LoginServer
) -> None:
    server.answers.append(TOKEN)
    token = login(application, secret="for the doors").token
    bearer = base64.b64encode(b"user=shared@example.com\1auth=Bearer access-of-the-application\1\1").decode()
    words: dict[str, Any] = {
        "host": "127.0.0.1",
        "security": "none",
        "username": "shared@example.com",
        "token": token,
    }
    with (
        ScriptedImap({}, capabilities="AUTH=XOAUTH2") as imap,
        ImapMailbox(Account(name="support", port=imap.port, password=str, **words)),
    ):
        assert bearer in imap.commands
    with ScriptedSmtp(offers=("AUTH XOAUTH2",)) as smtp:
        with SmtpTransport(SmtpAccount(port=smtp.port, **words)) as post:
            delivery = post.deliver(
                b"Subject: x\r\n\r\nx\r\n", sender="shared@example.com", to="kim@customers.test"
            )
        assert delivery.outcome is DeliveryOutcome.ACCEPTED
        assert f"AUTH XOAUTH2 {bearer}" in smtp.commands


# the configuration

OAUTH = (
    'auth = "oauth-microsoft"\noauth_grant = "application"\noauth_client = "id"\noauth_tenant = "acme.test"\n'
)
OAUTH += 'oauth_secret = "file:secret"\noauth_until = "2026-12-24"\n'


def directory_with(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    directory = configured(tmp_path)
    (directory / "secret").write_text("the-client-secret")
    (directory / "secret").chmod(0o600)
    lines = OAUTH
    for old, new in changes:
        assert old in lines
        lines = lines.replace(old, new)
    text = (directory / "followupd.toml").read_text()
    host = 'host = "imap.example.com"\n'
    (directory / "followupd.toml").write_text(text.replace(host, host + lines))
    return directory


def test_the_configuration_makes_a_login_that_needs_nobody(tmp_path: Path) -> None:
    [mine] = logins_of(load(directory_with(tmp_path))).values()
    assert isinstance(mine, ApplicationLogin)
    assert mine.ends() == datetime(2026, 12, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('oauth_secret = "file:secret"\n', "", "an application needs its secret"),
        ('oauth_tenant = "acme.test"\n', "", "'common' is none"),
        ('auth = "oauth-microsoft"\n', "", "only OAuth has applications"),
        ("2026-12-24", "Christmas", "'Christmas' is no day"),
        ('oauth_client = "id"\n', "", "oauth_client"),
        ('"application"', '"robot"', "oauth_grant"),
    ],
)
def test_what_an_application_lacks_is_said(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(SetupError, match=words):
        load(directory_with(tmp_path, (old, new)))


def test_a_service_account_brings_its_own_id(tmp_path: Path) -> None:
    google = (("microsoft", "google"), ('oauth_client = "id"\n', ""), ('oauth_tenant = "acme.test"\n', ""))
    [mine] = logins_of(load(directory_with(tmp_path, *google))).values()
    assert isinstance(mine, ApplicationLogin)
    assert mine.auth == GOOGLE


def test_check_accepts_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--json", "--config", str(directory_with(tmp_path))])
    assert "oauth" not in capsys.readouterr().out
