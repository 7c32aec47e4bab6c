"""Understanding text: pure engines that contain no words of any language."""

import unicodedata
from itertools import filterfalse


def without_accents(text: str) -> str:
    """Return a text without accents and other combining marks; ligatures and wide letters become plain ones.

    Args:
        text: in any script. The result may be longer or shorter, so that positions in both cannot be compared.
    """
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(filterfalse(unicodedata.combining, decomposed))
