"""Find what agents commit the company to, and read the dates and amounts that they write."""

from followupd.text.promises.commitments import find_commitments
from followupd.text.promises.dates import (
    at_odds,
    first_date,
    is_weekday_alone,
    other_days,
    read_when,
    split_when,
)
from followupd.text.promises.money import read_money

__all__ = [
    "at_odds",
    "find_commitments",
    "first_date",
    "is_weekday_alone",
    "other_days",
    "read_money",
    "read_when",
    "split_when",
]
