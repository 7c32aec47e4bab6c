"""The letters' HTML in the mail programs people use: whatever one of them lacks costs looks, never words (caniemail.com)."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from followupd.adapters.templates.samples import SAMPLES
from tests.layers.test_letters_render import LANGUAGES, kinds, letter
from tests.story.lettered import TEMPLATES

TABLE = tomllib.loads((Path(__file__).parent / "mail_clients.toml").read_text())
PROGRAMS: list[str] = TABLE["programs"]

#: features by the name that caniemail has for them
ELEMENTS = {
    "ul": "html-lists",
    "ol": "html-lists",
    "li": "html-lists",
    "tr": "html-table",
    "td": "html-table",
    "tbody": "html-table",
}
PROPERTIES = {
    "border-top": "css-border",
    "border-left": "css-border",
    "border-color": "css-border",
    "border-top-color": "css-border",
    "border-left-color": "css-border",
    "font-family": "css-font",
}
#: as old as mail in HTML, and not listed
OLD = {"a", "html", "head", "title", "meta", "br", "em", "color"}
#: what only one program knows, and every other passes over
OWN = {
    "-webkit-text-size-adjust": "keeps iOS from enlarging single paragraphs",
    "mso-hide": "hides the preheader from Outlook",
}
#: what a program may lack: the letter is still whole there, because
LACKING = {
    "css-at-media": "the phone's narrower margins are lost; the frame is as wide as the window anyhow",
    "css-at-media-prefers-color-scheme": "it shows the light letter, or darkens it by a rule of its own",
    "css-max-height": "the preheader is hidden by display, mso-hide and its size as well",
    "css-opacity": "the preheader is hidden by display, mso-hide and its size as well",
    "css-overflow": "the preheader is hidden by display, mso-hide and its size as well",
    "css-overflow-wrap": "word-break stands beside it",
    "css-white-space": "only a gift card's code is preformatted, and it is short",
    "css-max-width": "Outlook gets a table of 600 pixels in a comment that only it reads",
    "html-body": "the colour stands on the frame's table too",
    "html-meta-color-scheme": "it shows the light letter",
}


def features(html: str) -> set[str]:
    """Return everything that a letter's HTML asks of a mail program, by caniemail's names."""
    sheet = "".join(re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL))
    inline = ";".join(re.findall(r'style="([^"]*)"', html))
    names = {part.split(":")[0].strip() for part in re.split(r"[{};]", f"{sheet};{inline}") if ":" in part}
    names = {name for name in names if re.fullmatch(r"-?[a-z-]+", name)}
    found = {PROPERTIES.get(name, f"css-{name}") for name in names - OLD - set(OWN)}
    tags = set(re.findall(r"<([a-z][a-z0-9]*)", html)) - OLD
    found |= {ELEMENTS.get(tag, f"html-{tag}") for tag in tags}
    found |= {
        f"css-at-media{feature}"
        for feature in ("", "-prefers-color-scheme")
        if f"{feature[1:]}" in sheet and "@media" in sheet
    }
    return found | ({"css-important"} if "!important" in sheet else set())


@cache
def used() -> frozenset[str]:
    """Return everything that any letter in any language asks of a mail program."""
    return frozenset(
        feature
        for language in LANGUAGES
        for kind in kinds(language)
        for name in SAMPLES
        for feature in features(letter(kind, name, language).html)
    )


def test_every_feature_of_a_letter_is_in_the_table() -> None:
    assert used() - set(TABLE) == set(), (
        "look them up at caniemail.com, and write them into mail_clients.toml"
    )


@pytest.mark.parametrize("feature", sorted(set(TABLE) - {"programs"}))
def test_every_feature_of_a_letter_is_known_in_every_program_or_can_be_spared(feature: str) -> None:
    support = TABLE[feature]["support"]
    blockers_of = [program for program, letter_ in zip(PROGRAMS, support, strict=True) if letter_ in "nu"]
    assert not blockers_of or feature in LACKING or feature not in used(), (
        f"{feature} is not known to {', '.join(blockers_of)}; why is that no harm?"
    )


def test_no_excuse_is_kept_that_nothing_needs() -> None:
    assert set(LACKING) <= {"html-meta-color-scheme", *used()}
    assert {feature for feature in LACKING if not set(TABLE[feature]["support"]) & {"n", "u", "a"}} == set()


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours(dark: bool) -> dict[str, str]:
    """Return the colours of the frame's rules, `selector property` to colour, by day or by night."""
    text = (TEMPLATES / "layout.html").read_text()
    day, night = text.split("@media (prefers-color-scheme: dark)")
    rules = re.findall(r"([.\w ,]+)\{([^{}]*)\}", night if dark else day)
    return {
        f"{one.strip()} {name}": colour
        for selector, block in rules
        for one in selector.split(",")
        for name, colour in re.findall(r"([a-z-]*color):\s*(#[0-9a-f]{6})", block)
    }


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_of_text_stands_out_from_its_ground(dark: bool) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text."""
    said = colours(False) | (colours(True) if dark else {})
    sheet = said[".sheet background-color"]
    grounds = {".letter code": said[".letter pre background-color"]}
    texts = {name.removesuffix(" color"): colour for name, colour in said.items() if name.endswith(" color")}
    assert {".letter", ".letter a", ".letter blockquote", ".letter code"} <= set(texts)
    weak = {name: round(contrast(colour, grounds.get(name, sheet)), 1) for name, colour in texts.items()}
    assert {name: ratio for name, ratio in weak.items() if ratio < 4.5} == {}


def test_the_hidden_preview_has_no_colour_that_a_spam_filter_counts() -> None:
    layout = (Path(__file__).parents[2] / "templates/layout.html").read_text()
    rule = layout[layout.index(".preheader {") :].split("}", 1)[0]
    assert " color:" not in rule
