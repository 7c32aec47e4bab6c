"""The files of letters: front matter, Markdown with Jinja2, and the sandbox in which they are rendered.

A letter is `<language>/<kind>.md`: front matter between two lines of dashes (`subject:`, `from:`), then
Markdown. In cases of a playbook, `<kind>.<playbook>.md` stands in for it, and `safety.md` for the first confirmation
to somebody in danger. A file whose name begins with "_" is a part that letters include.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
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
from followupd.domain.letter import Attachment, LetterKind
from followupd.errors import LetterError

#: the letter that stands in for the first confirmation to somebody in danger
SAFETY = "safety"
#: the one that stands in for it where the customer had to complain before
AGAIN = "again"
#: the register of letters to customers whom an agent knows well: "de-informal" has them in German
INFORMAL = "informal"
#: letters that stand in for the first confirmation
STAND_INS = frozenset({SAFETY, AGAIN})
#: the lines that the front matter may have
FRONT_MATTER = ("subject", "from", "attach", "logo")
#: the picture above every letter to customers, where it exists
LOGO = "logo.png"
#: bytes of a logo, and of all files of a letter
MAX_LOGO, MAX_FILES = 50_000, 1_000_000
#: files that a letter may have, by their ending: how they begin, and their media type
_FILE_TYPES = {
    ".pdf": (b"%PDF", "application/pdf"),
    ".png": (b"\x89PNG", "image/png"),
    ".jpg": (b"\xff\xd8\xff", "image/jpeg"),
    ".jpeg": (b"\xff\xd8\xff", "image/jpeg"),
    ".gif": (b"GIF8", "image/gif"),
    ".txt": (b"", "text/plain"),
}


class TemplateFileError(LetterError):
    """A template file has a mistake: in which file and line (None if it cannot be told), and what it is."""

    def __init__(self, file: str, line: int | None, reason: str) -> None:
        self.file = file
        self.line = line
        self.reason = reason
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {reason}")


class FrontMatterError(TemplateFileError):
    """The front matter of a letter is wrong."""


class LetterFileError(TemplateFileError):
    """A file that the front matter names cannot be sent."""


class InvalidTemplateError(TemplateFileError):
    """The file is no template that Jinja2 can parse."""


class ContentError(TemplateFileError):
    """The rendered letter does not contain what a letter of its kind must."""


_FRONT_LINE = re.compile(r"([a-z]+):\s*(.*?)\s*")
# trim_blocks removes the line feed after every tag; it should do so only on lines that contain nothing but
# tags
_ENDS_IN_TAG = re.compile(r"(?m)^(?!(?:\s|\{%[^\n]*?%\}|\{#[^\n]*?#\})*$)([^\n]*[%#]\})[ \t]*$")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*[,;:]?")
_ENDED = re.compile(r"[.!?…:][\"'”’»)\]]*$")
#: where the templates of a configuration are, by their labels
_DIRECTORIES = ("templates/", "companies/")
#: errors that a template may raise while it is rendered
_RENDERING_ERRORS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
#: what was compiled in this process; with too many templates, all are forgotten
_CODE: dict[Any, Any] = {}
_MAX_CODE = 2000
#: the filters of Jinja2 that letters may use; none can mark a value as safe
_FILTERS = frozenset(
    [
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
    ]
)


@dataclass(frozen=True, slots=True)
class LetterTemplate:
    """A letter's file: its name, its front matter with the line numbers, and its body.

    `stem` is its name below the language, without the ending: "follow-up.delivery". `body` keeps the file's line
    numbers: the front matter is replaced by empty lines.
    """

    file: str
    language: str
    front: Mapping[str, tuple[str, int]]
    body: str
    stem: str = ""

    @classmethod
    def read(cls, text: str, file: str, language: str, stem: str = "") -> "LetterTemplate":
        """Split a letter into front matter and body.

        Args:
            text: the content of the file.
            file: its name, for error messages.
            language: the language that it is written in.
            stem: its name below the language, without the ending.

        Raises:
            FrontMatterError: there is no front matter, or a mistake in it.
        """
        rows = text.removeprefix("\ufeff").splitlines()
        dashes = [number for number, row in enumerate(rows) if row.strip() == "---"]
        if len(dashes) < 2 or dashes[0] != 0:
            raise FrontMatterError(file, 1, "a letter begins with its subject between two lines of dashes")

        end = dashes[1]
        front = dict(_front_matter(rows[1:end], file))
        if "subject" not in front:
            raise FrontMatterError(file, 1, "the letter has no subject")
        body = "\n" * (end + 1) + "\n".join(rows[end + 1 :]) + "\n"
        return cls(file, language, front, body, stem)


def _front_matter(rows: list[str], file: str) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield the names of the front matter with their values and line numbers.

    Empty lines and comments are skipped.
    """
    for line, row in enumerate(rows, 2):
        if not row.strip() or row.startswith("#"):
            continue
        match = _FRONT_LINE.fullmatch(row)
        if not match or match[1] not in FRONT_MATTER or not match[2]:
            allowed = " and ".join(FRONT_MATTER)
            problem = f"{row.strip()!r} is not a line of front matter, which has only {allowed}"
            raise FrontMatterError(file, line, problem)
        yield match[1], (match[2], line)


class TemplateFiles:
    """The templates of a configuration directory over the shipped ones, and those of a second brand over both.

    A name is a path below each directory, such as "en/follow-up.md". A file that the own directory lacks is
    the one beneath; an own file with the content of the one beneath counts as that one.
    """

    def __init__(self, own: Path, *beneath: Path, label: str = "") -> None:
        """Take the directories of templates; without one beneath, only the own files exist.

        Args:
            own: whose files count most.
            beneath: the others, of which the first that has a file counts.
            label: what messages call the own directory; the last part of its path by default.
        """
        self.own = own
        self._beneath = beneath
        self._label = label or own.name
        self._texts: dict[str, str] | None = None
        self._data: dict[str, bytes] = {}

    def load_all(self) -> None:
        """Read every file now; what is edited later is not seen. Files that cannot be read are left out."""
        texts: dict[str, str] = {}
        for name in self._names():
            with suppress(FrontMatterError, TemplateNotFound):
                texts[name] = self.text(name)
        paths = [path for path in self.own.rglob("*") if path.suffix.lower() in _FILE_TYPES]
        for name in (path.relative_to(self.own).as_posix() for path in paths):
            with suppress(OSError):
                self._data[name] = self.data(name) or b""
        self._texts = texts

    def data(self, name: str) -> bytes | None:
        """Return the content of an own file that is no text of a letter, None where there is none.

        Args:
            name: a path below the templates; one that leads out of them names no file.

        Raises:
            OSError: it cannot be read.
        """
        if name in self._data:
            return self._data[name]
        path = _file_below(self.own, name) if self._texts is None else None
        if path is None:
            return None
        with path.open("rb") as file:  # no more than decides that it is too large
            return file.read(MAX_FILES + 1)

    def label(self, name: str) -> str:
        """Return the name as messages show it: "templates/en/follow-up.md"."""
        is_shared = len(self._beneath) > 1 and _file_below(self.own, name) is None
        return f"{self._beneath[0].name if is_shared else self._label}/{name}"

    def exists(self, name: str) -> bool:
        if self._texts is not None:
            return name in self._texts
        return self._path(name) is not None

    def text(self, name: str) -> str:
        """Return the text of a file.

        Raises:
            TemplateNotFound: there is no such file.
            FrontMatterError: it cannot be read as text.
        """
        if self._texts is not None and name in self._texts:
            return self._texts[name]
        path = self._path(name) if self._texts is None else None
        if path is None:
            raise TemplateNotFound(name)
        try:
            return path.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise FrontMatterError(self.label(name), None, f"the file cannot be read: {reason}") from None

    def languages(self) -> list[str]:
        """Return the languages that have letters."""
        found = {name.partition("/")[0] for name in self._names() if "/" in name}
        return sorted(filter(is_language, found))

    def of_language(self, language: str) -> list[str]:
        """Return a language's letters and parts, the shipped ones too."""
        return sorted(name for name in self._names() if name.startswith(f"{language}/"))

    def changed(self, language: str) -> list[str]:
        """Return a language's letters and parts that are new or differ from the shipped ones."""
        paths = (self.own / language).rglob("*.md")
        names = sorted(path.relative_to(self.own).as_posix() for path in paths)
        return list(filter(self.is_changed, names))

    def has_register(self, language: str, other: str, stem: str) -> bool:
        """Return whether a letter may be taken in another register of its language.

        It has one there, and an own letter is not replaced by a shipped one in other words.

        Args:
            language: the directory of the letters as usual.
            other: that of the register.
            stem: the letter's name.
        """
        usual, said = f"{language}/{stem}.md", f"{other}/{stem}.md"
        return self.exists(said) and (not self.is_changed(usual) or self.is_changed(said))

    def is_changed(self, name: str) -> bool:
        """Return whether the own directory has this file with another content than the shipped one."""
        own = _file_below(self.own, name)
        original = _first_file(self._beneath, name)
        if own is None or original is None:
            return own is not None
        try:
            return own.read_bytes() != original.read_bytes()
        except OSError:
            return True

    def _path(self, name: str) -> Path | None:
        return _first_file((self.own, *self._beneath), name)

    def _names(self) -> set[str]:
        """Return the names of all letters, parts and layouts."""
        return {
            path.relative_to(directory).as_posix()
            for directory in (*self._beneath, self.own)
            for path in (*directory.glob("*.html"), *directory.rglob("*.md"))
        }


def _first_file(directories: Iterable[Path], name: str) -> Path | None:
    """Return a file of the first of these directories that has it, None if none has."""
    found = (_file_below(directory, name) for directory in directories)
    return next(filter(None, found), None)


def _file_below(directory: Path, name: str) -> Path | None:
    """Return a file of a directory; None if it does not exist or a link leads out of the directory."""
    path = directory / name
    if not path.is_file():
        return None
    step = directory
    for part in name.split("/"):
        step /= part
        # nothing else leads out of a directory, and to resolve a path costs much
        if part in {"", ".."} or step.is_symlink():
            return path if path.resolve().is_relative_to(directory.resolve()) else None
    return path


def files_of(files: TemplateFiles, template: LetterTemplate, domain: str) -> tuple[Attachment, ...]:
    """Return the files that a letter to a customer is sent with: its logo, and what is attached to it.

    Args:
        files: the templates, below which the files lie.
        template: the letter, whose front matter names them.
        domain: the domain of the address that sends it, for the id of the logo.

    Raises:
        LetterFileError: one is missing, too large, or of no kind that may be sent.
    """
    found = []
    logo, line = template.front.get("logo", (LOGO if files.data(LOGO) else "", 0))
    if logo and logo != "none":
        data, media_type = _checked_file(files, template, logo, line)
        if len(data) > MAX_LOGO or not media_type.startswith("image/"):
            problem = f"{logo!r} is no picture of at most {MAX_LOGO // 1000} kB"
            raise LetterFileError(template.file, line or None, problem)
        cid = f"logo.{sha256(data).hexdigest()[:16]}@{domain}"
        found.append(_attachment(logo, media_type, data, cid))

    attached, line = template.front.get("attach", ("", 0))
    for name in filter(None, map(str.strip, attached.split(","))):
        data, media_type = _checked_file(files, template, name, line)
        found.append(_attachment(name, media_type, data))
    if sum(len(attachment.content) for attachment in found) > MAX_FILES * 4 / 3:
        raise LetterFileError(template.file, line, f"its files have more than {MAX_FILES // 1000} kB")
    return tuple(found)


def _checked_file(files: TemplateFiles, template: LetterTemplate, name: str, line: int) -> tuple[bytes, str]:
    """Return the content and the media type of a file.

    Args:
        files: the templates.
        template: the letter's template.
        name: the name of the file.
        line: its number.

    Raises:
        LetterFileError: it is missing, or not what its name says.
    """
    start, media_type = _FILE_TYPES.get(Path(name).suffix.lower(), (None, ""))
    try:
        data = files.data(name)
    except OSError as error:
        raise LetterFileError(template.file, line, f"{name!r} cannot be read: {error.strerror}") from None
    if data is None:
        raise LetterFileError(template.file, line, f"there is no file {files.label(name)!r}")
    if start is None or not data or not data.startswith(start):
        known = " ".join(_FILE_TYPES)
        raise LetterFileError(template.file, line, f"{name!r} is empty, or none of {known}")
    return data, media_type


def _attachment(name: str, media_type: str, data: bytes, cid: str = "") -> Attachment:
    """Return a file as it is attached, by its name without the folders."""
    return Attachment(Path(name).name, media_type, b64encode(data).decode(), encoded=True, cid=cid)


def letter_of_file(name: str) -> tuple[LetterKind, str] | None:
    """Return the kind of letter in a file and the playbook that it is for, "" for all; None for no letter.

    Args:
        name: the name of the file below the templates: "en/follow-up.delivery.md".
    """
    stem = name.partition("/")[2].removesuffix(".md")
    letter, _, playbook = stem.partition(".")
    kinds = {str(kind): kind for kind in LetterKind} | dict.fromkeys(STAND_INS, LetterKind.CONFIRMATION)
    has_variants = letter in STAND_INS or (letter in kinds and kinds[letter].to_customer)
    is_letter = letter in kinds and (has_variants or stem == letter)
    return (kinds[letter], playbook) if is_letter else None


def stems_of(kind: LetterKind, playbook: str, stand_in: str = "") -> tuple[str, ...]:
    """Return the names of the files of which the first that exists is the letter, without their ending.

    Args:
        kind: the kind of a letter to the customer.
        playbook: the name of the case's playbook.
        stand_in: the letter that stands in for it, one of `STAND_INS`; "" for none.
    """
    names = filter(None, (stand_in, str(kind)))
    return tuple(f"{name}{variant}" for name in names for variant in (f".{playbook}", ""))


def is_language(tag: str) -> bool:
    """Return whether a directory of this name holds the letters of a language: "en", "de-at"."""
    return re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", tag) is not None


class _TemplateLoader(BaseLoader):
    """Gives Jinja2 the bodies of letters and the parts that they include."""

    def __init__(self, files: TemplateFiles) -> None:
        self._files = files

    def get_source(
        self,
        environment: Environment,  # noqa: ARG002
        template: str,
    ) -> tuple[str, str, Callable[[], bool]]:
        """Return the body of a letter or the text of a part; "de-at" takes what it lacks from "de"."""
        if not self._files.exists(template):
            language, _, rest = template.partition("/")
            template = f"{language.partition('-')[0]}/{rest}"
        text = self._files.text(template)
        file = self._files.label(template)
        name = template.rpartition("/")[2]
        is_letter = name.endswith(".md") and not name.startswith("_")
        body = LetterTemplate.read(text, file, "").body if is_letter else text
        return _ENDS_IN_TAG.sub(r"\1{{ '' }}", body), file, lambda: True


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox in which what another one of its kind has compiled before is not compiled again.

    Brands share most of their templates, and a reload, `check` and the preview begin with a new sandbox.
    """

    def __init__(self, kind: str, **options: Any) -> None:
        """Take what must be the same where code is shared: a name for the options and the filters."""
        super().__init__(undefined=Unknown, autoescape=True, auto_reload=False, **options)
        self._kind = kind

    def compile(self, source: Any, *names: Any, **options: Any) -> Any:
        """Return the code of a template, in which no value of its sandbox is."""
        asked = self._kind, source, names, *options.items()
        if asked not in _CODE:
            if len(_CODE) >= _MAX_CODE:
                _CODE.clear()
            _CODE[asked] = super().compile(source, *names, **options)
        return _CODE[asked]


class _LetterSandbox(_Sandbox):
    """The sandbox of letters, in which a letter includes the parts of its own language: "_greeting.md"."""

    def join_path(self, template: str, parent: str) -> str:
        """Return the name of an included file; one that begins with a language is of that language."""
        language = parent.partition("/")[0]
        if is_language(template.partition("/")[0]) or not is_language(language):
            return template
        return f"{language}/{template}"


def sentence(value: Any) -> str:
    """Return what an agent wrote as a sentence: with a capital at the start and a full stop at the end."""
    text = markdown.flat(str(value))
    first_word = text.split(" ", 1)[0]
    capital_letter = text[:1].upper()
    if first_word.islower() and _WORD.fullmatch(first_word) and capital_letter.lower() == text[0]:
        text = capital_letter + text[1:]
    return ended(text)


def ended(value: Any) -> str:
    """Return a text with a full stop at the end, for a comma there too, unless it ends with a mark of its own."""
    text = markdown.flat(str(value))
    return text if _ENDED.search(text) else text.rstrip(",; ") + "."


def capital(value: Any) -> str:
    """Return a text with a capital at the start and no full stop at the end, for an entry of a list."""
    text = sentence(value)
    return text if text.endswith("..") else text.removesuffix(".")


def first(values: Iterable[Any]) -> Any:
    """Return the first value; if there is none, a value that is false in an `if` and cannot be printed."""
    return next(iter(values), Missing.called("first"))


def sandbox(files: TemplateFiles | None, write: Callable[[str], str], *, markup: bool) -> Environment:
    """Return a sandbox in which every printed value goes through `write`; only our own filters skip it.

    Args:
        files: the templates that can be loaded and included; None for none.
        write: escapes a value.
        markup: add the filters that return Markdown (quoted, code, lines).
    """

    # A finalizer that takes the context also gets the constants, which are otherwise folded before.
    @pass_context
    def finalize(_: Context, value: Any) -> Any:
        if isinstance(value, Undefined):
            str(value)  # raises, with the name
        if not isinstance(value, str | int | float):
            raise TemplateError("this is no text; print one of its parts, such as `owner.name`")
        if isinstance(value, Markup):
            return value
        return Markup(write(str(value)))  # noqa: S704  escaped for Markdown

    environment = _LetterSandbox(
        "Markdown" if markup else "line",
        loader=_TemplateLoader(files) if files else None,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=-1,
    )
    allowed = {name: function for name, function in environment.filters.items() if name in _FILTERS}
    environment.filters = allowed | {"sentence": sentence, "ended": ended, "capital": capital, "first": first}
    if markup:
        environment.filters |= {
            "quoted": _as_markup(lambda value: markdown.quoted(str(value))),
            "code": _as_markup(lambda value: markdown.verbatim(str(value))),
            "lines": _as_markup(markdown.lines),
        }
    return environment


def _as_markup(function: Callable[[Any], str]) -> Callable[[Any], Markup]:
    """Return the function as a filter whose result is not escaped again."""
    return lambda value: Markup(function(value))  # noqa: S704  the functions escape for Markdown themselves


def layout_template(files: TemplateFiles, name: str) -> Template:
    """Return the frame of the HTML part, in a separate sandbox that escapes for HTML."""
    return _Sandbox("layout", loader=_TemplateLoader(files)).get_template(name)


@contextmanager
def naming(file: str, line: int | None = None) -> Iterator[None]:
    """Turn an error of a template into one that begins with file and line.

    Args:
        file: the name of the template.
        line: the line, if it is known better than Jinja2 knows it.

    Raises:
        InvalidTemplateError: the template cannot be parsed.
        TemplateFileError: it cannot be rendered, or includes a part that does not exist.
    """
    try:
        yield
    except TemplateSyntaxError as error:
        raise InvalidTemplateError(
            error.filename or file, line or error.lineno, error.message or ""
        ) from error
    except TemplateNotFound as error:
        problem = f"the part {error.name!r} that it includes does not exist"
        raise TemplateFileError(file, line, problem) from error
    except _RENDERING_ERRORS as error:
        directory = file.partition("/")[0] + "/"
        found_file, found_line = _innermost_frame(error, (directory, *_DIRECTORIES)) or (file, None)
        raise TemplateFileError(found_file, line or found_line, str(error)) from error


def _innermost_frame(error: Exception, directories: tuple[str, ...]) -> tuple[str, int] | None:
    """Return file and line of the template in which the error happened.

    Jinja2 puts them into the traceback.
    """
    found = None
    step = error.__traceback__
    while step:
        name = step.tb_frame.f_code.co_filename
        if name.startswith(directories):
            found = (name, step.tb_lineno)
        step = step.tb_next
    return found
