"""No pattern of the program can run for an exponential time, whatever text a mail has."""

import importlib
import pkgutil
import re

import pytest

import followupd.adapters.imap
import followupd.adapters.smtp
import followupd.text
from followupd.languages.safety import is_exponential


def patterns() -> dict[str, str]:
    """Return the compiled patterns of the modules that read mail and servers, by module and name."""
    found = {}
    for package in (followupd.text, followupd.adapters.imap, followupd.adapters.smtp):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern):
                    text = value.pattern
                    found[f"{module.name}.{name}"] = text if isinstance(text, str) else text.decode("latin-1")
    return found


PATTERNS = patterns()


def test_there_are_patterns() -> None:
    assert len(PATTERNS) > 60


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_is_exponential(name: str) -> None:
    assert not is_exponential(PATTERNS[name])
