"""demo, init, customise, check, when: try followupd out and set it up."""

import argparse
import io
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from followupd.adapters.terminal import utc_iso
from followupd.cli.commands import CommandParsers
from followupd.cli.main import DONE, PROBLEMS, USAGE
from followupd.cli.output import print_error, print_json
from followupd.errors import Problem


def add(commands: CommandParsers) -> None:
    """Add the parsers of demo, init, customise, check and when."""
    demo = commands.add("demo")
    demo.add_argument("--out", metavar="DIR", type=Path, help="write the letters here (./followupd-demo)")
    demo.add_argument("--fast", action="store_true", help="do not pause for the reader")
    demo.set_defaults(do=_demo)

    init = commands.add("init")
    init.add_argument("directory", metavar="DIR", type=Path)
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
    check.set_defaults(do=_check)

    when = commands.add("when")
    when.add_argument("duration", metavar="DURATION", nargs="+", help="such as 2 business days")
    when.add_argument("--from", dest="start", metavar="ISO", help="start at this time instead of now")
    when.set_defaults(do=_when, many="duration")


def _demo(options: argparse.Namespace) -> int:
    """Play the demo, if its mail servers are installed."""
    from time import monotonic

    from followupd import clock

    if not all(find_spec(module) for module in ("aiosmtpd", "pymap")):
        print_error(
            "followupd demo: its mail servers are missing; install them: pip install 'followupd[demo]'"
        )
        return PROBLEMS

    from followupd.demo.performance import perform

    start = monotonic()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an ASCII terminal cannot show a pound sign
    result = perform(options.out, clock.now(), fast=options.fast, quiet=options.json)
    if options.json:
        print_json({**result, "seconds": round(monotonic() - start, 2)})

    return DONE if result["ok"] else PROBLEMS


def _init(options: argparse.Namespace) -> int:
    from followupd.adapters.overlay import write_starter

    written = write_starter(options.directory)
    if options.json:
        print_json([str(path) for path in written])
        return DONE

    names = [str(path.relative_to(options.directory)) for path in written]
    print(f"Wrote to {options.directory}: {', '.join(names)}")
    print("Next:")
    print(f"  edit {options.directory / 'followupd.toml'}")
    print(f"  followupd check --online --config {options.directory}")

    return DONE


def _customise(options: argparse.Namespace) -> int:
    from followupd.adapters.overlay import customise, mark_merged

    if not options.names:
        return _list_shipped(options)
    act = mark_merged if options.merged else customise
    copies = [str(path) for path in act(options.config, options.names)]

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
    from followupd.cli.output import print_table

    files = {name: (options.config / name).is_file() for name in shipped_files()}

    if options.json:
        print_json([{"name": name, "customised": customised} for name, customised in files.items()])
        return DONE

    print_table([(name, "customised" if customised else "") for name, customised in files.items()])

    return DONE


def _check(options: argparse.Namespace) -> int:
    from followupd import clock
    from followupd.app.check import configuration_problems

    problems = configuration_problems(options.config, clock.now())
    if options.online and not any(problem.file.startswith("followupd.toml") for problem in problems):
        problems += _online(options)

    if options.json:
        print_json([_view(problem) for problem in problems])
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
    """Print what every server supports, on standard error beside JSON; return the problems."""
    from followupd.adapters.settings import load, missing_secrets
    from followupd.cli.check_online import check_servers

    settings = load(options.config)
    problems = missing_secrets(settings)
    found = check_servers(settings, print_error if options.json else print)

    return problems + [problem for problem in found if problem not in problems]


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
    if start.tzinfo is None:
        start = calendar.moment(start.date(), start.time())
    end = calendar.after(start.astimezone(UTC), duration)
    local = calendar.local(end)

    if options.json:
        view = {"duration": str(duration), "from": utc_iso(start), "at": utc_iso(end)}
        print_json({**view, "local": local.isoformat()})
    else:
        print(f"{local:%A, %Y-%m-%d %H:%M} {local.tzname()} ({utc_iso(end)})")

    return DONE
