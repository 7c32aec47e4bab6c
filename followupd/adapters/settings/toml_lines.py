"""In which line of a TOML text each key stands: tomllib reads the values and forgets the places."""

import re
import tomllib

#: a way through tables, keys and arrays, such as ("mailbox", 0, "port")
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
    """The places of all keys in a text. Hand in only what tomllib has accepted: nothing is checked a second time."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._found: dict[Path, int] = {}
        self._last: dict[Path, int] = {}  # an array of tables -> the index of its newest table
        self._scan()

    def of(self, path: Path) -> int | None:
        """Return the line (from 1) of this key or, when it is not there, of the nearest table around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._found:
                return self._found[path[:length]]
        return None

    def _scan(self) -> None:
        base: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if header := _HEADER.match(self._text, self._at):
                base = self._opened(_split(header[2]), many=header[1] == "[[")
                self._note(base)
                self._at = header.end()
            else:
                self._pair(base)
            self._skip(_BLANK)

    def _opened(self, keys: list[str], *, many: bool) -> Path:
        """Return the path that a table header opens; a name of an array of tables means its newest table."""
        path: Path = ()
        for key in keys[:-1]:
            path = self._newest((*path, key))
            self._note(path)
        path = (*path, keys[-1])
        if many:
            self._note(path)
            self._last[path] = self._last.get(path, -1) + 1
        return self._newest(path)

    def _newest(self, path: Path) -> Path:
        return (*path, self._last[path]) if path in self._last else path

    def _pair(self, base: Path) -> None:
        pair = _PAIR.match(self._text, self._at)
        if pair is None:  # not TOML: leave the rest alone
            self._at = len(self._text)
            return
        path = base
        for key in _split(pair[1]):
            path = (*path, key)
            self._note(path)
        self._at = pair.end()
        self._value(path)

    def _value(self, path: Path) -> None:
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
        """Go through an array or an inline table, from its opening bracket past its closing one."""
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
        self._found.setdefault(path, self._text.count("\n", 0, self._at) + 1)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self._text, self._at):
            self._at = match.end()


def dotted(path: Path) -> str:
    """Write a path as TOML would, with indexes from 0: `mailbox[0].port`, `tags."refund-*"`."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        else:
            written += ("." if written else "") + (part if _BARE.fullmatch(part) else f'"{part}"')
    return written


def _split(keys: str) -> list[str]:
    """Split a dotted key into its parts, quotes and escapes resolved."""
    return [tomllib.loads(f"k = {key}")["k"] if key[0] in "\"'" else key for key in _KEY.findall(keys)]
