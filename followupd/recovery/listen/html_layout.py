"""Lay a tree of HTML out as lines of text, as a person would read them: paragraphs, lists, rows of a table.

Of one's own, since a renderer that computes styles and columns took a third of all the time that reading mails takes.
"""

from typing import Any

#: what begins on a line of its own, and how many empty lines stand before and behind
BLOCKS = {
    **dict.fromkeys(
        ("div", "body", "html", "tr", "li", "dt", "dd", "table", "tbody", "thead", "tfoot", "form", "section", "article",
         "header", "footer", "main", "nav", "address", "center", "fieldset", "caption", "aside", "figure", "hr"), 0,
    ),
    **dict.fromkeys(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "pre"), 1),
}  # fmt: skip
LISTS = frozenset({"ul", "ol"})
CELLS = frozenset({"td", "th"})
BLANKS = " \t\r\n\f"


def laid_out(tree: Any) -> str:
    """Return the tree's text; neither links nor pictures leave a trace.

    Raises:
        RecursionError: the tree is nested deeper than any letter's.
    """
    page = _Page()
    page.node(tree)
    page.end_line(0)
    return "\n".join(page.lines)


class _Page:
    """Lines as they grow. `gap` is how many empty lines are owed before the next word."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line = ""
        self.gap = 0
        self.kept = 0  # how many <pre> we are in
        self.lists: list[int] = []  # the next number of each list we are in; 0 for bullets

    def node(self, node: Any) -> None:
        tag = node.tag
        margin = BLOCKS.get(tag)
        if margin is not None:
            self.end_line(margin)
            self._open(tag)
        elif tag == "br":
            self.break_line()
        elif tag in CELLS and self.line:
            self.line += "  "
        if text := node.text:  # asked for once, since lxml decodes it each time
            self.words(text)
        for child in node:
            self.node(child)
            if tail := child.tail:
                self.words(tail)
        if margin is not None:
            self._close(tag)
            self.end_line(margin)

    def _open(self, tag: str) -> None:
        if tag in LISTS:
            self.lists.append(1 if tag == "ol" else 0)
        elif tag == "pre":
            self.kept += 1
        elif tag == "li":
            self.line = f"{'  ' * len(self.lists)}{self._bullet()} "

    def _close(self, tag: str) -> None:
        if tag in LISTS:
            self.lists.pop()
        elif tag == "pre":
            self.kept -= 1

    def _bullet(self) -> str:
        if not self.lists or not self.lists[-1]:
            return "*"
        self.lists[-1] += 1
        return f"{self.lists[-1] - 1}."

    def words(self, text: str) -> None:
        if self.kept:
            first, *rest = text.replace("\r", "").split("\n")
            self.line += first
            for line in rest:
                self.break_line()
                self.line = line
            return
        line = self.line
        if words := text.split() if text.isascii() else _split(text):
            if text[0] in BLANKS and line and line[-1] != " ":
                line += " "
            line += " ".join(words)
        if text[-1] in BLANKS and line and line[-1] != " ":
            line += " "
        self.line = line

    def break_line(self) -> None:
        """End the line, also an empty one."""
        self._owed()
        self.lines.append(self.line)
        self.line = ""

    def end_line(self, margin: int) -> None:
        """End the line if there is one, and owe empty lines."""
        if self.line.strip():
            self.break_line()
        self.line = ""
        self.gap = max(self.gap, margin)

    def _owed(self) -> None:
        if self.lines:
            self.lines += [""] * self.gap
        self.gap = 0


def _split(text: str) -> list[str]:
    """Split at what HTML calls white space; a non-breaking blank is none."""
    for blank in "\t\r\n\f":
        text = text.replace(blank, " ")
    return [word for word in text.split(" ") if word]
