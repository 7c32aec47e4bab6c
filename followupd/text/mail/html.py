"""Turn an HTML body into text: quotes marked with ">", what is struck out or hidden left out (MAIL.md, sections 3 and 4)."""

import re
from functools import cache, lru_cache
from html import unescape
from typing import Any

#: what begins on a line of its own, and how many empty lines stand before and behind
BLOCK_TAGS = {
    **dict.fromkeys(
        (
            "div",
            "body",
            "html",
            "tr",
            "li",
            "dt",
            "dd",
            "table",
            "tbody",
            "thead",
            "tfoot",
            "form",
            "section",
            "article",
            "header",
            "footer",
            "main",
            "nav",
            "address",
            "center",
            "fieldset",
            "caption",
            "aside",
            "figure",
            "hr",
        ),
        0,
    ),
    **dict.fromkeys(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "pre"), 1),
}
LISTS = frozenset({"ul", "ol"})
CELLS = frozenset({"td", "th"})
BLANKS = " \t\r\n\f"


def laid_out(tree: Any) -> str:
    """Return the tree's text; neither links nor pictures leave a trace.

    Raises:
        RecursionError: the tree is nested deeper than any letter's.
    """
    page = _TextLayout()
    page.node(tree)
    page.end_line(0)
    return "\n".join(page.lines)


class _TextLayout:
    """Lines as they grow. `gap` is how many empty lines are owed before the next word."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line = ""
        self.gap = 0
        self.kept = 0  # how many <pre> we are in
        self.lists: list[int] = []  # the next number of each list we are in; 0 for bullets

    def node(self, node: Any) -> None:
        tag = node.tag
        margin = BLOCK_TAGS.get(tag)
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


LONGEST = 400_000  # characters of one body
MOST_TAGS = 20_000
MARK = "\ue000"  # stands where a quote was cut out; taken out of what customers wrote
# Where mail programs put the earlier mail.
QUOTE_NAMES = frozenset(
    {
        *(
            "OLK_SRC_BODY_SECTION",
            "isForwardContent",
            "mail-editor-reference-message-container",
            "reply-intro",
            "messageReplySection",
        ),
        *(
            "ms-outlook-mobile-body-reference",
            "__QUOTED_TEXT__",
            "gmail_attr",
            "yahoo_quoted",
            "yahoo-quoted-begin",
        ),
        *(
            "protonmail_quote",
            "tutanota_quote",
            "moz-cite-prefix",
            "moz-forward-container",
            "zmail_extra",
            "iwc-quote",
        ),
        *("ms-outlook-mobile-reference-message", "front-blockquote"),
    }
)
# From these on, all that follows in the document is the earlier mail.
CUT_NAMES = frozenset(
    {
        "divRplyFwdMsg",
        "x_divRplyFwdMsg",
        "appendonsend",
        "x_appendonsend",
        "stopSpelling",
        "zwchr",
        "__DIVIDER__",
    }
)
CUT_STYLE = re.compile(
    r"border-top:\s?(?:solid #(?:E1E1E1|B5C4DF)|(?:1px|1pt) solid (?:#E1E1E1|#B5C4DF|rgb\(181, 196, 223\)))",
    re.IGNORECASE,
)
GONE_TAGS = frozenset({"script", "style", "title", "s", "del", "strike", "template", "head"})
GONE_STYLE = re.compile(
    r"display:none|mso-hide:all|font-size:0(?:px|pt)?(?:;|$|!)|visibility:hidden|text-decoration:line-through",
    re.IGNORECASE,
)
SIGNATURE_NAMES = frozenset({"Signature", "x_Signature", "gmail_signature", "moz-signature"})
NAMES = ("id", "name", "data-marker")
NOTHING: dict[str, str] = {}
MARKS = frozenset({"class", "style", *NAMES})
#: a node with its attributes, and with the names that mail programs mark their containers with
Marked = tuple[Any, dict[str, str], set[str]]
BLOCKS = frozenset({"br", "p", "div", "tr", "li", "blockquote", "h1", "h2", "h3", "h4", "pre", "table", "hr"})
TAG = re.compile(r"<[^<>]{0,5000}>")
BREAK = re.compile(r"<(?:br|/?p|/?div|/tr|/li|/?h[1-6]|/?table|/?blockquote)\b[^<>]{0,2000}>", re.IGNORECASE)
UNSEEN = re.compile(
    r"<(script|style|title)\b[^<>]{0,2000}>[^<]{0,100000}</\1\s{0,9}>|<!--[^<>]{0,20000}-->", re.IGNORECASE
)
DECLARED = re.compile(r"\s{0,99}<\?xml[^<>]{0,200}\?>")
CHARSET = re.compile(rb"charset\s{0,3}=\s{0,3}[\"']?([A-Za-z0-9_.:-]{2,30})", re.IGNORECASE)
GAPS = re.compile(r"\n{3,}")


def declared_charset(data: bytes) -> str:
    """Return the charset that the document itself declares, for parts whose header names none."""
    found = CHARSET.search(data[:2048])
    return found[1].decode("ascii") if found else ""


def text_of(html: str) -> str:
    """Render an HTML body; each line of a quote begins with "> ". Never raises."""
    html = html[:LONGEST].replace(MARK, "")
    declared = DECLARED.match(html)
    html = html[declared.end() :] if declared else html  # lxml refuses text that declares an encoding
    if html.count("<") > MOST_TAGS:
        return plainly(html)
    from lxml.etree import LxmlError  # late: mails in plain text do not need it

    try:
        tree = _tree(html)
        text = "" if tree is None else _rendered(tree)
    except (LxmlError, ValueError, RecursionError, AssertionError, TypeError, LookupError):
        text = ""
    return text if text.strip() else plainly(html)


def plainly(html: str) -> str:
    """Take the tags away and nothing more: for what the renderer gives up on."""
    return tidy(unescape(TAG.sub("", BREAK.sub("\n", UNSEEN.sub(" ", html)))))


def tidy(text: str) -> str:
    """Trim each line and leave one empty line where there were several."""
    trimmed = "\n".join([line.rstrip() for line in text.replace("\xa0", " ").split("\n")])
    return (GAPS.sub("\n\n", trimmed) if "\n\n\n" in trimmed else trimmed).strip("\n")


def _tree(html: str) -> Any:
    from lxml.etree import fromstring

    return fromstring(html, _parser())


@cache
def _parser() -> Any:
    from lxml.etree import HTMLParser

    return HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)


def _rendered(tree: Any) -> str:
    marked = _shown(tree)
    cut = next(
        (node for node, marks, names in marked if not CUT_NAMES.isdisjoint(names) or _cuts(marks)), None
    )
    if cut is not None:
        _gather_rest(cut)
        marked = _shown(tree)
    texts = [_cut_out(node, number) for number, node in enumerate(_quotes(marked))]
    for node in [node for node, _, names in marked if not SIGNATURE_NAMES.isdisjoint(names)]:
        _mark_signature(node)
    return tidy(_put_back(laid_out(tree), texts))


def _shown(tree: Any) -> list[Marked]:
    """Drop what nobody sees; return the other nodes that say something about themselves, in the document's order."""
    marked: list[Marked] = []
    gone: set[Any] = set()
    for node in list(tree.iter()):
        tag = node.tag
        marks = dict(items) if (items := node.items()) else NOTHING
        if tag in GONE_TAGS or "hidden" in marks or ("style" in marks and _hides(marks["style"])):
            _drop(node)
            gone.add(node)
        elif tag == "blockquote" or not MARKS.isdisjoint(marks):
            marked.append((node, marks, _names(marks)))
    if not gone:
        return marked
    return [each for each in marked if gone.isdisjoint(each[0].iterancestors())]


@lru_cache(maxsize=512)  # a page says the same few styles again and again
def _hides(style: str) -> bool:
    return GONE_STYLE.search(style.replace(" ", "")) is not None


def _names(marks: dict[str, str]) -> set[str]:
    """Return the class, id and name of a node."""
    return {*marks.get("class", "").split(), *[marks[name] for name in NAMES if name in marks]}


def _cuts(marks: dict[str, str]) -> bool:
    style = marks.get("style", "")
    return "border-top" in style.lower() and CUT_STYLE.search(style) is not None


def _drop(node: Any) -> None:
    """Remove a node and keep the text that follows it."""
    parent = node.getparent()
    if parent is None:
        return
    before = node.getprevious()
    if node.tail and before is not None:
        before.tail = (before.tail or "") + node.tail
    elif node.tail:
        parent.text = (parent.text or "") + node.tail
    node.tail = None
    parent.remove(node)


def _quotes(marked: list[Marked]) -> list[Any]:
    """Return the outermost containers of quoted text."""
    found: dict[Any, None] = {}
    for node, marks, names in marked:
        if _is_quote(node, marks, names) and not any(above in found for above in node.iterancestors()):
            found[node] = None
    return list(found)


def _is_quote(node: Any, marks: dict[str, str], names: set[str]) -> bool:
    if node.tag == "blockquote":
        looks = marks.get("class", "") + marks.get("style", "").replace(" ", "")
        return (
            marks.get("type") == "cite"
            or any(mark in looks for mark in ("quote", "cite", "border-left"))
            or _introduced(node)
        )
    return not QUOTE_NAMES.isdisjoint(names)


def _introduced(node: Any) -> bool:
    """Tell a quote from a paragraph set in: "Kim wrote:" stands right before it."""
    before = node.getprevious()
    while before is not None and before.tag == "br" and not (before.tail or "").strip():
        before = before.getprevious()
    if before is None:
        parent = node.getparent()
        return parent is not None and (parent.text or "").rstrip().endswith(":")
    return ((before.tail or "").strip() or "".join(before.itertext()).strip()).endswith(":")


def _gather_rest(node: Any) -> None:
    """Put the node and all that follows it in the document into one quote."""
    parent = node.getparent()
    if parent is None:
        return
    quote = node.makeelement("blockquote", {"type": "cite"})
    parent.insert(parent.index(node), quote)
    branch = quote
    while branch is not None and branch.tag not in {"body", "html"}:
        for later in list(branch.itersiblings()):
            quote.append(later)
        branch = branch.getparent()


def _cut_out(node: Any, number: int) -> str:
    """Take a quote out of the tree, leave a mark, and return its text."""
    text = _plain_quote(node)
    parent = node.getparent()
    if parent is None:
        return text
    mark = node.makeelement("div")
    mark.text = f"{MARK}{number}{MARK}"
    mark.tail, node.tail = node.tail, None
    parent.replace(node, mark)
    return text


def _plain_quote(node: Any) -> str:
    """Return a quote's text: good enough to be shown and searched, at a tenth of the layout's price."""
    pieces: list[str] = []
    for inner in node.iter():
        if inner.tag in BLOCKS:
            pieces.append("\n")
        pieces.append((inner.text or "").replace("\n", " ") if isinstance(inner.tag, str) else "")
        if inner is not node:
            pieces.append((inner.tail or "").replace("\n", " "))
    return tidy("\n".join(" ".join(line.split()) for line in "".join(pieces).split("\n")))


def _mark_signature(node: Any) -> None:
    if not "".join(node.itertext()).lstrip().startswith("--") and node.getparent() is not None:
        line = node.makeelement("div")
        line.text = "--"
        node.addprevious(line)


def _put_back(text: str, quotes: list[str]) -> str:
    """Put each quote where its mark stands, on lines of its own."""
    if not quotes:
        return text
    lines: list[str] = []
    for line in text.split("\n"):
        before, mark, rest = line.partition(MARK)
        if not mark:
            lines.append(line)
            continue
        number, _, after = rest.partition(MARK)
        lines += [before] if before.strip() else []
        lines += (
            [f"> {quoted}".rstrip() for quoted in quotes[int(number)].split("\n")]
            if quotes[int(number)]
            else []
        )
        lines += [after] if after.strip() else []
    return "\n".join(lines)
