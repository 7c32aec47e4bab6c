"""OAuth logins against a login server of our own: kept for their owner alone, renewed in time, told of before they end."""

import base64
import json
import logging
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from followupd.adapters import oauth as oauth_providers
from followupd.adapters.accounts import login_of, logins_of, mailbox_of
from followupd.adapters.imap.client import Account
from followupd.adapters.imap.mailbox import ImapMailbox
from followupd.adapters.oauth import GOOGLE, MICROSOFT, Application, Login
from followupd.adapters.settings import load
from followupd.adapters.smtp.transport import SmtpAccount, SmtpTransport
from followupd.cli.main import main
from followupd.domain.letter import DeliveryOutcome
from followupd.errors import SetupError, UnavailableError
from tests.servers.oauth import ENDED, LoginServer
from tests.servers.scripted_imap import ScriptedImap
from tests.servers.scripted_smtp import ScriptedSmtp
from tests.story.configured import configured

Make = Callable[..., Login]


class Days:
    """The time of a test, which passes by its own word."""

    def __init__(self) -> None:
        self.now = datetime(2026, 12, 1, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def days() -> Days:
    return Days()


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[LoginServer]:
    with LoginServer(authority) as server:
        yield server


@pytest.fixture
def make(tmp_path: Path, server: LoginServer, ca_file: str, days: Days) -> Make:
    def make(auth: str = MICROSOFT) -> Login:
        application = Application(
            name="support",
            auth=auth,
            username="support@example.com",
            client="client-id",
            file=tmp_path / "state/t.json",
            secret=lambda: "client-secret" if auth == GOOGLE else "",
            endpoint=server.url,
            ca_file=ca_file,
        )
        return Login(application, days)

    return make


def logged_in(login: Login) -> Login:
    if login.auth == MICROSOFT:
        login.by_device_code(lambda _: None)
    else:
        said: list[str] = []
        login.by_pasted_code(said.append, lambda: answered(said[0]))
    return login


def answered(question: str, code: str = "the-code") -> str:
    """Return the address that a browser ends at."""
    return f"http://127.0.0.1/?state={parse_qs(urlsplit(question).query)['state'][0]}&code={code}"


BOTH = pytest.mark.parametrize("auth", [MICROSOFT, GOOGLE])


def test_microsoft_is_asked_by_device_code(make: Make, server: LoginServer) -> None:
    said: list[str] = []
    login = make()
    login.by_device_code(said.append)
    assert said == ["Open https://example.test/device and type ABCD-EFGH"]
    assert login.token() == "access-1"
    assert server.asked[0]["device_code"] == "device"


def test_google_is_asked_by_a_pasted_address(make: Make, server: LoginServer) -> None:
    said: list[str] = []
    login = make(GOOGLE)
    login.by_pasted_code(said.append, lambda: answered(said[0]))
    assert login.token() == "access-1"
    question = parse_qs(urlsplit(said[0]).query)
    assert question["scope"] == ["https://mail.google.com/"]
    assert question["code_challenge_method"] == ["S256"]
    [form] = server.asked
    assert (form["code"], form["client_secret"]) == ("the-code", "client-secret")


@pytest.mark.parametrize(
    "pasted",
    [
        "http://127.0.0.1/?state=other&code=x",
        "http://127.0.0.1/",
        "",
        "http://127.0.0.1/?error=access_denied",
    ],
)
def test_what_is_no_answer_to_the_question_is_refused(make: Make, server: LoginServer, pasted: str) -> None:
    with pytest.raises(UnavailableError):
        make(GOOGLE).by_pasted_code(lambda _: None, lambda: pasted)
    assert server.asked == []


@BOTH
def test_the_token_is_its_owners_alone_and_lasts_over_processes(
    make: Make, tmp_path: Path, auth: str
) -> None:
    logged_in(make(auth))
    file = tmp_path / "state/t.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert make(auth).token() == "access-1"


def test_a_token_is_renewed_before_it_ends_and_the_newest_refresh_token_is_used(
    make: Make, server: LoginServer, days: Days
) -> None:
    login = logged_in(make())
    days.now += timedelta(minutes=50)
    assert login.token() == "access-1"
    days.now += timedelta(minutes=6)
    assert login.token() == "access-2"
    days.now += timedelta(hours=1)
    assert login.token() == "access-3"
    assert [form.get("refresh_token") for form in server.asked] == [None, "refresh-1", "refresh-2"]


def test_google_keeps_one_refresh_token(make: Make, server: LoginServer, days: Days) -> None:
    login = logged_in(make(GOOGLE))
    days.now += timedelta(hours=2)
    server.answers.append({"access_token": "renewed", "expires_in": 3600, "token_type": "Bearer"})
    assert login.token() == "renewed"
    assert server.asked[-1]["refresh_token"] == "refresh-1"


def test_many_threads_renew_once(make: Make, server: LoginServer, days: Days) -> None:
    login = logged_in(make())
    days.now += timedelta(hours=2)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(login.token())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["access-2"] * 6
    assert len(server.asked) == 2


@BOTH
def test_an_ended_login_is_an_outage_that_says_what_to_do_and_no_secret(
    make: Make, server: LoginServer, days: Days, auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    login = logged_in(make(auth))
    days.now += timedelta(hours=2)
    server.answers.append(ENDED)
    with pytest.raises(UnavailableError, match="followupd login support") as caught:
        login.token()
    for secret in ("secret-token", "refresh-1", "access-1", "client-secret"):
        assert secret not in f"{caught.value!r} {caught.value.__context__!r} {login!r} {caplog.text}"


def test_a_login_server_that_is_away_is_an_outage(make: Make, server: LoginServer, days: Days) -> None:
    login = logged_in(make())
    days.now += timedelta(hours=2)
    server.hangs_up = True
    with pytest.raises(UnavailableError, match="cannot be asked"):
        login.token()


def test_nobody_logged_in_yet_is_said(make: Make) -> None:
    with pytest.raises(UnavailableError, match="followupd login support"):
        make().token()
    assert "never logged in" in make().warning()


def test_the_end_of_a_login_is_told_days_before(make: Make, server: LoginServer, days: Days) -> None:
    login = make(GOOGLE)
    server.answers.append(
        {
            "access_token": "a",
            "refresh_token": "r",
            "expires_in": 3600,
            "refresh_token_expires_in": 30 * 86_400,
        }
    )
    logged_in(login)
    assert login.warning() == ""
    days.now += timedelta(days=24)
    assert login.warning() == "the login of support ends on 2026-12-31; run `followupd login support`"


def test_microsofts_login_lives_by_its_use(make: Make, days: Days) -> None:
    login = logged_in(make())
    days.now += timedelta(days=85)
    assert "ends on" in login.warning()
    login.token()
    assert login.warning() == ""


# the doors


def test_imap_and_smtp_log_in_with_the_token(make: Make) -> None:
    token = logged_in(make()).token
    bearer = base64.b64encode(b"user=support@example.com\1auth=Bearer access-1\1\1").decode()
    with ScriptedImap({}, capabilities="AUTH=XOAUTH2") as imap:
        account = Account(
            name="support",
            host="127.0.0.1",
            port=imap.port,
            security="none",
            username="support@example.com",
            password=str,
            token=token,
        )
        with ImapMailbox(account):
            assert bearer in imap.commands
    with ScriptedSmtp(offers=("AUTH XOAUTH2",)) as smtp:
        post_account = SmtpAccount(
            host="127.0.0.1", port=smtp.port, security="none", username="support@example.com", token=token
        )
        with SmtpTransport(post_account) as post:
            letter = b"Subject: x\r\n\r\nx\r\n"
            delivery = post.deliver(letter, sender="support@example.com", to="kim@customers.test")
        assert delivery.outcome is DeliveryOutcome.ACCEPTED
        assert f"AUTH XOAUTH2 {bearer}" in smtp.commands


def test_an_ended_login_defers_letters_and_keeps_them(make: Make) -> None:
    with ScriptedSmtp(offers=("AUTH XOAUTH2",)) as smtp:
        account = SmtpAccount(
            host="127.0.0.1",
            port=smtp.port,
            security="none",
            username="support@example.com",
            token=make().token,
        )
        with SmtpTransport(account) as post:
            delivery = post.deliver(
                b"Subject: x\r\n\r\nx\r\n", sender="s@example.com", to="kim@customers.test"
            )
    assert delivery.outcome is DeliveryOutcome.DEFERRED
    assert "followupd login support" in delivery.reply


# the configuration

OAUTH = 'auth = "oauth-microsoft"\noauth_client = "client-id"\n'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = configured(tmp_path)
    text = (directory / "followupd.toml").read_text()
    begun = text.replace('host = "imap.example.com"\n', f'host = "imap.example.com"\n{OAUTH}')
    mine = f'host = "smtp.example.com"\nusername = "support@example.com"\n{OAUTH}'
    (directory / "followupd.toml").write_text(begun.replace('host = "smtp.example.com"\n', mine))
    return directory


def test_one_login_serves_mailbox_and_post_of_one_account_and_no_password_is_asked_for(
    directory: Path,
) -> None:
    settings = load(directory)
    assert list(logins_of(settings)) == ["support"]
    assert settings.mailboxes[0].oauth_token == settings.smtp.oauth_token
    assert settings.mailboxes[0].oauth_token.endswith("/oauth-microsoft-support@example.com.json")
    assert not settings.mailboxes[0].password.given
    assert mailbox_of(settings.mailboxes[0]).account.token is not None
    assert login_of(settings, "smtp") is not None
    assert login_of(settings, "nobody") is None


def test_oauth_without_a_client_is_a_problem(directory: Path) -> None:
    file = directory / "followupd.toml"
    file.write_text(file.read_text().replace('oauth_client = "client-id"\n', ""))
    with pytest.raises(SetupError, match="oauth_client"):
        load(directory)


def test_a_missing_extra_is_told_with_the_command_that_brings_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(oauth_providers.EXTRAS, MICROSOFT, (("no_such_module",), "microsoft"))
    with pytest.raises(SetupError, match=r"pip install 'followupd\[microsoft\]'"):
        logins_of(load(directory))


def test_a_token_of_another_application_is_not_used(make: Make, tmp_path: Path) -> None:
    logged_in(make())
    file = tmp_path / "state/t.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"client": "another"}))
    with pytest.raises(UnavailableError, match="not logged in"):
        make().token()


# the commands


def test_login_is_asked_for_by_name(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["login", "nobody", "--config", str(directory)]) == 2
    assert "no mailbox 'nobody' with OAuth" in capsys.readouterr().err


def test_status_says_that_nobody_has_logged_in(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = directory / "ledger.db"
    text = (directory / "followupd.toml").read_text()
    (directory / "followupd.toml").write_text(
        f'{text}\n[ledger]\nurl = "sqlite:///{ledger.name}"\nkey = "file:key"\n'
    )
    (directory / "key").write_text(secrets.token_hex(32))
    assert main(["status", "--json", "--config", str(directory)]) == 1
    assert "followupd login support" in capsys.readouterr().out
