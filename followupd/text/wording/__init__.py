"""Twenty rules of wording for templates, letters and agents' lines (docs/wording.md)."""

from followupd.text.wording.checker import Context, Finding, WordingRules, body, findings, has, unknown_rules
from followupd.text.wording.rules import BY_ID, FACT, LONGEST, PART, PHRASED, PREVENTION, RULES, WordingRule

__all__ = [
    "BY_ID",
    "FACT",
    "LONGEST",
    "PART",
    "PHRASED",
    "PREVENTION",
    "RULES",
    "Context",
    "Finding",
    "WordingRule",
    "WordingRules",
    "body",
    "findings",
    "has",
    "unknown_rules",
]
