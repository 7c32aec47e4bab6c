"""What travels with the package: cue files, wishes and weights, read once and only when they are asked for."""

import json
import tomllib
from functools import cache
from importlib.resources import files

from followupd.text.complaints.cues import Cues
from followupd.text.complaints.phrases import PhraseBook
from followupd.text.complaints.score import Weights

#: Languages that have a cue file of ours.
SHIPPED = ("en", "de", "fr", "es")


def _text(name: str) -> str:
    return (files("followupd.text.complaints") / "data" / name).read_text("utf-8")


@cache
def shipped_cues(language: str) -> Cues | None:
    """Return our cues for a language, or None where we have none."""
    return Cues.of(tomllib.loads(_text(f"{language}.toml"))) if language in SHIPPED else None


@cache
def shipped_weights() -> tuple[Weights, Weights]:
    """Return the weights for the measured language, and those for a language that has cues only."""
    parsed = json.loads(_text("weights.json"))
    return Weights.of(parsed["words"]), Weights.of(parsed["cues"])


@cache
def wishes() -> PhraseBook:
    """Return the phrases, in all our languages, by which customers say what they want."""
    return PhraseBook.of(tomllib.loads(_text("wishes.toml")))
