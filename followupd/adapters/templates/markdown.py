"""Render a letter's Markdown to plain text and HTML, and escape values for both.

Both parts come from one parse, so their content is the same, and neither shows a backslash that was meant for
the parser. Values are escaped before they are parsed: no customer's text becomes markup.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby
from string import punctuation
from typing import TYPE_CHECKING

from followupd.domain.letter import LETTER_WIDTH

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

#: characters; a longer word is split, since a line of mail has at most 998 octets (RFC 5322, section 2.1.1)
MAX_WORD = 240

_NO_BREAK = "\u00a0"
_PUNCTUATION = re.compile(f"([{re.escape(punctuation)}])")
#: bidirectional embedding, override and isolate controls: one left open reverses the rest of the line (UAX 9,
#: 2.1-2.6)
_BIDI_CONTROLS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
#: control characters and separators of lines and paragraphs (Cc, Zl, Zp), apart from the line feed
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_FOLD = re.compile(rf"(.{{{LETTER_WIDTH},}}?) ")
_LONG = re.compile(rf"(\S{{{MAX_WORD}}})(?=\S)")


@cache
def _parser() -> MarkdownIt:
    """Return the parser; images would be remote content, and only the layout contains HTML."""
    from markdown_it import MarkdownIt  # late: a start writes no letter

    return MarkdownIt("commonmark", {"html": False}).disable(["image", "html_inline", "html_block"])


def harmless(value: str) -> str:
    """Return the value without control characters and lone surrogates (docs/mail.md R4)."""
    if value.isprintable():  # true for nearly all, and of none of these
        return value
    without_bidi = value.translate(_BIDI_CONTROLS).encode("utf-8", "replace").decode("utf-8")
    return _CONTROLS.sub(" ", without_bidi)


def one_line(value: str) -> str:
    """Return the value harmless and on a single line, with single spaces."""
    return " ".join(harmless(value).split())


def flat(value: str) -> str:
    """Return the value harmless and on a single line, with each blank in it as it was written."""
    lines = map(str.strip, re.split(r"\r\n?|\n", harmless(value)))
    return " ".join(filter(None, lines))


def unbroken(value: str) -> str:
    """Return a text of our own, such as a date, with no-break spaces, so that no line ends within it."""
    return one_line(value).replace(" ", _NO_BREAK)


def escaped(value: str) -> str:
    """Escape a value for Markdown, on a single line.

    Every ASCII punctuation mark is taken literally (CommonMark 2.4).

    Blanks are kept as they are: an agent's words reach the reader as they were written.
    """
    return _PUNCTUATION.sub(r"\\\1", _LONG.sub(r"\1 ", flat(value)))


def lines(values: Sequence[str]) -> str:
    """Return Markdown with each value on a separate line, escaped."""
    return "\\\n".join(map(escaped, values))


def quoted(value: str) -> str:
    """Return Markdown that quotes a text, with its lines and paragraphs kept, escaped."""
    rows = list(map(escaped, re.split(r"\r\n?|\n", value.strip())))
    paragraphs = []
    for has_text, block in groupby(rows, bool):
        if has_text:
            hard_lines = "\\\n".join(f"> {row}" for row in block)
            paragraphs.append(hard_lines)
    return "\n>\n".join(paragraphs)


def verbatim(value: str) -> str:
    """Return a code block with the value as it is: inside a fence nothing is markup."""
    words = one_line(value)
    longest_run = max(map(len, re.findall("`+", words)), default=0)
    fence = "`" * (3 + longest_run)
    return f"{fence}\n{words}\n{fence}"


def to_parts(source: str) -> tuple[str, str]:
    """Render Markdown to plain text that reads well as a mail, and to the content of an HTML body.

    No-break spaces become spaces in the plain text once its lines are filled: people answer it, search it and
    copy from it.
    """
    from markdown_it.tree import SyntaxTreeNode

    parser = _parser()
    tokens = parser.parse(source)
    text = "\n\n".join(_block(node, LETTER_WIDTH) for node in SyntaxTreeNode(tokens).children) + "\n"
    text = text.replace(_NO_BREAK, " ")
    for token in tokens:
        for child in token.children or ():
            _fold(child)
    return text, str(parser.renderer.render(tokens, parser.options, {}))


def to_text(source: str) -> str:
    """Render Markdown to plain text: filled lines, with lists and quotes as people type them."""
    return to_parts(source)[0]


def to_html(source: str) -> str:
    """Render Markdown to the content of an HTML body; long lines are folded at a space."""
    return to_parts(source)[1]


def _fold(token: Token) -> None:
    """Fold the long lines of a text token, so that no line of the HTML part exceeds the limit of mail."""
    if token.type == "text":
        token.content = _FOLD.sub(r"\1\n", token.content)


def _filled(text: str, width: int) -> str:
    """Wrap a line at this many columns; a long word, such as an address, is never split."""
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def _block(node: SyntaxTreeNode, width: int) -> str:
    """Return a block of the document as plain text, `width` columns wide."""
    return _BLOCKS.get(node.type, _paragraph)(node, width)


def _paragraph(node: SyntaxTreeNode, width: int) -> str:
    rows = "".join(_inline(node)).split("\n")
    return "\n".join(_filled(row, width) for row in rows)


def _inline(node: SyntaxTreeNode) -> Iterator[str]:
    """Yield the text of a paragraph in pieces; a line feed is a hard line break."""
    match node.type:
        case "text" | "code_inline":
            yield node.content
        case "softbreak":
            yield " "
        case "hardbreak":
            yield "\n"
        case "link":
            yield _link(node)
        case _:
            yield from _children(node)


def _link(node: SyntaxTreeNode) -> str:
    """Return the text of a link, with its target after it unless both are the same."""
    label = "".join(_children(node))
    target = str(node.attrs.get("href", "")).removeprefix("mailto:")
    is_said = label == target or target.startswith("tel:")
    return label if is_said else f"{label} ({target})"


def _children(node: SyntaxTreeNode) -> Iterator[str]:
    for child in node.children:
        yield from _inline(child)


def _list(node: SyntaxTreeNode, width: int) -> str:
    """Return a list as plain text; its items are apart if they are so in the Markdown."""
    first = int(node.attrs.get("start", 1))
    items = []
    for number, item in enumerate(node.children, first):
        mark = f"{number}. " if node.type == "ordered_list" else "- "
        items.append(_item(item, mark, width))
    separator = "\n" if _is_tight(node) else "\n\n"
    return separator.join(items)


def _is_tight(node: SyntaxTreeNode) -> bool:
    """Whether the Markdown of a list has no empty lines between its items."""
    paragraphs = [child for item in node.children for child in item.children if child.type == "paragraph"]
    return all(paragraph.hidden for paragraph in paragraphs)


def _item(node: SyntaxTreeNode, mark: str, width: int) -> str:
    inside = "\n\n".join(_block(child, width - len(mark)) for child in node.children)
    return mark + textwrap.indent(inside, " " * len(mark)).lstrip(" ")


def _quote(node: SyntaxTreeNode, width: int) -> str:
    """Return a quotation; the mark comes before its columns, so that a letter keeps its lines (RFC 3676, 4.5)."""
    inside = "\n\n".join(_block(child, width) for child in node.children)
    return textwrap.indent(inside, "> ", lambda _: True).replace("> \n", ">\n")


def _code(node: SyntaxTreeNode, width: int) -> str:  # noqa: ARG001  one signature for all blocks
    return textwrap.indent(node.content.rstrip("\n"), "    ")


def _rule(node: SyntaxTreeNode, width: int) -> str:  # noqa: ARG001  one signature for all blocks
    return "-" * min(width, 40)


_BLOCKS: dict[str, Callable[[SyntaxTreeNode, int], str]] = {
    "bullet_list": _list,
    "ordered_list": _list,
    "blockquote": _quote,
    "code_block": _code,
    "fence": _code,
    "hr": _rule,
}
