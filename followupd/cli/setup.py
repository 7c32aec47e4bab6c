"""demo, init, customise, check, when: try followupd out, set it up, and check it, also against servers."""

import argparse
import getpass
import io
import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from followupd.cli.main import DONE, PROBLEMS, USAGE, USUAL_DIRECTORY, CommandParsers
from followupd.cli.output import print_error, print_json, print_table, read_text
from followupd.clock import utc_iso
from followupd.errors import Problem, SetupError, UnavailableError

if TYPE_CHECKING:
    from followupd.adapters.accounts import Mailbox
    from followupd.adapters.imap.mailbox import Survey
    from followupd.adapters.settings import MailboxSettings, Settings
    from followupd.adapters.settings.toml_file import Key

#: the secrets that `init` stores: one login is usually good for both servers
_PASSWORDS = ("imap", "smtp")
#: where a package of the system has put the unit
_PACKAGED_UNIT = Path("/usr/lib/systemd/system/followupd.service")
#: a difference of the clocks from which on times in letters and logs are hard to compare
#: more folders than these are counted and not named
_FEW = 4
_CLOCK_TOLERANCE = timedelta(minutes=2)

_LOGIN_HINT = (
    "Correct username, or the secret at `password`; some providers require an app password or OAuth."
)
_LOGIN_AT_GRAPH_HINT = (
    "Compare oauth_client and oauth_tenant; the token must be for Microsoft Graph (docs/graph.md)."
)
_RIGHTS_AT_GRAPH_HINT = (
    "Give the application its permissions for this mailbox (docs/graph.md); they may take an hour."
)
_HOST_HINT = "Correct host or port, or start the server; a firewall may block the connection."
_TLS_HINT = 'Correct security and port: "tls" usually has 993 or 465, "starttls" 143 or 587.'
_OTHER_HINT = "Correct host, port, security or username."
_FOLDER_HINT = "Write the name of a folder that the server has."
#: part of an error message -> the key that is probably wrong, "" for the table as a whole, and the hint
_HINTS = {
    "the server has no folder for `sent`": ("sent", _FOLDER_HINT),
    "the server has no folder for `inbox`": ("inbox", _FOLDER_HINT),
    "does not accept letters from": ("from_address", "Correct `from_address`, or log in as its owner."),
    "does not accept letters to": (
        "",
        "Log in: set `username` and `password`, or let the server relay for us.",
    ),
    "does not take the token": ("", _LOGIN_AT_GRAPH_HINT),
    "no such mailbox": ("username", "Write the mailbox's own address, which is also its name for Microsoft."),
    "lacks a permission": ("", _RIGHTS_AT_GRAPH_HINT),
    "was refused": ("", _LOGIN_HINT),
    "refused the login": ("", _LOGIN_HINT),
    "not trusted": (
        "",
        "Set `ca_file` to the server's own CA, or give the server a certificate for this name.",
    ),
    "CA file": ("ca_file", "Correct `ca_file`."),
    "nothing listens": ("", _HOST_HINT),
    "is not known": ("", "Correct host, or this machine's DNS."),
    "TLS with": ("", _TLS_HINT),
    "did not answer": ("", _HOST_HINT),
    "STARTTLS": ("", _TLS_HINT),
}


def check_servers(settings: "Settings", print_line: Callable[[str], None]) -> list[Problem]:
    """Connect to every mailbox and to the SMTP server.

    Prints what each server supports with `print_line`, and returns the problems of those that cannot be used.
    """
    problems: list[Problem] = []
    for number, mailbox in enumerate(settings.mailboxes):
        sentences = mailbox_sentences(settings, mailbox)
        _add(problems, _check_server(("mailbox", number), mailbox.name, sentences, print_line))

    _add(problems, _check_server(("smtp",), "smtp", smtp_sentences(settings), print_line))

    return [_located(problem, settings.directory) for problem in problems]


def _located(problem: Problem, directory: Path) -> Problem:
    """Return a problem of a server with the line of its key in followupd.toml."""
    from followupd.adapters.settings import line_of

    if problem.line or not problem.key:
        return problem
    return replace(problem, line=line_of(directory, problem.key))


def _check_server(
    path: "Key", name: str, sentences: Iterable[str], print_line: Callable[[str], None]
) -> list[Problem]:
    """Print the sentences about one server; return the problems that interrupt them."""
    try:
        for sentence in sentences:
            print_line(f"{name}: {sentence}")
    except SetupError as error:
        return list(error.problems)
    except UnavailableError as error:
        return [unavailable_problem(path, str(error))]

    return []


def _add(problems: list[Problem], found: list[Problem]) -> None:
    """Add the problems that are not in the list: several servers may use the same missing secret."""
    problems += [problem for problem in found if problem not in problems]


def unavailable_problem(path: "Key", reason: str) -> Problem:
    """Return the problem for a server that cannot be used, with the hint that most likely helps.

    Args:
        path: the path of the server's table in followupd.toml.
        reason: why it cannot be used.
    """
    from followupd.adapters.settings.toml_file import dotted

    keys = ((name, hint) for part, (name, hint) in _HINTS.items() if part in reason)
    name, hint = next(keys, ("", _OTHER_HINT))
    key = dotted((*path, name) if name else path)
    return Problem("followupd.toml", None, key, "O01", reason, hint)


def mailbox_sentences(settings: "Settings", mailbox: "MailboxSettings") -> Iterator[str]:
    """Connect to one mailbox and describe it.

    Raises:
        UnavailableError: it cannot be used.
    """
    from followupd import clock
    from followupd.adapters.accounts import mailbox_of
    from followupd.app.container import command_folders_of, grammar_of
    from followupd.languages import read_catalogue
    from followupd.text.folders import unknown_below_root

    with mailbox_of(mailbox) as connection:
        _require_folders(connection, mailbox)
        grammar = grammar_of(settings, read_catalogue(settings.directory))
        commands = command_folders_of(settings, grammar, connection)
        yield from survey_sentences(connection.survey(clock.now()), commands)
        unknown = unknown_below_root(connection.listed(), commands)
        yield from folder_sentences(settings, commands, unknown, connection.server_name)


def folder_sentences(
    settings: "Settings",
    commands: Mapping[str, str],
    unknown: Iterable[str],
    named: Callable[[str], str] = str,
) -> Iterator[str]:
    """Say what each command folder means, which configured ones are missing, and which mean nothing.

    Args:
        settings: the configuration.
        commands: the existing command folders, with their lines.
        unknown: existing folders where one would expect commands.
        named: returns how the server names a folder.
    """
    if len(commands) > _FEW:
        some = " or ".join(f"{folder} ({line})" for folder, line in [*commands.items()][:2])
        yield f"{len(commands)} folders mean orders, such as {some}; `followupd tags folders` lists all"
    else:
        for folder, line in commands.items():
            yield f"{folder} exists: moving a mail there means {line!r}"
    for folder, line in settings.folders.items():
        if line and folder not in commands and not folder.endswith("*"):
            here = "it" if named(folder) == folder else f"{named(folder)!r} on this server"
            yield f"{folder} does not exist; create {here}, and moving a mail there means {line!r}"
    for folder in unknown:
        yield f"{folder} means nothing: name it as a tag or a verb, or give it a line in [folders]"


def _require_folders(connection: "Mailbox", mailbox: "MailboxSettings") -> None:
    """Check that the folders which the configuration names exist.

    Raises:
        UnavailableError: one does not, with the folders that there are.
    """
    for key, folder in (("inbox", mailbox.inbox), ("sent", mailbox.sent)):
        if folder and not connection.existing([folder]):
            names = ", ".join(sorted(connection.folders))
            raise UnavailableError(f"the server has no folder for `{key}` named {folder!r}; it has {names}")


def smtp_sentences(settings: "Settings") -> Iterator[str]:
    """Connect to the SMTP server, offer it a letter of each mailbox without sending one, and describe it.

    What DNS says of the senders' domains follows.

    Raises:
        UnavailableError: it cannot be used.
    """
    from followupd.adapters.accounts import transport_of
    from followupd.adapters.network import delivery_sentences, query_texts

    addresses = [(settings.from_address(each.name), each.address) for each in settings.mailboxes]
    yield from transport_of(settings.smtp).survey(addresses)

    domains = dict.fromkeys(sender.rpartition("@")[2] for sender, _ in addresses)
    for domain in domains:
        yield from delivery_sentences(f"postmaster@{domain}", settings.smtp.host, query_texts)


def survey_sentences(survey: "Survey", command_folders: Collection[str] = ()) -> Iterator[str]:
    """Describe what a server supports; `command_folders` are the existing folders of `[folders]`."""
    if survey.tls:
        yield f"connected with {survey.tls}; the login works"
    else:
        yield "connected without encryption, on this machine only; the login works"

    if survey.door == "graph":
        yield from _graph_sentences(survey, command_folders)
        return

    sent = survey.sent or "not found: set `sent` to the folder of sent mail"
    yield f"inbox is {survey.inbox}; sent mail is {sent}"

    if survey.idle:
        yield "IDLE: new mail is noticed at once"
    else:
        yield "no IDLE: new mail is noticed when the mailbox is polled"

    if survey.condstore:
        yield "CONDSTORE: changed tags are fetched in one short exchange"
    else:
        yield "no CONDSTORE: tags are searched on the mails of open cases and by name"

    yield from _tag_sentences(survey, command_folders)
    yield _clock_sentence(survey.clock_ahead)


def _graph_sentences(survey: "Survey", command_folders: Collection[str]) -> Iterator[str]:
    """Describe a mailbox behind Microsoft Graph."""
    yield f"Microsoft Graph: inbox is {survey.inbox}; sent mail is {survey.sent}; drafts are in {survey.drafts}"
    yield "new mail and changed categories are noticed within half a minute"
    if not all(survey.keywords.values()):
        yield "the application may only read: without Mail.ReadWrite agents see neither fu- categories nor drafts"
    elif "COLOURS" in survey.capabilities:
        yield "categories are tags (`followupd tags outlook --make`); the fu- categories have colours"
    else:
        yield "categories are tags, and have no colours: give the application MailboxSettings.ReadWrite"
    if command_folders:
        yield f"agents can also move mails to {_some_of(command_folders)}"
    yield _clock_sentence(survey.clock_ahead)


def _tag_sentences(survey: "Survey", command_folders: Collection[str]) -> Iterator[str]:
    """Say for each folder whether agents can tag mails in it, or how else they give commands."""
    if survey.gmail:
        yield "Gmail: labels are read as tags, and the fu- tags become labels"
        return

    alternatives = "answers to desk mails, `followupd tell`"
    if command_folders:
        alternatives = f"moving mails to {_some_of(command_folders)}, {alternatives}"

    tagged, others = (
        " and ".join(folder for folder, keeps in survey.keywords.items() if keeps is wanted)
        for wanted in (True, False)
    )
    if tagged:
        yield f"tags (keywords) are kept in {tagged}: agents can tag (`followupd tags thunderbird`)"
    if others:
        yield f"no tags (keywords) are kept in {others}; agents can use: {alternatives}"
    if not all(survey.keywords.values()) and len(command_folders) <= _FEW:
        yield "to do: `followupd tags folders --make` makes a folder for each tag, into which agents move mails"


def _some_of(folders: Collection[str]) -> str:
    """Name a few folders, or the first one and how many there are."""
    if len(folders) <= _FEW:
        return " or ".join(folders)
    return f"one of {len(folders)} folders, such as {next(iter(folders))}"


def _clock_sentence(ahead: timedelta | None) -> str:
    """Compare the server's clock with ours; `ahead` is the server's time minus ours."""
    if ahead is None:
        return "the server's clock cannot be read (this needs a Drafts folder and UIDPLUS)"
    if abs(ahead) <= _CLOCK_TOLERANCE:
        return "the server's clock agrees with ours"
    direction = "ahead of" if ahead > timedelta() else "behind"

    return f"the server's clock is {round(abs(ahead).total_seconds())} seconds {direction} ours"


def add(commands: CommandParsers) -> None:
    """Add the parsers of demo, init, customise, check and when."""
    demo = commands.add("demo")
    demo.add_argument("--out", metavar="DIR", type=Path, help="write the letters here (./followupd-demo)")
    demo.add_argument("--fast", action="store_true", help="do not pause for the reader")
    demo.set_defaults(do=_demo)

    init = commands.add("init")
    init.add_argument("directory", metavar="DIR", type=Path)
    init.add_argument("--address", metavar="ADDRESS", default="", help="the address that customers write to")
    init.add_argument(
        "--password-file", metavar="FILE", default="", help="the mailbox's password; - reads standard input"
    )
    init.add_argument("--company", metavar="NAME", default="", help="the name that customers know")
    init.add_argument("--agent", metavar="'NAME <ADDRESS>'", default="", help="who answers customers")
    init.add_argument(
        "--phone", metavar="NUMBER", default="", help="the agent's direct phone, such as +44..."
    )
    init.add_argument(
        "--imap", metavar="HOST:PORT", default="", help="instead of the server that is found; tls://HOST:PORT"
    )
    init.add_argument("--smtp", metavar="HOST:PORT", default="", help="instead of the server that is found")
    init.add_argument("--ca-file", metavar="FILE", default="", help="the certificate of your own CA")
    init.add_argument(
        "--language",
        metavar="TAG",
        default="",
        help="a new language, such as nl: write what is to be translated",
    )
    init.add_argument(
        "--starter", action="store_true", help="ask nothing; write the starter with its examples"
    )
    init.set_defaults(do=_init)

    customise = commands.add("customise")
    customise.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="a shipped file or directory, such as templates/de; without one, list what there is",
    )
    customise.add_argument(
        "--merged",
        action="store_true",
        help="copy nothing: record that your copies take account of the changed originals",
    )
    customise.set_defaults(do=_customise, many="names")

    check = commands.add("check")
    check.add_argument("--online", action="store_true", help="also connect to the servers")
    check.add_argument(
        "--without-secrets",
        action="store_true",
        help="as `systemctl reload` asks: only the daemon may read them",
    )
    check.set_defaults(do=_check)

    when = commands.add("when")
    when.add_argument("duration", metavar="DURATION", nargs="+", help="such as 2 business days")
    when.add_argument("--from", dest="start", metavar="ISO", help="start at this time instead of now")
    when.set_defaults(do=_when, many="duration")


def _demo(options: argparse.Namespace) -> int:
    """Play the demo, if its mail servers are installed."""
    from time import monotonic

    from followupd import clock

    if not all(map(find_spec, ("aiosmtpd", "pymap"))):
        print_error(
            "followupd demo: its mail servers are missing; install them: pip install 'followupd[demo]'"
        )
        return PROBLEMS

    from followupd.demo.story import perform

    start = monotonic()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an ASCII terminal cannot show a pound sign
    result = perform(options.out, clock.now(), fast=options.fast, quiet=options.json)
    if options.json:
        print_json({**result, "seconds": round(monotonic() - start, 2)})

    return DONE if result["ok"] else PROBLEMS


def _init(options: argparse.Namespace) -> int:
    """Write a configuration: from answers and what can be found out, or the starter with its examples."""
    from followupd.adapters.overlay import require_free, set_values, store_secret, write_starter

    if options.language:
        return _init_language(options)
    require_free(options.directory)  # before anything is asked
    answers = _answers(options)
    values = _values(answers, options) if answers else {}
    written = write_starter(options.directory)
    if values:
        set_values(options.directory, values)
    if answers and answers.password:
        written += [store_secret(options.directory, name, answers.password) for name in _PASSWORDS]

    if options.json:
        print_json(list(map(str, written)))
        return DONE

    names = [str(path.relative_to(options.directory)) for path in written]
    print(f"Wrote to {options.directory}: {', '.join(names)}")
    where = "" if options.directory == Path(USUAL_DIRECTORY) else f" --config {options.directory}"
    if not answers:
        print(f"Next:\n  edit {options.directory / 'followupd.toml'}")
        print(f"  followupd check --online{where}")
        return DONE

    options.config, options.online = options.directory, bool(answers.password)
    options.without_secrets = False
    _check_with_password(options, answers.address)
    print(f"Next:\n  followupd try ADDRESS{where}        (your own address, not an agent's)")
    print(
        "  systemctl enable --now followupd"
        if _PACKAGED_UNIT.exists()
        else f"  followupd install-service{where}"
    )

    return DONE


def _init_language(options: argparse.Namespace) -> int:
    """Write the files of a new language into a configuration directory, for translation."""
    from followupd.adapters.overlay import write_language

    written = list(map(str, write_language(options.directory, options.language)))
    if options.json:
        print_json(written)
        return DONE

    for path in written:
        print(f"Wrote {path}")
    if not written:
        print(f"Nothing to write: {options.directory} has all of these files.")
    print(
        "Translate each and take .example off its name; nothing is used before. `followupd check` says what is left."
    )
    return DONE


def _check_with_password(options: argparse.Namespace, address: str) -> None:
    """Check the new configuration; on a terminal, a password that the servers refuse is asked for once more.

    What is missing is told by its line. The files are written all the same.

    Args:
        options: of `init`, with those of `check`.
        address: the mailbox's.
    """
    from followupd.adapters.overlay import store_secret

    problems = _problems(options)
    while _is_asked(options) and any(each.hint == _LOGIN_HINT for each in problems):
        print("\n".join(map(str, problems)))
        print_error("Another password, or Enter to leave it as it is (some providers want an app password).")
        password = read_password("", address)
        if not password:
            break
        for name in _PASSWORDS:
            store_secret(options.config, name, password)
        problems = _problems(options)
    _print_problems(options, problems)


@dataclass(frozen=True, slots=True)
class SetupAnswers:
    """What only the administrator knows; "" for what was not answered."""

    address: str
    password: str
    company: str
    name: str
    email: str
    phone: str


def _answers(options: argparse.Namespace) -> SetupAnswers | None:
    """Return the answers of the options and, on a terminal, to questions; None for the starter alone."""
    from followupd.adapters.settings.scalars import RequiredLine, mistake
    from followupd.adapters.settings.standards import Address, Phone

    given = (options.address, options.password_file, options.company, options.agent, options.phone)
    is_asked = _is_asked(options)
    if not is_asked and not any(given):
        return None

    def answer(value: str, question: str, kind: Any) -> str:
        return value or (_asked(question, lambda text: mistake(kind, text)) if is_asked else "")

    address = answer(options.address, "The address that customers write to", Address)
    password = read_password(options.password_file, address if is_asked else "")
    company = answer(options.company, "Your company's name, as customers know it", RequiredLine)
    agent = options.agent
    if is_asked and not agent:
        question = "Who answers them, as Ana Reyes <ana@acme.example>"
        agent = _asked(question, lambda text: _mistake_in_agent(text, address))
    phone = answer(options.phone, "That person's direct phone, as +44 20 7123 4567", Phone)
    name, email = parseaddr(agent)
    return SetupAnswers(address, password, company, name, email, phone)


def _is_asked(options: argparse.Namespace) -> bool:
    """Return whether somebody is there who can be asked."""
    return sys.stdin.isatty() and not options.starter


def _asked(question: str, mistake_in: Callable[[str], str]) -> str:
    """Return an answer from the terminal; one with a mistake is asked for again.

    Args:
        question: without its colon.
        mistake_in: says what is wrong with an answer, "" for a good one.
    """
    answer = _typed(question).strip()
    while found := mistake_in(answer):
        print_error(found)
        answer = _typed(question).strip()
    return answer


def _typed(question: str, read: Callable[[str], str] = input) -> str:
    """Return what somebody types at the terminal; Ctrl-D ends the command as Ctrl-C does.

    Args:
        question: without its colon.
        read: shows the question and returns the line.
    """
    try:
        return read(f"{question}: ")
    except EOFError:
        raise KeyboardInterrupt from None


def _mistake_in_agent(text: str, mailbox: str) -> str:
    """Return what is wrong with name and address of who answers customers, "" if nothing is.

    Args:
        text: as it was typed.
        mailbox: the address of the mailbox, from which customers' mail comes.
    """
    from followupd.adapters.settings.scalars import mistake
    from followupd.adapters.settings.standards import Address

    name, email = parseaddr(text)
    if not name or not email:
        return "Write the name that customers read, and the address in angle brackets."
    if email.casefold() == mailbox.casefold():
        return f"{email} is the mailbox of the customers: name an address that only this person reads."
    return mistake(Address, email)


def read_password(file: str, address: str) -> str:
    """Return the mailbox's password from a file or standard input, or asked for on the terminal without echo.

    Raises:
        UnavailableError: the file cannot be read.
    """
    if not file:
        return _typed(f"The password of {address}", getpass.getpass) if address else ""
    text = sys.stdin.read() if file == "-" else read_text(Path(file))
    return text.strip("\r\n")


def _values(answers: SetupAnswers, options: argparse.Namespace) -> dict[str, dict[str, str]]:
    """Return what to write into followupd.toml: table -> key -> value as TOML writes it."""
    servers = _servers(answers, options)
    login = {"username": answers.address, "ca_file": options.ca_file}
    post = {**login, **servers.get("smtp", {})}
    local = answers.name.split(" ", maxsplit=1)[0].lower()
    agent = {"name": answers.name, "email": answers.email, "phone": answers.phone}
    found: dict[str, dict[str, Any]] = {
        "company": {"name": answers.company, **_of_this_machine()},
        "mailbox": {"address": answers.address, **login, **servers.get("imap", {})},
        "smtp": post,
        "agent": {**agent, "id": local if local.isascii() and local.isalnum() else ""},
    }
    found["hours"] = {"holidays": _holidays(found["company"].get("locale", ""))}
    written = {
        table: {key: _in_toml(value) for key, value in row.items() if value} for table, row in found.items()
    }
    if post.get("security") == "none":  # a server on this machine, which wants no login
        written["smtp"].update(username=_in_toml(""), password=_in_toml(""))
    return written


def _in_toml(value: str | int) -> str:
    """Return a text or a number as TOML writes it."""
    return json.dumps(value, ensure_ascii=False)


def _servers(answers: SetupAnswers, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the keys of both servers: as the options name them, or as they are found; print what was found."""
    from followupd.adapters.network import find_servers

    named = {
        name: named_server(getattr(options, name), answers.address, port)
        for name, port in (("imap", 993), ("smtp", 587))
    }
    if not answers.address or all(named.values()):
        return named

    found = find_servers(answers.address)
    if found is None:
        print_error(f"No servers of {answers.address} were found by its domain.")
        return _asked_servers(answers, named, options)
    print_error(f"Found {found.imap.host} and {found.smtp.host}, by {found.source}.")
    return {name: named[name] or asdict(getattr(found, name)) for name in named}


def _asked_servers(
    answers: SetupAnswers, named: dict[str, dict[str, Any]], options: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """Return the keys of both servers, those that no option names as somebody at the terminal names them.

    Args:
        answers: with the mailbox's address.
        named: what the options name.
        options: the options of the command.
    """
    if not _is_asked(options):
        print_error("Write them into followupd.toml, or use --imap and --smtp.")
        return named
    questions = {
        "imap": ("The IMAP server, as imap.acme.example or HOST:PORT", 993),
        "smtp": ("The SMTP server, as smtp.acme.example or HOST:PORT", 587),
    }
    return {
        name: named[name] or named_server(_typed(question).strip(), answers.address, port)
        for name, (question, port) in questions.items()
    }


def named_server(place: str, username: str, usual_port: int) -> dict[str, Any]:
    """Return the keys of a server that an option names, {} for none.

    Args:
        place: HOST, HOST:PORT, or with its security before it: tls://HOST:PORT.
        username: for the login.
        usual_port: where none is named.
    """
    if not place:
        return {}
    scheme, _, address = place.rpartition("://")
    host, _, port = address.partition(":")
    number = int(port) if port.isdigit() else usual_port
    security = scheme or ("tls" if number in {993, 465} else "starttls")
    return {"host": host, "port": number, "security": security, "username": username}


def _of_this_machine() -> dict[str, str]:
    """Return time zone, locale and currency of this machine, as far as they are known; the locale C is no country's."""
    from babel import Locale, UnknownLocaleError
    from babel.numbers import get_territory_currencies

    found = {"timezone": time_zone()}
    locale = os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    code = locale.partition(".")[0]
    try:
        territory = "" if code in {"C", "POSIX"} else Locale.parse(code).territory
    except (ValueError, UnknownLocaleError, TypeError):
        return found
    if territory:
        found.update(locale=code, currency=get_territory_currencies(territory)[0])
    return found


def time_zone() -> str:
    """Return the time zone of this machine, "" if its name is not known."""
    _, _, zone = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")
    return zone if "/" in zone else ""


def _holidays(locale: str) -> str:
    """Return the country of a locale if its public holidays are known, "" otherwise."""
    from followupd.domain.calendar import holidays_problem

    _, _, country = locale.partition("_")
    is_starters = country in {"", "GB"}  # whose parts have holidays of their own
    return "" if is_starters or holidays_problem(country) else country


def _customise(options: argparse.Namespace) -> int:
    from followupd.adapters.overlay import customise, mark_merged

    if not options.names:
        return _list_shipped(options)
    act = mark_merged if options.merged else customise
    copies = list(map(str, act(options.config, options.names)))

    if options.json:
        print_json(copies)
        return DONE

    done = "Up to date" if options.merged else "Copied for editing"
    for copy in copies:
        print(f"{done}: {copy}")
    if not copies:
        print(f"Nothing to copy: {options.config} has all of these files.")

    return DONE


def _list_shipped(options: argparse.Namespace) -> int:
    """Print the files that can be customised, those with a copy marked."""
    from followupd.adapters.overlay import shipped_files

    files = {name: (options.config / name).is_file() for name in shipped_files()}

    if options.json:
        print_json([{"name": name, "customised": customised} for name, customised in files.items()])
        return DONE

    print_table([(name, "customised" if customised else "") for name, customised in files.items()])

    return DONE


def _check(options: argparse.Namespace) -> int:
    return _print_problems(options, _problems(options))


def _problems(options: argparse.Namespace) -> list[Problem]:
    """Return every problem of the configuration; with --online, the servers are described and asked too."""
    from followupd import clock
    from followupd.app.check import configuration_problems

    problems = configuration_problems(options.config, clock.now(), with_secrets=not options.without_secrets)
    if options.online:
        _add(problems, _online(options))
    return problems


def _print_problems(options: argparse.Namespace, problems: list[Problem]) -> int:
    """Print the problems, and return the exit code of `check`."""
    if options.json:
        print_json(list(map(_view, problems)))
    else:
        for problem in problems:
            print(problem)
        print(f"{len(problems)} problem(s) found." if problems else "No problems found.")

    return _exit_code(problems)


def _exit_code(problems: list[Problem]) -> int:
    from followupd.adapters.settings import WARNINGS

    return PROBLEMS if any(problem.rule not in WARNINGS for problem in problems) else DONE


def _view(problem: Problem) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("file", "line", "key", "rule", "problem", "hint")}


def _online(options: argparse.Namespace) -> list[Problem]:
    """Print what every server supports, on standard error beside JSON; return the problems.

    Servers are asked although other things are wrong, but not with settings that cannot be used.
    """
    from followupd.adapters.accounts import ledger_key_problem, ledger_problem
    from followupd.adapters.settings import examine, missing_secrets

    settings, _ = examine(options.config)
    if settings is None:
        return []
    problems = missing_secrets(settings)
    if not problems and not ledger_key_problem(settings) and (trouble := ledger_problem(settings)):
        problems = [trouble]
    _add(problems, check_servers(settings, print_error if options.json else print))

    return problems


def _when(options: argparse.Namespace) -> int:
    """Print when a duration ends, in company time and in UTC."""
    from followupd import clock
    from followupd.adapters.settings import load
    from followupd.domain.calendar import Duration

    try:
        duration = Duration.parse(" ".join(options.duration))
        start = datetime.fromisoformat(options.start) if options.start else clock.now()
    except ValueError as error:
        print_error(f"followupd when: {error}")
        return USAGE

    calendar = load(options.config).calendar
    try:
        if start.tzinfo is None:
            start = calendar.moment(start.date(), start.time())
        end = calendar.after(start.astimezone(UTC), duration)
        local = calendar.local(end)
    except (ValueError, OverflowError):
        print_error(f"followupd when: no calendar reaches as far as {options.start} and {duration}")
        return USAGE

    if options.json:
        view = {"duration": str(duration), "from": utc_iso(start), "at": utc_iso(end)}
        print_json({**view, "local": local.isoformat()})
    else:
        print(f"{local:%A, %Y-%m-%d %H:%M} {local.tzname()} ({utc_iso(end)})")

    return DONE
