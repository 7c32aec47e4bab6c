"""A mail's words, folded so that hurried and careful writers look alike: the one tokeniser of training and of service."""

import re
import unicodedata

#: Nothing further in is read: a complaint says so early, and the cost of a mail must have an end (characters).
READ = 4_000

# Every repetition is bounded where two could share a character: a mail of 4,000 "@" must cost no more than another.
_NOISE = re.compile(
    r"(?i)https?://\S+|www\.\S+|[^\s@]{1,64}@[^\s@]{1,190}|<[^<>\n]{1,200}>|(?<!\w)@\w+|\bx{2,}\b|\{\$[\d.,]+\}"
)
_TOKEN = re.compile(
    r"[^\W\d_]+(?:['-][^\W\d_]+)*|[!?]|[$€£]|[\u2639\u263a\u2764\U0001f300-\U0001f5ff\U0001f600-\U0001f64f\U0001f900-\U0001f9ff]"
    r"|:['-]?[()/|]"
)
_ELIDED = re.compile(r"(?:[jldncmst]|qu|jusqu|lorsqu|puisqu)'(?=\w{2})")
#: What hurried writers leave out.
SPELT_OUT = {
    "cant": "can't",
    "wont": "won't",
    "dont": "don't",
    "doesnt": "doesn't",
    "didnt": "didn't",
    "isnt": "isn't",
    "arent": "aren't",
    "wasnt": "wasn't",
    "werent": "weren't",
    "havent": "haven't",
    "hasnt": "hasn't",
    "hadnt": "hadn't",
    "couldnt": "couldn't",
    "wouldnt": "wouldn't",
    "shouldnt": "shouldn't",
    "aint": "ain't",
    "ive": "i've",
    "youre": "you're",
    "theyre": "they're",
    "youve": "you've",
    "thats": "that's",
    "whats": "what's",
    "cannot": "can't",
    "u": "you",
    "ur": "your",
    "pls": "please",
    "plz": "please",
    "thx": "thanks",
    "thanx": "thanks",
    "cust": "customer",
    "hrs": "hours",
    "hr": "hour",
    "mins": "minutes",
    "wks": "weeks",
}
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n\s*\n|\n(?=[-*•A-ZÄÖÜ¡¿])")


def folded(text: str) -> str:
    """Return the text in lower case, without accents, addresses and links, with straight quotes."""
    text = _NOISE.sub(" ", text[:READ]).replace("’", "'").replace("‘", "'").replace("ß", "ss").lower()
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def words_of(text: str) -> list[str]:
    """Return the words, and the marks that carry mood ("!", "?", emoji); digits are no words (RECOGNISE.md)."""
    found: list[str] = []
    for token in _TOKEN.findall(folded(text)):
        if "'" in token and (elided := _ELIDED.match(token)):
            found += (elided.group(), token[elided.end() :])
        else:
            found.append(SPELT_OUT.get(token, token) if token[0] != ":" else "☺" if token[-1] == ")" else "☹")
    return found


def sentences_of(text: str) -> list[str]:
    """Return the text's sentences, trimmed, none empty."""
    return [s for part in _SENTENCE.split(text[:READ]) if (s := " ".join(part.split()))]
