"""Web pages for people: one file each that loads nothing, from the templates beside this module.

`plots.html` has macros of plots as inline SVG, and `style.html` the style sheet of all pages, light, dark and printed.
"""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render_page(name: str, **values: Any) -> str:
    """Return a page as HTML; every value is escaped.

    Args:
        name: the name of the template, such as "lookback.html".
        values: what the template shows.
    """
    return _environment().get_template(name).render(**values)


@cache
def _environment() -> Environment:
    """Return the templates of pages, with filters for numbers, shares and days."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "grouped": grouped, "share": share, "day": day}
    return environment


def number(value: float) -> str:
    """Return a number for people: 12,345; 3.5; 12."""
    return f"{value:,.1f}".removesuffix(".0")


def grouped(cell: str) -> str:
    """Return the cell of a table for people: a whole number with separators, anything else as it is."""
    return f"{int(cell):,}" if cell.isdecimal() else cell


def share(count: int, total: int) -> str:
    """Return a share of a total in percent, "" of nothing."""
    return f"{count / total:.0%}" if total else ""


def day(value: date) -> str:
    """Return a day for people: 3 Mar 2026."""
    return f"{value.day} {value:%b %Y}"
