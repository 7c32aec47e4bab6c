"""The rules of the configuration: a stable id for everything that `check` can find wrong in a TOML file."""

from enum import StrEnum


class Rule(StrEnum):
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
WARNINGS = frozenset({Rule.EXPOSED})

SENTENCES: dict[Rule, str] = {
    Rule.FILE: "A file is missing, cannot be read, or is not TOML.",
    Rule.UNKNOWN: "No such key or table.",
    Rule.MISSING: "A key or table that has no default is missing.",
    Rule.TYPE: "The value is of the wrong type: a number for a text, a text with a line break in it, one bracket for two.",
    Rule.DURATION: "Not a duration, or one that cannot be used here.",
    Rule.TIMEZONE: "Not a time zone of the IANA database.",
    Rule.LOCALE: "Not a locale or language.",
    Rule.CURRENCY: "Not an ISO 4217 currency code.",
    Rule.HOLIDAYS: "Not a country or subdivision of the holidays package.",
    Rule.PORT: "Not a port number.",
    Rule.WORD: "Not one of the words that the key allows.",
    Rule.CLEAR_TEXT: '`security = "none"` would send the password readable over a network.',
    Rule.BARE: "A password stands in the file itself, or it is not said where the secret is kept.",
    Rule.ABSENT: "A secret is not where the configuration says, or is empty.",
    Rule.EXPOSED: "A secret's file can be read by others (a warning: `run` goes on).",
    Rule.TWICE: "Two things have one name.",
    Rule.ADDRESS: "Not a mail address.",
    Rule.PHONE: "Not a direct phone number in international form: an extension, or not a number at all.",
    Rule.NOBODY: "A playbook's owner is no agent.",
    Rule.AMOUNT: "Not an amount of money.",
    Rule.SCORE: "Not a score, `auto` below 0.90, or `ask` above `auto`.",
    Rule.RATE: 'Not a rate such as "1 per day".',
    Rule.SINCE: "Neither `now` nor `all` nor a date.",
    Rule.STEP_TEXT: "A next step's text is no template, or names something that it does not know.",
    Rule.PLAYBOOK_NAME: "A playbook's name is not the name of its file.",
    Rule.NO_DEFAULT: "There is no playbooks/default.toml.",
    Rule.PATTERN: "A tag's pattern cannot be an IMAP keyword, or a folder cannot be a command folder.",
    Rule.LINE: "The line that a tag or folder means is not one that agents can say.",
    Rule.LEDGER: "The ledger's address cannot be used.",
    Rule.HOURS: "Not days, hours or quiet hours.",
    Rule.HOST: "Not a host name, or not host:port.",
    Rule.NAME: "A name that cannot stand in an IMAP keyword.",
    Rule.LOGIN: "A user name without a password, or a password without a user name.",
    Rule.NO_FILE: "A file that the configuration names is not there.",
    Rule.RULE: "A phrase or expression that the recogniser cannot look for, or that could run long.",
}  # fmt: skip
