"""Each mistake in the configuration is found at its line, with its rule and a hint."""

import re
from pathlib import Path

import pytest

from followupd.adapters import settings
from followupd.adapters.settings import SettingsRule
from followupd.adapters.settings.models import ConfigurationFile, WordingSettings
from followupd.adapters.settings.playbooks import PlaybookFile
from followupd.adapters.settings.toml_file import Table
from followupd.errors import SetupError
from tests.configuration_tables import Section, sections
from tests.story.configured import MINIMAL, amend, configured, line_of, only, rewrite


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return configured(tmp_path)


MISTAKES = [
    (
        'timezone = "Europe/London"',
        'timezone = "London"',
        SettingsRule.TIMEZONE,
        "company.timezone",
        "Europe/London",
    ),
    ('timezone = "Europe/London"', 'timezone = "../etc"', SettingsRule.TIMEZONE, "company.timezone", "IANA"),
    ('timezone = "Europe/London"', 'locale = "en-GB"', SettingsRule.LOCALE, "company.locale", "'en_GB'"),
    ('timezone = "Europe/London"', 'currency = "eur"', SettingsRule.CURRENCY, "company.currency", "'EUR'"),
    (
        'timezone = "Europe/London"',
        'timezon = "Europe/London"',
        SettingsRule.UNKNOWN,
        "company.timezon",
        "'timezone'",
    ),
    ('timezone = "Europe/London"', 'poll = "5 minutes"', SettingsRule.UNKNOWN, "company.poll", "[mailbox]"),
    ('name = "Example Ltd"', 'name = ""', SettingsRule.MISSING, "company.name", ""),
    ('name = "Example Ltd"', "name = 7", SettingsRule.TYPE, "company.name", "quotes"),
    (
        'name = "Example Ltd"',
        'name = "A\\r\\nBcc: x@example.org"',
        SettingsRule.TYPE,
        "company.name",
        "line breaks",
    ),
    ('name = "support"', 'name = "sup port"', SettingsRule.NAME, "mailbox[0].name", ""),
    (
        'address = "support@example.com"',
        'address = "support@"',
        SettingsRule.ADDRESS,
        "mailbox[0].address",
        "",
    ),
    (
        'address = "support@example.com"',
        'address = "S <s@example.com>"',
        SettingsRule.ADDRESS,
        "mailbox[0].address",
        "",
    ),
    (
        'host = "imap.example.com"',
        'host = "imaps://imap.example.com"',
        SettingsRule.HOST,
        "mailbox[0].host",
        "name alone",
    ),
    (
        'host = "imap.example.com"',
        'host = "imap.example.com:993"',
        SettingsRule.HOST,
        "mailbox[0].host",
        "port",
    ),
    ('username = "support@example.com"', "port = 70000", SettingsRule.PORT, "mailbox[0].port", "65535"),
    (
        'username = "support@example.com"',
        'port = "993"',
        SettingsRule.TYPE,
        "mailbox[0].port",
        "without quotes",
    ),
    (
        'username = "support@example.com"',
        'security = "ssl"',
        SettingsRule.WORD,
        "mailbox[0].security",
        "starttls",
    ),
    (
        'username = "support@example.com"',
        'security = "none"',
        SettingsRule.CLEAR_TEXT,
        "mailbox[0].security",
        "starttls",
    ),
    (
        'username = "support@example.com"',
        'security = "starttls"\nport = 993',
        SettingsRule.PORT,
        "mailbox[0].port",
        "143",
    ),
    (
        'username = "support@example.com"',
        'security = "starttls"',
        SettingsRule.PORT,
        "mailbox[0].security",
        'security = "tls"',
    ),
    ('username = "support@example.com"', "port = 143", SettingsRule.PORT, "mailbox[0].port", "993"),
    ('host = "smtp.example.com"', "port = 465", SettingsRule.PORT, "smtp.port", "587"),
    ('host = "smtp.example.com"', 'security = "tls"', SettingsRule.PORT, "smtp.security", "465"),
    (
        'host = "smtp.example.com"',
        'from_address = "care@example.com"',
        SettingsRule.UNHEARD,
        "smtp.from_address",
        "aliases",
    ),
    (
        'email = "ana@example.com"',
        'email = "Support@Example.com"',
        SettingsRule.TWICE,
        "agent[0].email",
        "only this person",
    ),
    (
        'username = "support@example.com"',
        'password = "hunter2"',
        SettingsRule.BARE,
        "mailbox[0].password",
        "credential:NAME",
    ),
    (
        'username = "support@example.com"',
        'password = ""',
        SettingsRule.BARE,
        "mailbox[0].password",
        "credential:NAME",
    ),
    (
        'username = "support@example.com"',
        'password = "credential:../x"',
        SettingsRule.BARE,
        "mailbox[0].password",
        "",
    ),
    (
        'username = "support@example.com"',
        'since = "yesterday"',
        SettingsRule.SINCE,
        "mailbox[0].since",
        "2026-01-31",
    ),
    (
        'username = "support@example.com"',
        "since = 2026-01-31T10:00:00",
        SettingsRule.SINCE,
        "mailbox[0].since",
        "",
    ),
    (
        'username = "support@example.com"',
        'poll = "2 business days"',
        SettingsRule.DURATION,
        "mailbox[0].poll",
        "minutes",
    ),
    ('username = "support@example.com"', 'poll = "0 minutes"', SettingsRule.DURATION, "mailbox[0].poll", ""),
    (
        'username = "support@example.com"',
        'ca_file = "no.pem"',
        SettingsRule.NO_FILE,
        "mailbox[0].ca_file",
        "",
    ),
    (
        'username = "support@example.com"',
        'aliases = ["a@b.example.com", "x"]',
        SettingsRule.ADDRESS,
        "mailbox[0].aliases[1]",
        "",
    ),
    (
        'username = "support@example.com"',
        'forms = ["no address"]',
        SettingsRule.ADDRESS,
        "mailbox[0].forms[0]",
        "",
    ),
    (
        'username = "support@example.com"',
        'forms = ["forms@example.com", "Support@Example.com"]',
        SettingsRule.TWICE,
        "mailbox[0].forms[1]",
        "an address of its own",
    ),
    (
        'username = "support@example.com"',
        'aliases = ["help@example.com"]\nforms = ["help@example.com"]',
        SettingsRule.TWICE,
        "mailbox[0].forms[0]",
        "an address of its own",
    ),
    ('host = "smtp.example.com"', 'security = "none"', SettingsRule.CLEAR_TEXT, "smtp.security", ""),
    (
        'host = "smtp.example.com"',
        'per_address = "daily"',
        SettingsRule.RATE,
        "smtp.per_address",
        "1 per day",
    ),
    ('host = "smtp.example.com"', 'per_address = "0 per day"', SettingsRule.RATE, "smtp.per_address", ""),
    ('host = "smtp.example.com"', 'witness = "cc"', SettingsRule.WORD, "smtp.witness", "bcc"),
    ('host = "smtp.example.com"', 'in_doubt = "guess"', SettingsRule.WORD, "smtp.in_doubt", "ask"),
    (
        'host = "smtp.example.com"',
        'username = "support"',
        SettingsRule.LOGIN,
        "smtp.username",
        "smtp.password",
    ),
    (
        'host = "smtp.example.com"',
        'password = "env:SMTP"',
        SettingsRule.LOGIN,
        "smtp.password",
        "smtp.username",
    ),
    ('email = "ana@example.com"', 'email = "ana"', SettingsRule.ADDRESS, "agent[0].email", ""),
    (
        'phone = "+44 20 7946 0018"',
        'phone = "020 7946 0018"',
        SettingsRule.PHONE,
        "agent[0].phone",
        "international",
    ),
    ('phone = "+44 20 7946 0018"', 'phone = "+44 20 79"', SettingsRule.PHONE, "agent[0].phone", ""),
    ('phone = "+44 20 7946 0018"', 'phone = "call me"', SettingsRule.PHONE, "agent[0].phone", ""),
    ('phone = "+44 20 7946 0018"', 'role = "boss"', SettingsRule.WORD, "agent[0].role", "manager"),
    ('phone = "+44 20 7946 0018"', 'limit = "lots"', SettingsRule.AMOUNT, "agent[0].limit", ""),
    ('phone = "+44 20 7946 0018"', 'limit = "50.005"', SettingsRule.AMOUNT, "agent[0].limit", ""),
    ('phone = "+44 20 7946 0018"', 'limit = "50 EUR"', SettingsRule.AMOUNT, "agent[0].limit", "GBP"),
    ('phone = "+44 20 7946 0018"', "limit = 50.0", SettingsRule.TYPE, "agent[0].limit", "quotes"),
    ("", '[hours]\ndays = "mon-fry"', SettingsRule.HOURS, "hours.days", ""),
    ("", '[hours]\nquiet = "20-8"', SettingsRule.HOURS, "hours.quiet", ""),
    ("", '[hours]\nholidays = "ZZ"', SettingsRule.HOLIDAYS, "hours.holidays", "GB-ENG"),
    ("", '[hours]\nholidays = "Germany"', SettingsRule.HOLIDAYS, "hours.holidays", "'DE'"),
    ("", "[recognise]\nauto = 0.5", SettingsRule.SCORE, "recognise.auto", "0.90"),
    ("", "[recognise]\nask = 1.5", SettingsRule.SCORE, "recognise.ask", ""),
    ("", "[recognise]\nask = 0.95", SettingsRule.SCORE, "recognise.ask", ""),
    ("", "[recognise]\nask = -0.1", SettingsRule.SCORE, "recognise.ask", ""),
    ("", "[recognise]\nauto = nan", SettingsRule.SCORE, "recognise.auto", ""),
    ("", '[recognise]\nalways = "fraud"', SettingsRule.TYPE, "recognise.always", ""),
    ("", '[recognise]\nalways = ["fraud", "/(a+)+b/"]', SettingsRule.RULE, "recognise.always[1]", "slashes"),
    ("", '[recognise]\nadd = { "(" = 1 }', SettingsRule.RULE, 'recognise.add."("', "slashes"),
    ("", '[recognise]\nvip = ["a b"]', SettingsRule.ADDRESS, "recognise.vip[0]", ""),
    ("", '[recognise]\nadd = { "late again" = "1" }', SettingsRule.TYPE, 'recognise.add."late again"', ""),
    ("", '[tags]\n"über" = "complaint"', SettingsRule.PATTERN, 'tags."über"', ""),
    ("", '[tags]\n"two words" = "complaint"', SettingsRule.PATTERN, 'tags."two words"', ""),
    ("", '[tags]\n"a*b" = "complaint"', SettingsRule.PATTERN, 'tags."a*b"', "at the end"),
    ("", '[tags]\n"\\\\Seen" = "complaint"', SettingsRule.PATTERN, 'tags."\\Seen"', "Flagged"),
    ("", '[tags]\n"a**" = "complaint"', SettingsRule.PATTERN, 'tags."a**"', ""),
    ("", f'[tags]\n"{"x" * 51}" = "complaint"', SettingsRule.PATTERN, f"tags.{'x' * 51}", "50"),
    ("", '[tags]\nfu-heard = "complaint"', SettingsRule.PATTERN, "tags.fu-heard", "fu-"),
    (
        "",
        "[gift_cards.order]\nexternal_id = 7",
        SettingsRule.UNKNOWN,
        "gift_cards.order.external_id",
        "take it out",
    ),
    (
        "",
        "[gift_cards.order.reward]\nvalue = 7",
        SettingsRule.UNKNOWN,
        "gift_cards.order.reward.value",
        "take it",
    ),
    ("", "[gift_cards.order]\nreward = 7", SettingsRule.TYPE, "gift_cards.order.reward", "order.reward]"),
    ("", "[gift_cards.order]\nuntil = 2026-12-01", SettingsRule.TYPE, "gift_cards.order.until", "a text"),
    ("", '[tags]\nmoney = "refnd: 3"', SettingsRule.LINE, "tags.money", "'refund'"),
    ("", '[tags]\nmoney = "refund: {}"', SettingsRule.LINE, "tags.money", "refund-*"),
    ("", '[tags]\nmoney = "refund"', SettingsRule.LINE, "tags.money", "amount"),
    ("", '[tags]\nurgent = "severity: hihg"', SettingsRule.LINE, "tags.urgent", "high"),
    ("", '[tags]\ncomplant = ""', SettingsRule.LINE, "tags.complant", "'complaint'"),
    ("", '[folders]\n"Done" = "fixd"', SettingsRule.LINE, "folders.Done", "'fixed'"),
    ("", '[folders]\nINBOX = "complaint"', SettingsRule.PATTERN, "folders.INBOX", ""),
    ("", '[metrics]\nlisten = "9099"', SettingsRule.HOST, "metrics.listen", "127.0.0.1:9099"),
    ("", '[ledger]\nurl = "mysql://x/y"', SettingsRule.LEDGER, "ledger.url", "postgresql"),
    ("", '[ledger]\nurl = "sqlite://"', SettingsRule.LEDGER, "ledger.url", ""),
    ("", '[ledger]\nurl = "postgresql://u:hunter2@h/d"', SettingsRule.BARE, "ledger.url", "password ="),
    ("", '[ledger]\nurl = "postgresql://u@h/d?password=hunter2"', SettingsRule.BARE, "ledger.url", ""),
    ("", '[ledger]\nkey = "0123456789abcdef"', SettingsRule.BARE, "ledger.key", ""),
    ("", '[ledger]\nkeep_mail = "long"', SettingsRule.DURATION, "ledger.keep_mail", ""),
]


@pytest.mark.parametrize(
    ("old", "new", "rule", "key", "hint"), MISTAKES, ids=[f"{m[2]}-{m[1][-30:]}" for m in MISTAKES]
)
def test_a_mistake_is_found_at_its_line(
    directory: Path, old: str, new: str, rule: SettingsRule, key: str, hint: str
) -> None:
    amend(directory, old, new)
    problem = only(directory)
    assert (problem.file, problem.rule, problem.key) == ("followupd.toml", rule, key)
    assert problem.line == line_of(directory, new.splitlines()[-1])
    assert hint in problem.hint
    assert problem.hint
    assert "hunter2" not in str(problem)
    with pytest.raises(SetupError, match=rule):
        settings.load(directory)


@pytest.mark.parametrize(
    "extension", ["x123", "ext 5", "ext. 5", "Durchwahl 12", "poste 3", "#12", ";ext=7", ",12", "DW 4"]
)
def test_a_phone_with_an_extension_is_refused(directory: Path, extension: str) -> None:
    rewrite(directory, "+44 20 7946 0018", f"+44 20 7946 0018 {extension}")
    problem = only(directory)
    assert (problem.rule, problem.key) == (SettingsRule.PHONE, "agent[0].phone")
    assert "extension" in problem.problem


@pytest.mark.parametrize(
    "number", ["+44 20 7946 0018", "+1 202-555-0123", "+49 (0)89 1234567", "+33 1 99 00 12 34"]
)
def test_a_direct_number_may_be_written_with_the_usual_separators(directory: Path, number: str) -> None:
    rewrite(directory, "+44 20 7946 0018", number)
    assert settings.load(directory).team.agents[0].phone == number


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "[::1]"])
def test_clear_text_is_allowed_on_this_machine(directory: Path, host: str) -> None:
    rewrite(directory, 'host = "imap.example.com"', f'host = "{host}"\nsecurity = "none"')
    assert settings.problems(directory) == []


def test_every_problem_is_reported_at_once_in_the_order_of_the_files(directory: Path) -> None:
    text = (
        MINIMAL.replace("Europe/London", "Nowhere")
        .replace('id = "ana"', 'id = ""')
        .replace("smtp.example.com", "a b")
    )
    (directory / "followupd.toml").write_text(text)
    (directory / "playbooks/default.toml").write_text('language = "german"\n')
    with pytest.raises(SetupError) as caught:
        settings.load(directory)
    found = [(problem.file, problem.rule) for problem in caught.value.problems]
    assert found == [
        ("followupd.toml", SettingsRule.TIMEZONE),
        ("followupd.toml", SettingsRule.HOST),
        ("followupd.toml", SettingsRule.MISSING),
        ("playbooks/default.toml", SettingsRule.LOCALE),
    ]
    assert caught.value.exit_code == 78


def test_opening_must_be_before_closing(directory: Path) -> None:
    rewrite(directory, "", '[hours]\nopen = "18:00"\n')
    assert (only(directory).rule, only(directory).key) == (SettingsRule.HOURS, "hours")


def test_missing_required_keys_and_tables_are_reported(directory: Path) -> None:
    (directory / "followupd.toml").write_text("[company]\n[[mailbox]]\n")
    found = {problem.key: problem for problem in settings.problems(directory)}
    assert set(found) == {
        "company.name",
        "company.timezone",
        "mailbox[0].name",
        "mailbox[0].address",
        "mailbox[0].host",
        "mailbox[0].username",
        "smtp.host",
        "agent",
    }
    assert {problem.rule for problem in found.values()} == {SettingsRule.MISSING}
    assert found["company.name"].line == 1
    assert found["mailbox[0].host"].line == 2
    assert found["smtp.host"].line is None


def test_single_brackets_instead_of_double_ones_are_reported(directory: Path) -> None:
    rewrite(directory, "[[agent]]", "[agent]")
    problem = only(directory)
    assert (problem.rule, problem.key, problem.hint) == (SettingsRule.TYPE, "agent", "write [[agent]].")


@pytest.mark.parametrize("table", ["company", "mailbox", "smtp", "agent", "hours", "recognise", "tags"])
@pytest.mark.parametrize("value", ["3", "[1]", '"x"'])
def test_a_value_where_a_table_belongs_is_reported_once(directory: Path, table: str, value: str) -> None:
    without = re.sub(rf"\[\[?{table}\]\]?\n(?:[a-z].*\n)*", "", MINIMAL)
    (directory / "followupd.toml").write_text(f"{table} = {value}\n{without}")
    problem = only(directory)
    assert (problem.rule, problem.line) == (SettingsRule.TYPE, 1)
    assert problem.hint in {f"write [{table}].", f"write [[{table}]]."}


@pytest.mark.parametrize("table", ["mailbox", "agent"])
def test_an_empty_list_of_required_tables_is_reported(directory: Path, table: str) -> None:
    without = re.sub(rf"\[\[{table}\]\]\n(?:[a-z].*\n)*", "", MINIMAL)
    (directory / "followupd.toml").write_text(f"{table} = []\n{without}")
    assert (only(directory).rule, only(directory).key) == (SettingsRule.MISSING, table)


def test_a_key_of_another_table_is_reported_with_the_tables_that_have_it(directory: Path) -> None:
    (directory / "playbooks/default.toml").write_text('[follow_up]\nlead = "1 day"\n')
    hint = "'lead' belongs to [escalation] or [severity.high] or [severity.low]."
    assert only(directory).hint == hint


def test_two_agents_or_mailboxes_must_not_share_names_or_addresses(directory: Path) -> None:
    agent = MINIMAL[MINIMAL.index("[[agent]]") :]
    mailbox = MINIMAL[MINIMAL.index("[[mailbox]]") : MINIMAL.index("[smtp]")]
    (directory / "followupd.toml").write_text(MINIMAL + agent.replace("ana", "ANA") + mailbox)
    found = [(problem.rule, problem.key) for problem in settings.problems(directory)]
    assert found == [
        (SettingsRule.TWICE, "agent[1].id"),
        (SettingsRule.TWICE, "agent[1].email"),
        (SettingsRule.TWICE, "mailbox[1].name"),
        (SettingsRule.TWICE, "mailbox[1].address"),
    ]


def test_an_unknown_table_is_reported_with_a_suggestion(directory: Path) -> None:
    rewrite(directory, "", "[metric]\nlisten = 3\n")
    problem = only(directory)
    assert (problem.rule, problem.key, problem.hint) == (
        SettingsRule.UNKNOWN,
        "metric",
        "did you mean 'metrics'?",
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[company]\nname = Example\n", 2),
        ('[company]\nname = "Example\n', 2),
        ('[company]\nname = "a"\n\nname = "b"\n', 4),
        ("[company]\n[company]\n", 2),
        ('a = """\n\n\nnever closed', 4),
    ],
)
def test_invalid_toml_is_reported_with_its_line(directory: Path, text: str, line: int) -> None:
    (directory / "followupd.toml").write_text(text)
    problem = only(directory)
    assert (problem.rule, problem.line) == (SettingsRule.FILE, line)


def test_invalid_utf_8_is_reported_with_its_line(directory: Path) -> None:
    (directory / "followupd.toml").write_bytes(MINIMAL.encode().replace(b"Ana Reyes", b"Ana Mu\xf1oz"))
    problem = only(directory)
    assert (problem.rule, problem.line) == (
        SettingsRule.FILE,
        line_of(directory_with_latin(directory), "Ana Mu"),
    )


def directory_with_latin(directory: Path) -> Path:
    """The same file in UTF-8, so that its lines can be counted."""
    text = (directory / "followupd.toml").read_bytes().decode("latin-1")
    (directory / "followupd.toml").write_text(text)
    return directory


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(directory: Path) -> None:
    text = MINIMAL.replace("Europe/London", "Nowhere").replace("\n", "\r\n")
    (directory / "followupd.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert (only(directory).rule, only(directory).line) == (SettingsRule.TIMEZONE, 3)


def test_for_an_empty_directory_the_hint_is_to_run_init(tmp_path: Path) -> None:
    app, playbook = settings.problems(tmp_path)
    assert (app.file, app.rule) == ("followupd.toml", SettingsRule.FILE)
    assert "followupd init" in app.hint
    assert (playbook.file, playbook.rule) == ("playbooks/default.toml", SettingsRule.NO_DEFAULT)


ODD = [
    '""',
    '"x"',
    '" "',
    "-1",
    "0",
    "1e400",
    "nan",
    "true",
    "[]",
    "[1]",
    '[""]',
    "[[]]",
    "{}",
    "{a=1}",
    "{a={b=1}}",
    "2026-01-01",
    "10:00:00",
    "2026-01-01T00:00:00Z",
    "99999999999999999999999999",
    '"' + "9" * 5000 + '"',
    "\"{{ 'a' }}\"",
    '"\\u0000"',
    '"\\u2028"',
    '"ü"',
    '"é@ü.example.com"',
    '"9"',
    '"1e5"',
    '"99999999999 days"',
    '"१ days"',
    '"+"',
    '"+1"',
    '"a:b:c"',
    '"[::1]:99"',
    '"::"',
    '"٢"',
    '"²"',
    '"1²"',
    '"9999999999999999999999999999 EUR"',
    '"\\ud7ff"',
    '"xn--a"',
    '"a.."',
    '".local"',
    '"@.local"',
    '"//"',
    '"sqlite:///\\u0001"',
    '"postgresql://[x/"',
    '"postgresql://u:p@[::1/x"',
    '"0.0.1"',
    '"Europe"',
    '"/etc/localtime"',
    '"posixrules"',
    '"GB-"',
    '"-"',
    '"x-y"',
    '"{% for i in range(99) %}a{% endfor %}"',
    "\"{% include 'x' %}\"",
    "\"{% extends 'x' %}\"",
    '"{{ owner.name.__class__ }}"',
    '"{{ 1/0 }}"',
    '"{{ range(10**9) }}"',
    "\"{{ '%s' % owner }}\"",
    '"{{ loop }}"',
    '"{{ self }}"',
    '"{{ caller() }}"',
    '"file:\\ud7ff"',
    '"file:."',
    '"file:/"',
    '"credential:."',
    '"env:A"',
]


def odd_everywhere(model: type[Table], odd: str) -> str:
    """Give every key of a file this value, and three odd keys to the tables that take any."""
    return "".join(odd_table(section, odd) for section in sections(model))


def odd_table(section: Section, odd: str) -> str:
    header = f"{section.header}\n" if section.name else ""
    if section.takes_any_key:
        return f'{header}"x" = {odd}\n"" = {odd}\n"y-*" = {odd}\n'
    return header + "".join(f"{key} = {odd}\n" for key in section.keys)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_no_value_of_any_kind_raises_an_unexpected_error(directory: Path, odd: str) -> None:
    (directory / "followupd.toml").write_text(odd_everywhere(ConfigurationFile, odd))
    (directory / "playbooks/default.toml").write_text(odd_everywhere(PlaybookFile, odd))
    (directory / "wording.toml").write_text(odd_everywhere(WordingSettings, odd))
    found = settings.problems(directory)
    assert {problem.file for problem in found} == {"followupd.toml", "playbooks/default.toml", "wording.toml"}
    assert all(problem.line and problem.problem and problem.hint for problem in found)


# Playbooks

STEP = '[[next_step]]\ntext = "{{ owner.name }} calls you"\nwithin = "2 business days"\n'
PLAYBOOK_MISTAKES = [
    ('name = "other"', SettingsRule.PLAYBOOK_NAME, "name", 'name = "default"'),
    ('owner = "anna"', SettingsRule.NOBODY, "owner", "'ana'"),
    ('language = "xx"', SettingsRule.LOCALE, "language", ""),
    ('causes = ["a", "b", "A"]', SettingsRule.TWICE, "causes[2]", ""),
    ('causes = ["the carrier"]', SettingsRule.NAME, "causes[0]", ""),
    ('words = ["lost", ""]', SettingsRule.MISSING, "words[1]", ""),
    ("[folow_up]", SettingsRule.UNKNOWN, "folow_up", "'follow_up'"),
    ('[follow_up]\nafter = "soon"', SettingsRule.DURATION, "follow_up.after", "business days"),
    ('[follow_up]\ncall = "yes"', SettingsRule.TYPE, "follow_up.call", "true or false"),
    ("[escalation]\nlead = 1", SettingsRule.TYPE, "escalation.lead", ""),
    ('[gift_card]\namount = "20"', SettingsRule.AMOUNT, "gift_card.amount", "20.00 GBP"),
    ('[gift_card]\namount = "0 EUR"', SettingsRule.AMOUNT, "gift_card.amount", '""'),
    ('[gift_card]\namount = "20 XYQ"', SettingsRule.CURRENCY, "gift_card.amount", ""),
    ('[gift_card]\namount = "1.5 JPY"', SettingsRule.AMOUNT, "gift_card.amount", "JPY"),
    (STEP + 'kind = "maybe"', SettingsRule.WORD, "next_step[0].kind", "estimate"),
    (STEP + 'margin = "1 week"', SettingsRule.DURATION, "next_step[0].margin", ""),
    (STEP + 'texts = "ruft an"', SettingsRule.TYPE, "next_step[0].texts", "[next_step.texts]"),
    (
        STEP + '[next_step.texts]\nde = "{{ ownr.name }} ruft Sie an"',
        SettingsRule.STEP_TEXT,
        "next_step[0].texts.de",
        "owner",
    ),
    (STEP + '[next_step.texts]\nde = ""', SettingsRule.MISSING, "next_step[0].texts.de", ""),
    (STEP + '[next_step.texts]\nqq = "ruft an"', SettingsRule.LOCALE, "next_step[0].texts.qq", "en"),
    (
        STEP + '[[next_step]]\nwithin = "1 day"\ntext = "{{ ownr.name }}"',
        SettingsRule.STEP_TEXT,
        "next_step[1].text",
        "owner",
    ),
    (
        '[[next_step]]\nwithin = "1 day"\ntext = "{{ owner.nmae }}"',
        SettingsRule.STEP_TEXT,
        "next_step[0].text",
        "owner.name",
    ),
    (
        '[[next_step]]\nwithin = "1 day"\ntext = "{{ owner.name"',
        SettingsRule.STEP_TEXT,
        "next_step[0].text",
        "",
    ),
    (
        '[[next_step]]\nwithin = "1 day"\ntext = "{{ owner.__class__.mro() }}"',
        SettingsRule.STEP_TEXT,
        "next_step[0].text",
        "",
    ),
    (
        '[[next_step]]\nwithin = "1 day"\ntext = "{{ customer.name }}, wait"',
        SettingsRule.STEP_TEXT,
        "next_step[0].text",
        "{% if",
    ),
    (
        '[[next_step]]\nwithin = "1 day"\ntext = "{{ owner.name + 1 }}"',
        SettingsRule.STEP_TEXT,
        "next_step[0].text",
        "",
    ),
    (
        '[[next_step]]\nwithin = "1 day"\ntext = "{# nothing #}"',
        SettingsRule.STEP_TEXT,
        "next_step[0].text",
        "",
    ),
]


@pytest.mark.parametrize(("text", "rule", "key", "hint"), PLAYBOOK_MISTAKES)
def test_a_mistake_in_a_playbook_is_found_at_its_line(
    directory: Path, text: str, rule: SettingsRule, key: str, hint: str
) -> None:
    (directory / "playbooks/default.toml").write_text(f"# a comment\n{text}\n")
    problem = only(directory)
    assert (problem.file, problem.rule, problem.key) == ("playbooks/default.toml", rule, key)
    assert problem.line == len(text.splitlines()) + 1
    assert hint in problem.hint


def test_a_step_may_use_the_customers_name_if_it_tests_for_it(directory: Path) -> None:
    text = "{% if customer.name %}{{ customer.name }}, {% endif %}{{ owner.name }} calls you"
    (directory / "playbooks/default.toml").write_text(f'[[next_step]]\ntext = "{text}"\nwithin = "1 day"\n')
    assert settings.problems(directory) == []


def test_a_playbook_without_next_steps_is_valid(directory: Path) -> None:
    (directory / "playbooks/delivery.toml").write_text('name = "delivery"\nowner = "ana"\n')
    assert settings.problems(directory) == []


def test_the_name_of_a_playbook_must_be_usable_in_a_tag(directory: Path) -> None:
    (directory / "playbooks/lost parcel.toml").write_text("")
    assert (only(directory).rule, only(directory).file) == (SettingsRule.NAME, "playbooks/lost parcel.toml")


def test_hidden_files_and_backups_beside_playbooks_are_ignored(directory: Path) -> None:
    (directory / "playbooks/.default.toml").write_text("not toml")
    (directory / "playbooks/default.toml~").write_text("not toml")
    assert set(settings.load(directory).playbooks) == {"default"}


# Wording


def test_wording_rules_can_be_switched_off_and_own_phrases_added(directory: Path) -> None:
    (directory / "wording.toml").write_text(
        '[rules]\nW04 = "off"\nW05 = "on"\n[phrases.en]\njargon = ["RMA", "SKU"]\n'
    )
    wording = settings.load(directory).wording
    assert wording.off == {"W04"}
    assert wording.phrases["en"]["jargon"] == ("RMA", "SKU")


@pytest.mark.parametrize(
    ("text", "rule", "key"),
    [
        ("[rules]\nW04 = false", SettingsRule.TYPE, "rules.W04"),
        ('[phrases]\njargon = ["RMA"]', SettingsRule.LOCALE, "phrases.jargon"),
        ('[phrases.en]\njargon = "RMA"', SettingsRule.TYPE, "phrases.en.jargon"),
        ("[rule]", SettingsRule.UNKNOWN, "rule"),
    ],
)
def test_a_mistake_in_the_wording_is_found(directory: Path, text: str, rule: SettingsRule, key: str) -> None:
    (directory / "wording.toml").write_text(text)
    problem = only(directory)
    assert (problem.file, problem.rule, problem.key) == ("wording.toml", rule, key)


def test_a_password_that_two_accounts_share_is_a_warning(directory: Path) -> None:
    second = """
[[mailbox]]
name = "returns"
address = "returns@example.com"
host = "imap.example.com"
username = "returns@example.com"
"""
    rewrite(directory, "", second)
    found = only(directory)
    assert (found.rule, found.key) == (SettingsRule.SHARED, "mailbox[1].password")
    assert "support@example.com" in found.problem


def test_an_agent_with_an_alias_of_the_mailbox_is_refused(directory: Path) -> None:
    rewrite(
        directory,
        'username = "support@example.com"',
        'username = "support@example.com"\naliases = ["ana@example.com"]',
    )
    assert (only(directory).rule, only(directory).key) == (SettingsRule.TWICE, "agent[0].email")
