"""TOML files -> frozen, typed settings; every problem at once, with file, line and hint."""

from followupd.adapters.settings.loader import (
    examine,
    ledger_address,
    line_of,
    load,
    missing_secrets,
    problems,
    starter_values,
)
from followupd.adapters.settings.models import (
    GiftCardSettings,
    LedgerSettings,
    MailboxSettings,
    MetricsSettings,
    RecogniseSettings,
    Settings,
    SmtpSettings,
    WordingSettings,
)
from followupd.adapters.settings.rules import WARNINGS, SettingsRule
from followupd.adapters.settings.scalars import Rate
from followupd.adapters.settings.secrets import Secret

__all__ = [
    "WARNINGS",
    "GiftCardSettings",
    "LedgerSettings",
    "MailboxSettings",
    "MetricsSettings",
    "Rate",
    "RecogniseSettings",
    "Secret",
    "Settings",
    "SettingsRule",
    "SmtpSettings",
    "WordingSettings",
    "examine",
    "ledger_address",
    "line_of",
    "load",
    "missing_secrets",
    "problems",
    "starter_values",
]
