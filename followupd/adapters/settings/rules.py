"""The rules of the configuration: a stable id for everything that `check` can find wrong in a TOML file."""

from enum import StrEnum


class SettingsRule(StrEnum):
    """What a problem is about; the ids stand in scripts and in docs/configuration.md, so none is ever reused."""

    FILE = "C01"
    UNKNOWN = "C02"
    MISSING = "C03"
    TYPE = "C04"
    DURATION = "C05"
    TIMEZONE = "C06"
    LOCALE = "C07"
    CURRENCY = "C08"
    HOLIDAYS = "C09"
    PORT = "C10"
    WORD = "C11"
    CLEAR_TEXT = "C12"
    BARE = "C13"
    ABSENT = "C14"
    EXPOSED = "C15"
    TWICE = "C16"
    ADDRESS = "C17"
    PHONE = "C18"
    NOBODY = "C19"
    AMOUNT = "C20"
    SCORE = "C21"
    RATE = "C22"
    SINCE = "C23"
    STEP_TEXT = "C24"
    PLAYBOOK_NAME = "C25"
    NO_DEFAULT = "C26"
    PATTERN = "C27"
    LINE = "C28"
    LEDGER = "C29"
    HOURS = "C30"
    HOST = "C31"
    NAME = "C32"
    LOGIN = "C33"
    NO_FILE = "C34"
    RULE = "C35"


#: problems that `check` reports and that keep nobody from running
WARNINGS = frozenset({SettingsRule.EXPOSED})

SENTENCES: dict[SettingsRule, str] = {
    SettingsRule.FILE: "A file is missing, cannot be read, or is not TOML.",
    SettingsRule.UNKNOWN: "No such key or table.",
    SettingsRule.MISSING: "A key or table that has no default is missing.",
    SettingsRule.TYPE: "The value is of the wrong type: a number for a text, a text with a line break in it, one bracket for two.",
    SettingsRule.DURATION: "Not a duration, or one that cannot be used here.",
    SettingsRule.TIMEZONE: "Not a time zone of the IANA database.",
    SettingsRule.LOCALE: "Not a locale or language.",
    SettingsRule.CURRENCY: "Not an ISO 4217 currency code.",
    SettingsRule.HOLIDAYS: "Not a country or subdivision of the holidays package.",
    SettingsRule.PORT: "Not a port number.",
    SettingsRule.WORD: "Not one of the words that the key allows.",
    SettingsRule.CLEAR_TEXT: '`security = "none"` would send the password readable over a network.',
    SettingsRule.BARE: "A password stands in the file itself, or it is not said where the secret is kept.",
    SettingsRule.ABSENT: "A secret is not where the configuration says, or is empty.",
    SettingsRule.EXPOSED: "A secret's file can be read by others (a warning: `run` goes on).",
    SettingsRule.TWICE: "Two things have one name.",
    SettingsRule.ADDRESS: "Not a mail address.",
    SettingsRule.PHONE: "Not a direct phone number in international form: an extension, or not a number at all.",
    SettingsRule.NOBODY: "A playbook's owner is no agent.",
    SettingsRule.AMOUNT: "Not an amount of money.",
    SettingsRule.SCORE: "Not a score, `auto` below 0.90, or `ask` above `auto`.",
    SettingsRule.RATE: 'Not a rate such as "1 per day".',
    SettingsRule.SINCE: "Neither `now` nor `all` nor a date.",
    SettingsRule.STEP_TEXT: "A next step's text is no template, or names something that it does not know.",
    SettingsRule.PLAYBOOK_NAME: "A playbook's name is not the name of its file.",
    SettingsRule.NO_DEFAULT: "There is no playbooks/default.toml.",
    SettingsRule.PATTERN: "A tag's pattern cannot be an IMAP keyword, or a folder cannot be a command folder.",
    SettingsRule.LINE: "The line that a tag or folder means is not one that agents can say.",
    SettingsRule.LEDGER: "The ledger's address cannot be used.",
    SettingsRule.HOURS: "Not days, hours or quiet hours.",
    SettingsRule.HOST: "Not a host name, or not host:port.",
    SettingsRule.NAME: "A name that cannot stand in an IMAP keyword.",
    SettingsRule.LOGIN: "A user name without a password, or a password without a user name.",
    SettingsRule.NO_FILE: "A file that the configuration names is not there.",
    SettingsRule.RULE: "A phrase or expression that the recogniser cannot look for, or that could run long.",
}
