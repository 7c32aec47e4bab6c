"""Markdown of a letter to its two parts, plain text and HTML, and values made harmless for both.

Both parts come from one parse, so they never say different things, and neither shows a backslash that only the parser
was meant to see. Values are escaped before they meet the parser: no customer's word becomes markup.
"""

import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from string import punctuation

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

#: columns of the text part (RFC 3676, 4.2 asks for at most 78)
WIDTH = 72
#: a line of mail may have 998 octets (RFC 5322, 2.1.1); a single word longer than this is cut
LONGEST_WORD = 240

_NO_BREAK = "\u00a0"
_PUNCTUATION = re.compile(f"([{re.escape(punctuation)}])")
#: embedding, override and isolate controls: one left open turns round the rest of our own line (UAX 9, 2.1-2.6)
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_FOLD = re.compile(rf"(.{{{WIDTH},}}?) ")
_LONG = re.compile(rf"(\S{{{LONGEST_WORD}}})(?=\S)")

# images would be remote content, and raw HTML is the layout's business alone
_PARSER = MarkdownIt("commonmark", {"html": False}).disable(["image", "html_inline", "html_block"])


def harmless(value: str) -> str:
    """Return the value without control characters, lone surrogates and marks that turn the line (MAIL.md R4)."""
    kept = value.translate(_TURNING).encode("utf-8", "replace").decode("utf-8")
    return "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} and c != "\n" else c for c in kept)


def one_line(value: str) -> str:
    """Return the value harmless and on a single line, with single spaces."""
    return " ".join(harmless(value).split())


def unbroken(value: str) -> str:
    """Return our own words, such as a date, without a place where a line may end."""
    return one_line(value).replace(" ", _NO_BREAK)


def escaped(value: str) -> str:
    """Escape a value for Markdown, on a single line: every ASCII punctuation mark is taken literally (CommonMark 2.4)."""
    flat = (
        _NO_BREAK.join(one_line(part) for part in value.split(_NO_BREAK))
        if _NO_BREAK in value
        else one_line(value)
    )
    return _PUNCTUATION.sub(r"\\\1", _LONG.sub(r"\1 ", flat))


def lines(values: Sequence[str]) -> str:
    """Write values as lines of their own, each escaped."""
    return "\\\n".join(escaped(value) for value in values)


def quoted(value: str) -> str:
    """Write somebody's own words as a quote that keeps their lines, escaped."""
    rows = [escaped(row) for row in re.split(r"\r\n?|\n", value.strip())]
    blocks = ["\n".join(f"> {row}\\" for row in block)[:-1] for full, block in groupby(rows, bool) if full]
    return "\n>\n".join(blocks)


def verbatim(value: str) -> str:
    """Write a value as a block of its own in letters of equal width, as it is: inside a fence nothing is markup."""
    flat = one_line(value)
    fence = "`" * (3 + max((len(run) for run in re.findall("`+", flat)), default=0))
    return f"{fence}\n{flat}\n{fence}"


def to_parts(source: str) -> tuple[str, str]:
    """Render Markdown to plain text that reads well as a mail, and to the inside of an HTML body."""
    tokens = _PARSER.parse(source)
    text = "\n\n".join(_block(node, WIDTH) for node in SyntaxTreeNode(tokens).children) + "\n"
    # Where the lines end is settled by now; who answers, searches or copies meets plain spaces.
    text = text.replace(_NO_BREAK, " ")
    for token in tokens:
        for child in token.children or ():
            _fold(child)
    return text, str(_PARSER.renderer.render(tokens, _PARSER.options, {}))


def to_text(source: str) -> str:
    """Render Markdown to plain text: filled lines, lists and quotes as people type them."""
    return to_parts(source)[0]


def to_html(source: str) -> str:
    """Render Markdown to the inside of an HTML body; long lines are folded where a space stands."""
    return to_parts(source)[1]


def _fold(token: Token) -> None:
    if token.type == "text":
        token.content = _FOLD.sub(r"\1\n", token.content)


def _filled(text: str, width: int) -> str:
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def _block(node: SyntaxTreeNode, width: int) -> str:
    return _BLOCKS.get(node.type, _paragraph)(node, width)


def _paragraph(node: SyntaxTreeNode, width: int) -> str:
    rows = "".join(_inline(node)).split("\n")
    return "\n".join(_filled(row, width) for row in rows)


def _inline(node: SyntaxTreeNode) -> Iterator[str]:
    """Give the words of a paragraph; a line feed is a line break that was meant."""
    match node.type:
        case "text" | "code_inline":
            yield node.content
        case "softbreak":
            yield " "
        case "hardbreak":
            yield "\n"
        case "link":
            words, target = "".join(_words(node)), str(node.attrs.get("href", "")).removeprefix("mailto:")
            yield words if words == target else f"{words} ({target})"
        case _:
            yield from _words(node)


def _words(node: SyntaxTreeNode) -> Iterator[str]:
    for child in node.children:
        yield from _inline(child)


def _list(node: SyntaxTreeNode, width: int) -> str:
    first = int(node.attrs.get("start", 1))
    ordered = node.type == "ordered_list"
    marks = [f"{first + n}. " if ordered else "- " for n in range(len(node.children))]
    items = [_item(item, mark, width) for item, mark in zip(node.children, marks, strict=True)]
    return ("\n" if _tight(node) else "\n\n").join(items)


def _tight(node: SyntaxTreeNode) -> bool:
    paragraphs = [child for item in node.children for child in item.children if child.type == "paragraph"]
    return all(paragraph.hidden for paragraph in paragraphs)


def _item(node: SyntaxTreeNode, mark: str, width: int) -> str:
    inside = "\n\n".join(_block(child, width - len(mark)) for child in node.children)
    return mark + textwrap.indent(inside, " " * len(mark)).lstrip(" ")


def _quote(node: SyntaxTreeNode, width: int) -> str:
    inside = "\n\n".join(_block(child, width - 2) for child in node.children)
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
