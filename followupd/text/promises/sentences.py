"""Cuts a mail into the sentences that its writer says in his own voice: without quotes and doubtful lines."""

import re
import unicodedata
from collections.abc import Collection, Iterator

#: longer mails and sentences are no letters of an agent; the bound keeps a hostile mail cheap
LONGEST_TEXT = 20_000
LONGEST_SENTENCE = 600

_QUOTE_LINE = re.compile(r"\s*[>|]")
_ITEM = re.compile(r"\s*(?:[-*•·–]|\d{1,2}[.)])\s+(?=\S)")
_ENDS = re.compile(r"(?<=[.!?…])[\"')»”]*\s+(?=[\"'(«“„¿¡]*[A-ZÀ-ÖØ-Þ0-9¿¡])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:\w|mr|mrs|ms|dr|st|no|nr|approx|incl|excl|ca|bzw|ggf|inkl|usw|etc|evtl|max|min|sr|sra|ud|uds|mme|env"
    r"|jan|feb|apr|aug|sept?|oct|okt|nov|dec|dez|janv|févr|juil|déc|ene|abr|ago|dic)|\b\d{1,2})\.$",
    re.IGNORECASE,
)
_INNER_QUOTE = re.compile(
    r"\"[^\"\n]{2,400}\"|“[^”\n]{2,400}”|„[^“”\n]{2,400}[“”]|«[^»\n]{2,400}»|‘[^’\n]{2,400}’(?!\w)"
)
#: how a mail begins and ends: no part of what is promised, though often without a full stop
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|hallo|guten (?:tag|morgen|abend)|liebe[rs]?|sehr geehrte[rs]?"
    r"|bonjour|bonsoir|chère?|chers|hola|buen[oa]s (?:días|tardes)|estimad[oa]s?)\b[^,!:.?\n]{0,60}[,!:]\s*",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\s*(?:(?:kind|best|warm|many|with|kindest|warmest)\s+(?:regards|wishes|thanks|best)|regards|sincerely|yours|cheers|thanks,"
    r"|mit (?:freundlich|best|lieb)\w+|viele grüße|beste grüße|liebe grüße|herzliche\w* grüße|cordialement|bien (?:à vous|cordialement)"
    r"|salutations|(?:un )?(?:cordial )?saludos?|atentamente)\b",
    re.IGNORECASE,
)
_SAME = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " "})


def sentences(text: str, doubtful: Collection[str] = ()) -> Iterator[str]:
    """Give the sentences of a mail in order; lines in `doubtful` and quoted words end a sentence and are left out."""
    skip = {line.strip() for line in doubtful}
    for paragraph in _paragraphs(unicodedata.normalize("NFC", text[:LONGEST_TEXT]), skip):
        for sentence in _cut(_INNER_QUOTE.sub(" … ", paragraph).translate(_SAME)):
            if len(sentence) <= LONGEST_SENTENCE:
                yield _GREETING.sub("", sentence, count=1) if _GREETING.match(sentence) else sentence


def lowered(sentence: str) -> str:
    """Lower the letters and keep every position, which plain `lower` does not ("İ" becomes two)."""
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in sentence)


def _paragraphs(text: str, skip: Collection[str]) -> Iterator[str]:
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        plain = line.strip()
        left_out = not plain or plain in skip or _QUOTE_LINE.match(line)
        if lines and (left_out or _ITEM.match(line) or _CLOSING.match(line)):
            yield " ".join(lines)
            lines = []
        if not left_out:
            lines.append(_ITEM.sub("", plain, count=1) if _ITEM.match(line) else plain)


def _cut(paragraph: str) -> Iterator[str]:
    begin = 0
    for end in _ENDS.finditer(paragraph):
        if not _ABBREVIATION.search(paragraph[max(begin, end.start() - 12) : end.start()]):
            yield paragraph[begin : end.start()].strip()
            begin = end.end()
    if paragraph[begin:].strip():
        yield paragraph[begin:].strip()
