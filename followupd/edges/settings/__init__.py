"""TOML files -> frozen, typed settings; every problem at once, with file, line and how to mend it."""

from followupd.edges.settings.reading import examined, load, missing_secrets, problems
from followupd.edges.settings.rules import WARNINGS, Rule
from followupd.edges.settings.secrets import Secret
from followupd.edges.settings.starter import starter_directory, write_starter
from followupd.edges.settings.values import (
    LedgerSettings,
    MailboxSettings,
    MetricsSettings,
    PostSettings,
    Rate,
    RecogniseSettings,
    Settings,
    WordingSettings,
)

__all__ = [
    "WARNINGS",
    "LedgerSettings",
    "MailboxSettings",
    "MetricsSettings",
    "PostSettings",
    "Rate",
    "RecogniseSettings",
    "Rule",
    "Secret",
    "Settings",
    "WordingSettings",
    "examined",
    "load",
    "missing_secrets",
    "problems",
    "starter_directory",
    "write_starter",
]
