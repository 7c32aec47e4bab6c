"""The line of each key of a TOML text; tomllib returns the values without their places."""

import re
import tomllib

#: a path through tables, keys and arrays, such as ("mailbox", 0, "port")
Path = tuple[str | int, ...]

_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_KEYS = rf"(?:{_KEY.pattern})(?:[ \t]*\.[ \t]*(?:{_KEY.pattern}))*"
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_HEADER = re.compile(rf"(\[\[?)[ \t]*({_KEYS})[ \t]*\]\]?")
_PAIR = re.compile(rf"({_KEYS})[ \t]*=[ \t]*")
_STRING = re.compile(
    r'''"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|'[^']*\'''',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Lines:
    """The line of every key in a text that tomllib has accepted; nothing is checked a second time."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._found: dict[Path, int] = {}
        self._last: dict[Path, int] = {}  # array of tables -> index of its last table so far
        self._scan()

    def of(self, path: Path) -> int | None:
        """Return the line (from 1) of a key or, if it is absent, of the nearest table around it.

        Args:
            path: the names of the tables and the key, with the indexes of arrays from 0.
        """
        around = [path[:length] for length in range(len(path), 0, -1)]
        lines = [self._found[known] for known in around if known in self._found]
        return lines[0] if lines else None

    def _scan(self) -> None:
        """Go through the text, table by table and key by key."""
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if header := _HEADER.match(self._text, self._at):
                table = self._opened(_split(header[2]), in_array=header[1] == "[[")
                self._note(table)
                self._at = header.end()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _opened(self, keys: list[str], *, in_array: bool) -> Path:
        """Return the path of the table that a header opens.

        Args:
            keys: the names in the header; the name of an array of tables means its last table.
            in_array: whether the header has double brackets.
        """
        path: Path = ()
        for key in keys[:-1]:
            path = self._last_table((*path, key))
            self._note(path)
        path = (*path, keys[-1])
        if in_array:
            self._note(path)
            self._last[path] = self._last.get(path, -1) + 1
        return self._last_table(path)

    def _last_table(self, path: Path) -> Path:
        """Return the path of the last table of an array of tables; of anything else, the path itself."""
        index = self._last.get(path)
        return path if index is None else (*path, index)

    def _pair(self, table: Path) -> None:
        """Read `key = value`; a dotted key notes the tables on its way."""
        pair = _PAIR.match(self._text, self._at)
        if pair is None:  # tomllib would have refused the text: leave the rest alone
            self._at = len(self._text)
            return
        path = table
        for key in _split(pair[1]):
            path = (*path, key)
            self._note(path)
        self._at = pair.end()
        self._value(path)

    def _value(self, path: Path) -> None:
        """Go past a value, and note the items and keys inside it."""
        match self._text[self._at : self._at + 1]:
            case '"' | "'":
                self._skip(_STRING)
            case "[":
                self._inside("]", path, numbered=True)
            case "{":
                self._inside("}", path, numbered=False)
            case _:
                self._skip(_SCALAR)

    def _inside(self, end: str, path: Path, *, numbered: bool) -> None:
        """Go through an array or an inline table, from its opening bracket past its closing one.

        Args:
            end: the closing bracket.
            path: the path of the array or table.
            numbered: whether it is an array, whose items have indexes.
        """
        self._at += 1
        index = 0
        self._skip(_BLANK)
        while self._at < len(self._text) and self._text[self._at] != end:
            if self._text[self._at] == ",":
                self._at += 1
            elif numbered:
                self._note((*path, index))
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
            self._skip(_BLANK)
        self._at += 1

    def _note(self, path: Path) -> None:
        """Record the current line as that of a path, unless the path has one already."""
        line = self._text.count("\n", 0, self._at) + 1
        self._found.setdefault(path, line)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        """Go past what a pattern matches here."""
        if match := pattern.match(self._text, self._at):
            self._at = match.end()


def dotted(path: Path) -> str:
    """Write a path as TOML would, with indexes from 0: `mailbox[0].port`, `tags."refund-*"`."""
    written = "".join(map(_part, path))
    return written.removeprefix(".")


def _part(part: str | int) -> str:
    """Write one part of a path with what separates it from the part before."""
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _BARE.fullmatch(part) else f'."{part}"'


def _split(keys: str) -> list[str]:
    """Split a dotted key into its parts, quotes and escapes resolved."""
    return [_unquoted(key) for key in _KEY.findall(keys)]


def _unquoted(key: str) -> str:
    """Return a key without its quotes and escapes."""
    is_quoted = key[0] in "\"'"
    return str(tomllib.loads(f"k = {key}")["k"]) if is_quoted else key
