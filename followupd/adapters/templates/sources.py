"""The files of letters: front matter, Markdown with Jinja2, and the sandbox in which they are filled in.

A letter is `<language>/<kind>.md`: front matter between two lines of dashes (`subject:`, `from:`), then Markdown. A file
whose name begins with "_" is a part that letters include.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    Environment,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    pass_context,
)
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from followupd.adapters.templates import markdown
from followupd.adapters.templates.formatter import Missing, Unknown
from followupd.errors import LetterError

#: what the front matter of a letter may say
FRONT = ("subject", "from")


class BrokenLetterError(LetterError):
    """A letter's file is at fault: which one, in which line (None: none in particular), and why."""

    def __init__(self, file: str, line: int | None, reason: str) -> None:
        self.file, self.line, self.reason = file, line, reason
        super().__init__(f"{file}{f':{line}' if line else ''}: {reason}")


class HeadError(BrokenLetterError):
    """A letter's front matter is at fault."""


class GrammarError(BrokenLetterError):
    """A letter is no template that Jinja2 can read."""


class SlotError(BrokenLetterError):
    """A letter was filled in, and does not say what a letter of its kind must say."""


_FRONT_LINE = re.compile(r"([a-z]+):\s*(.*?)\s*")
# trim_blocks takes the line feed after every tag; it should do so only on lines that hold nothing but tags
_ENDS_IN_TAG = re.compile(r"(?m)^(?!(?:\s|\{%[^\n]*?%\}|\{#[^\n]*?#\})*$)([^\n]*[%#]\})[ \t]*$")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*[,;:]?")
_ENDED = re.compile(r"[.!?…:][\"'”’»)\]]*$")
#: what a template may do wrong while it is filled in
_SLIPS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
#: Jinja2's filters that letters may use: none that could mark a value as safe
_FILTERS = frozenset(
    {
        "batch",
        "count",
        "default",
        "int",
        "join",
        "last",
        "length",
        "list",
        "lower",
        "map",
        "reject",
        "rejectattr",
        "round",
        "select",
        "selectattr",
        "sort",
        "trim",
        "unique",
        "upper",
    }
)


@dataclass(frozen=True, slots=True)
class LetterTemplate:
    """A letter's file: where it stands, its front matter with the lines it stands on, and its body.

    `body` keeps the file's line numbers: the front matter is blanked out, not cut off.
    """

    file: str
    language: str
    front: Mapping[str, tuple[str, int]]
    body: str

    @classmethod
    def read(cls, text: str, file: str, language: str) -> "LetterTemplate":
        """Read a letter; raises LetterError for front matter that is none."""
        rows = text.removeprefix("\ufeff").splitlines()
        if not rows or rows[0].strip() != "---" or "---" not in (row.strip() for row in rows[1:]):
            raise HeadError(file, 1, "a letter begins with its subject between two lines of dashes")
        end = next(n for n, row in enumerate(rows[1:], 1) if row.strip() == "---")
        front = dict(_front(rows[1:end], file))
        if "subject" not in front:
            raise HeadError(file, 1, "the letter has no subject")
        return cls(file, language, front, "\n" * (end + 1) + "\n".join(rows[end + 1 :]) + "\n")


def _front(rows: list[str], file: str) -> Iterator[tuple[str, tuple[str, int]]]:
    for line, row in enumerate(rows, 2):
        found = _FRONT_LINE.fullmatch(row)
        if not row.strip() or row.startswith("#"):
            continue
        if not found or found[1] not in FRONT or not found[2]:
            known = " and ".join(FRONT)
            raise HeadError(file, line, f"{row.strip()!r} is not a line of front matter, which knows {known}")
        yield found[1], (found[2], line)


class TemplateFiles:
    """The templates of a configuration directory over the shipped ones.

    A name is a path below either directory, such as "en/follow-up.md". A file that the own directory lacks is the
    shipped one; an own file with the content of the shipped one counts as shipped.
    """

    def __init__(self, own: Path, shipped: Path | None = None) -> None:
        """Without `shipped`, only the own files exist."""
        self.own = own
        self._shipped = shipped
        self._texts: dict[str, str] | None = None

    def load_all(self) -> None:
        """Read every file now; what is edited later is not seen. Files that are not UTF-8 are left out."""
        texts: dict[str, str] = {}
        for name in self._names():
            with suppress(UnicodeDecodeError, TemplateNotFound):
                texts[name] = self.text(name)
        self._texts = texts

    def label(self, name: str) -> str:
        """Return the name as messages show it: "templates/en/follow-up.md"."""
        return f"{self.own.name}/{name}"

    def exists(self, name: str) -> bool:
        if self._texts is not None:
            return name in self._texts
        return self._path(name) is not None

    def text(self, name: str) -> str:
        """Return the text of a file.

        Raises:
            TemplateNotFound: there is no such file.
            UnicodeDecodeError: it is not UTF-8.
        """
        if self._texts is not None and name in self._texts:
            return self._texts[name]
        path = self._path(name) if self._texts is None else None
        if path is None:
            raise TemplateNotFound(name)
        return path.read_text(encoding="utf-8")

    def languages(self) -> list[str]:
        """Return the languages that have letters."""
        found = {name.partition("/")[0] for name in self._names() if "/" in name}
        return sorted(filter(is_language, found))

    def changed(self, language: str) -> list[str]:
        """Return the names of a language's letters and parts that differ from the shipped ones, or are new."""
        paths = (self.own / language).rglob("*.md")
        names = sorted(path.relative_to(self.own).as_posix() for path in paths)
        return [name for name in names if self.is_changed(name)]

    def is_changed(self, name: str) -> bool:
        """Return whether the own directory has this file with another content than the shipped one."""
        own = _file_below(self.own, name)
        shipped = _file_below(self._shipped, name)
        if own is None or shipped is None:
            return own is not None
        return own.read_bytes() != shipped.read_bytes()

    def _path(self, name: str) -> Path | None:
        return _file_below(self.own, name) or _file_below(self._shipped, name)

    def _names(self) -> set[str]:
        """Return the names of all letters, parts and layouts."""
        return {
            path.relative_to(directory).as_posix()
            for directory in (self._shipped, self.own)
            if directory is not None
            for path in (*directory.glob("*.html"), *directory.rglob("*.md"))
        }


def _file_below(directory: Path | None, name: str) -> Path | None:
    """Return a file of a directory; None if it does not exist or a link leads out of the directory."""
    if directory is None:
        return None
    path = directory / name
    is_inside = path.resolve().is_relative_to(directory.resolve())
    return path if is_inside and path.is_file() else None


def is_language(tag: str) -> bool:
    """Return whether a directory of this name holds the letters of a language: "en", "de-at"."""
    return re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", tag) is not None


class _TemplateLoader(BaseLoader):
    """Gives Jinja2 the bodies of letters, and the parts that they include."""

    def __init__(self, files: TemplateFiles) -> None:
        self._files = files

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:  # noqa: ARG002  Jinja2's signature
        if not self._files.exists(template):  # a part that "de-at" lacks is that of "de"
            language, _, rest = template.partition("/")
            template = f"{language.partition('-')[0]}/{rest}"
        text = self._files.text(template)
        file = self._files.label(template)
        name = template.rpartition("/")[2]
        is_letter = name.endswith(".md") and not name.startswith("_")
        body = LetterTemplate.read(text, file, "").body if is_letter else text
        return _ENDS_IN_TAG.sub(r"\1{{ '' }}", body), file, lambda: True


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox of letters, in which a letter includes the parts of its own language: "_greeting.md"."""

    def join_path(self, template: str, parent: str) -> str:
        """Return the name of an included file; one that begins with a language is that language's."""
        language = parent.partition("/")[0]
        if is_language(template.partition("/")[0]) or not is_language(language):
            return template
        return f"{language}/{template}"


def sentence(value: Any) -> str:
    """Make a sentence of what an agent wrote: a capital at the start and a full stop at the end, where they lack."""
    flat = markdown.one_line(str(value))
    first = flat.split(" ", 1)[0]
    if first.islower() and _WORD.fullmatch(first):
        flat = flat[0].upper() + flat[1:]
    return ended(flat)


def ended(value: Any) -> str:
    """End with a full stop, where it lacks: for what stands behind a colon."""
    flat = markdown.one_line(str(value))
    return flat if _ENDED.search(flat) else flat.rstrip(",;- ") + "."


def capital(value: Any) -> str:
    """Begin with a capital and end without a full stop: an entry of a list that goes on."""
    return sentence(value).rstrip(".")


def first(values: Iterable[Any]) -> Any:
    """Return the first value; where there is none, something that is false in an `if` and cannot be printed."""
    return next(iter(values), Missing.called("first"))


def sandbox(files: TemplateFiles | None, write: Callable[[str], str], *, markup: bool) -> Environment:
    """Return a sandbox in which every printed value goes through `write`; only our own filters skip it.

    Without `files`, templates can include nothing.
    """

    @pass_context  # a finalizer that wants the context also sees the constants, which are otherwise folded before it
    def finalize(_: Context, value: Any) -> Any:
        if isinstance(value, Undefined):
            str(value)  # raises, with the name
        if not isinstance(value, str | int | float):
            raise TemplateError("this is no text; print one of its parts, such as `owner.name`")
        return value if isinstance(value, Markup) else Markup(write(str(value)))  # noqa: S704  escaped for Markdown

    environment = TemplateEnvironment(
        loader=_TemplateLoader(files) if files else None,
        undefined=Unknown,
        finalize=finalize,
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=-1,
    )
    environment.filters = {name: one for name, one in environment.filters.items() if name in _FILTERS}
    environment.filters |= {"sentence": sentence, "ended": ended, "capital": capital, "first": first}
    if markup:
        shaped: dict[str, Callable[[Any], str]] = {
            "quoted": lambda value: markdown.quoted(str(value)),
            "code": lambda value: markdown.verbatim(str(value)),
            "lines": markdown.lines,
        }
        environment.filters |= {name: _shaping(shape) for name, shape in shaped.items()}
    return environment


def layout_template(files: TemplateFiles, name: str) -> Template:
    """Return the frame of the HTML part, in a sandbox of its own that escapes for HTML."""
    environment = ImmutableSandboxedEnvironment(
        loader=_TemplateLoader(files), undefined=Unknown, autoescape=True, auto_reload=False
    )
    return environment.get_template(name)


def _shaping(shape: Callable[[Any], str]) -> Callable[[Any], Markup]:
    return lambda value: Markup(shape(value))  # noqa: S704  the shapes escape for Markdown themselves


@contextmanager
def naming(file: str, line: int | None = None) -> Iterator[None]:
    """Turn what goes wrong in a template into a LetterError that begins with file and line."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise GrammarError(error.filename or file, line or error.lineno, error.message or "") from error
    except TemplateNotFound as error:
        raise BrokenLetterError(
            file, line, f"the part {error.name!r} that it includes does not exist"
        ) from error
    except _SLIPS as error:
        found = _place(error, file.partition("/")[0] + "/")
        name, at = found or (file, None)
        raise BrokenLetterError(name, line or at, str(error)) from error


def _place(error: Exception, app: str) -> tuple[str, int] | None:
    """Return file and line of the template's own innermost frame: Jinja2 puts them into the traceback."""
    found, step = None, error.__traceback__
    while step:
        name = step.tb_frame.f_code.co_filename
        found = (name, step.tb_lineno) if name.startswith(app) else found
        step = step.tb_next
    return found
