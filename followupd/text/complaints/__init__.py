"""Classify mails: whether it is a complaint, how severe, and what the customer wants."""

from followupd.text.complaints.assessment import Severity, Want, issue, severity, wants
from followupd.text.complaints.cues import AGAINST, FOR, STRONG, Cues
from followupd.text.complaints.learning import Learned, Tagged, learn
from followupd.text.complaints.recogniser import Recogniser, SiteRules, rule_problem
from followupd.text.complaints.words import language_of

__all__ = [
    "AGAINST",
    "FOR",
    "STRONG",
    "Cues",
    "Learned",
    "Recogniser",
    "Severity",
    "SiteRules",
    "Tagged",
    "Want",
    "issue",
    "language_of",
    "learn",
    "rule_problem",
    "severity",
    "wants",
]
