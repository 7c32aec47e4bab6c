"""All words of all languages, as data: one folder per language, English where one is missing.

Files of an admin's `DIR/languages/<tag>/` replace the shipped ones, file by file.
"""

from followupd.languages.catalogue import (
    Catalogue,
    Language,
    available,
    catalogue,
    complaint_weights,
    day_in_words,
    fact_weights,
    home_of,
    load,
    mail_weights,
    own_files,
    promise_weights,
    read_catalogue,
    wish_weights,
)

__all__ = [
    "Catalogue",
    "Language",
    "available",
    "catalogue",
    "complaint_weights",
    "day_in_words",
    "fact_weights",
    "home_of",
    "load",
    "mail_weights",
    "own_files",
    "promise_weights",
    "read_catalogue",
    "wish_weights",
]
