"""Names a gift as a letter does after "A replacement:" or "A refund:", out of the agent's own clause.

"I will send you a new lamp" grants "a new lamp", and "I am refunding you in full" "the full amount": what stands in the
list of a letter is a thing, and not half of a sentence. Where the clause names no thing, the kind of gift says it all.
"""

import re

from followupd.domain.compensation import Gift

_FREE = re.compile(
    r"(?i)[, ]*\b(?:free of charge|at no (?:extra )?(?:cost|charge)|for free|no charge|kostenlos|kostenfrei|gratis|gratuitement"
    r"|sans frais|sin coste)\b[, ]*"
)
_SENT = re.compile(r"(?i)^(?:(?:re)?send|post|ship|mail|give|get|deliver|bring|dispatch)(?:ing)? (?:you )?(?:out )?")
_REPLACED = re.compile(r"(?i)^replac(?:e|ed|ing) (?:you )?((?:the|your|this|that|both|all)\b.*)")
_VERB = re.compile(
    r"(?i)\s(?:will|is|are|goes|go|shall|was|were|has|have|left|shipped|went|hat|haben|wird|werden|wurden?|ist|unser|sera|a été|ha)\b.*$"
)
_KIND_ITSELF = re.compile(
    r"(?i)\b(?:ersatz\w*|austausch\w*|remplacement|rechange|reemplazo|recambio|sustitución|replacements?(?:$| (?:by|to|from|today|this|that)\b))"
)
_ANOTHER = re.compile(r"(?i)^(?:an? |the |your )?replacement (?=\w)")
_PAID = re.compile(
    r"(?i)^(?:refund(?:ed|ing)?|reimburs(?:e|ed|ing)|repay|give|pay|send|return|waiv(?:e|ed|ing)|credit(?:ed|ing)?|deduct) (?:you )?(?:back )?"
    r"((?:the|your|all|both|half)\b(?! (?:account|card|bank))[^,;]{2,60})$"
)
_IN_FULL = {
    re.compile(r"(?i)\b(?:in full|fully|(?:full|whole|entire) (?:refund|amount|price|sum|cost))\b"): "the full amount",
    re.compile(r"(?i)\b(?:voll\w*|gesamt\w*|ganze\w*) (?:betrag|summe|preis|kaufpreis)\b"): "der volle Betrag",
    re.compile(r"(?i)\b(?:intégral\w*|totalité|montant total|en totalité)\b"): "le montant total",
    re.compile(r"(?i)\b(?:íntegro|importe (?:completo|total)|íntegramente|en su totalidad)\b"): "el importe íntegro",
}
_WHAT_FOR = re.compile(
    r"(?i)\b(?:on|for|with|auf|für|bei|sur|pour|en|para) (?:your|the|ihre\w*|die|der|votre|la|su|tu) (?:next |nächste\w* |prochaine? |próximo )?\w+$"
)


def gift_words(kind: str, fragment: str, whole: str) -> str:
    """Return how the gift is called, "" where its kind alone says it; `whole` is the clause that gives it."""
    match kind:
        case Gift.REPLACEMENT:
            return _replacement(fragment)
        case Gift.REFUND | Gift.CREDIT:
            return _money(fragment)
        case Gift.FREE_SHIPPING:
            found = _WHAT_FOR.search(fragment)
            return found[0] if found else ""
        case Gift.GESTURE:
            return whole
        case _:
            return fragment


def _replacement(fragment: str) -> str:
    plain = _SENT.sub("", _FREE.sub(" ", fragment).strip(" ,"))
    if replaced := _REPLACED.match(plain):
        return f"a new one for {replaced[1]}"
    thing = _VERB.sub("", plain)
    if _KIND_ITSELF.search(thing):
        return ""
    return _lowered(_ANOTHER.sub("the ", thing))


def _money(fragment: str) -> str:
    for pattern, said in _IN_FULL.items():
        if pattern.search(fragment):
            return said
    paid = _PAID.match(fragment)
    thing = paid[1].strip() if paid else ""
    return thing if re.search(r"\s[^\W\d]{3,}", thing) else ""  # "the £25" stands there already


def _lowered(text: str) -> str:
    """Begin with a small letter where an article begins it: it stands in the middle of a line."""
    return re.sub(r"^(?:A|An|The|Another|Your|Ein|Eine|Einen|Un|Une|Una)\b", lambda found: found[0].lower(), text)
