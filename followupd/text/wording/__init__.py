"""The wording chapter: nineteen rules that templates, letters and agents' lines are held to (PRACTICES, tone and promises)."""

from followupd.text.wording.checker import Context, Finding, WordingRules, findings, unknown_rules
from followupd.text.wording.rules import BY_ID, FACT, LONGEST, PART, PHRASED, PREVENTION, RULES, WordingRule
from followupd.text.wording.text import LANGUAGES, STARTERS, body, has

__all__ = [
    "BY_ID",
    "FACT",
    "LANGUAGES",
    "LONGEST",
    "PART",
    "PHRASED",
    "PREVENTION",
    "RULES",
    "STARTERS",
    "Context",
    "Finding",
    "WordingRules",
    "WordingRule",
    "body",
    "findings",
    "has",
    "unknown_rules",
]
