"""What the chapters' sentences for agents are called in a language: `<language>/desk/sentences.toml`, English to its own.

A sentence that is not in the file stands in the desk mail in English.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from followupd.adapters.templates.sources import GrammarError

SENTENCES = "desk/sentences.toml"


def read_if_there(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def sentences_of(text: str, file: str) -> Mapping[str, str]:
    """Return the sentences of a file, English to its language.

    Raises:
        GrammarError: the file is no TOML, or holds something else than sentences.
    """
    try:
        known = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise GrammarError(file, int(line[1]) if line else None, f"it cannot be read: {error}") from error
    for english, said in known.items():
        if not isinstance(said, str) or not said.strip():
            raise GrammarError(file, None, f"{english!r} must have its sentence in quotes beside it")
    return known
