"""Recognise: is this mail a complaint, how sure are we, why, how grave is it, and what does the customer want?"""

from followupd.recovery.recognise.cues import AGAINST, FOR, STRONG, Cues
from followupd.recovery.recognise.language import language_of
from followupd.recovery.recognise.learning import Learned, Tagged, learn
from followupd.recovery.recognise.recogniser import Recogniser
from followupd.recovery.recognise.rules import Rules, rule_problem
from followupd.recovery.recognise.severity import Severity, severity
from followupd.recovery.recognise.wants import Want, issue, wants

__all__ = [
    "AGAINST", "FOR", "STRONG", "Cues", "Learned", "Recogniser", "Rules", "Severity", "Tagged", "Want",
    "issue", "language_of", "learn", "rule_problem", "severity", "wants",
]  # fmt: skip
