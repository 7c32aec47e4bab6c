"""TOML files -> frozen, typed settings; every problem at once, with file, line and how to fix it."""

from followupd.adapters.settings.reading import examined, load, missing_secrets, problems
from followupd.adapters.settings.rules import WARNINGS, SettingsRule
from followupd.adapters.settings.secrets import Secret
from followupd.adapters.settings.starter import starter_directory, write_starter
from followupd.adapters.settings.values import (
    LedgerSettings,
    MailboxSettings,
    MetricsSettings,
    Rate,
    RecogniseSettings,
    Settings,
    SmtpSettings,
    WordingSettings,
)

__all__ = [
    "WARNINGS",
    "LedgerSettings",
    "MailboxSettings",
    "MetricsSettings",
    "SmtpSettings",
    "Rate",
    "RecogniseSettings",
    "SettingsRule",
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
