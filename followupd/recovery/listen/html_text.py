"""Turn an HTML body into text: quotes marked with ">", what is struck out or hidden left out (MAIL.md, sections 3 and 4)."""

import re
from html import unescape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml.html import HtmlElement

LONGEST = 400_000  # characters of one body
MOST_TAGS = 20_000
MARK = "\ue000"  # stands where a quote was cut out; taken out of what customers wrote
QUOTES = (
    "descendant-or-self::blockquote[@type='cite' or contains(@class,'gmail_quote') or contains(@class,'cite')"
    " or contains(@class,'quote') or contains(@style,'border-left')]"
    "|//*[contains(@class,'yahoo_quoted') or contains(@class,'protonmail_quote') or contains(@class,'tutanota_quote')"
    " or contains(@class,'moz-cite-prefix') or contains(@class,'gmail_attr') or contains(@class,'moz-forward-container')"
    " or contains(@class,'yahoo-quoted') or contains(@class,'zmail_extra') or contains(@class,'iwc-quote')"
    " or contains(@class,'WordSectionQuote') or @id='OLK_SRC_BODY_SECTION' or @id='isForwardContent'"
    " or @id='mail-editor-reference-message-container' or @name='messageReplySection'"
    " or @id='ms-outlook-mobile-body-reference' or @data-marker='__QUOTED_TEXT__' or @id='reply-intro']"
)
# From these on, all that follows in the document is the earlier mail.
CUTS = (
    "//*[@id='divRplyFwdMsg' or @id='appendonsend' or @id='x_divRplyFwdMsg' or @id='stopSpelling' or @id='zwchr'"
    " or @data-marker='__DIVIDER__']"
    "|//div[contains(@style,'border-top:solid #E1E1E1') or contains(@style,'border-top:solid #B5C4DF')"
    " or contains(@style,'border-top: 1px solid rgb(181, 196, 223)')]"
)
GONE = (
    "//script|//style|//title|//s|//del|//strike|//template|//comment()|//*[@hidden]"
    "|//*[contains(translate(@style,' NOE','noe'),'display:none') or contains(translate(@style,' A','a'),'mso-hide:all')"
    " or contains(translate(@style,' ',''),'font-size:0px') or contains(translate(@style,' ',''),'font-size:0;')"
    " or contains(translate(@style,' ',''),'visibility:hidden') or contains(translate(@style,' ',''),'line-through')]"
)
SIGNATURE = "//*[contains(@class,'gmail_signature') or @id='Signature' or contains(@class,'moz-signature')]"
TAG = re.compile(r"<[^<>]{0,5000}>")
BREAK = re.compile(r"<(?:br|/?p|/?div|/tr|/li|/?h[1-6]|/?table|/?blockquote)\b[^<>]{0,2000}>", re.IGNORECASE)
UNSEEN = re.compile(r"<(script|style|title)\b[^<>]{0,2000}>[^<]{0,100000}</\1\s*>|<!--[^<>]{0,20000}-->", re.IGNORECASE)
DECLARED = re.compile(r"^\s*<\?xml[^<>]{0,200}\?>")
CHARSET = re.compile(rb"charset\s{0,3}=\s{0,3}[\"']?([A-Za-z0-9_.:-]{2,30})", re.IGNORECASE)


def declared_charset(data: bytes) -> str:
    """Return the charset that the document itself declares, for parts whose header names none."""
    found = CHARSET.search(data[:2048])
    return found[1].decode("ascii") if found else ""


def text_of(html: str) -> str:
    """Render an HTML body; each line of a quote begins with "> ". Never raises."""
    html = DECLARED.sub("", html[:LONGEST]).replace(MARK, "")
    if html.count("<") > MOST_TAGS:
        return plainly(html)
    try:
        tree = _tree(html)
        text = "" if tree is None else _rendered(tree)
    except (ValueError, RecursionError, AssertionError, TypeError, KeyError, IndexError):
        text = ""
    return text if text.strip() else plainly(html)


def plainly(html: str) -> str:
    """Take the tags away and nothing more: for what the renderer gives up on."""
    return tidy(unescape(TAG.sub("", BREAK.sub("\n", UNSEEN.sub(" ", html)))))


def tidy(text: str) -> str:
    """Trim each line and leave one empty line where there were several."""
    lines = [line.replace("\xa0", " ").rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _tree(html: str) -> "HtmlElement | None":
    from lxml.etree import ParserError
    from lxml.html import HTMLParser, document_fromstring  # late: mails in plain text do not need it

    try:
        return document_fromstring(html, parser=HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True))
    except ParserError:
        return None


def _rendered(tree: "HtmlElement") -> str:
    for node in tree.xpath(GONE):
        _drop(node)
    for node in tree.xpath(CUTS):
        _gather_rest(node)
    quotes = [node for node in tree.xpath(QUOTES) if not _within_quote(node)]
    texts = [_cut_out(node, number) for number, node in enumerate(quotes)]
    for node in tree.xpath(SIGNATURE):
        _mark_signature(node)
    return tidy(_put_back(_layout(tree), texts))


def _layout(tree: "HtmlElement") -> str:
    from inscriptis.html_engine import Inscriptis

    text: str = Inscriptis(tree).get_text()
    return text


def _drop(node: Any) -> None:
    """Remove a node and keep the text that follows it."""
    if node.getparent() is not None:
        node.drop_tree()


def _within_quote(node: Any) -> bool:
    return any(MARK in above.attrib or above.get("data-quote") for above in node.iterancestors()) or _marked(node)


def _marked(node: Any) -> bool:
    """Mark the node as a quote, so that what lies inside is not cut out again."""
    node.set("data-quote", "1")
    return False


def _gather_rest(node: Any) -> None:
    """Put the node and all that follows it in the document into one quote."""
    quote = node.makeelement("blockquote", {"type": "cite"})
    parent = node.getparent()
    if parent is None:
        return
    parent.insert(parent.index(node), quote)
    branch = quote
    while branch is not None and branch.tag not in {"body", "html"}:
        for later in list(branch.itersiblings()):
            quote.append(later)
        branch = branch.getparent()


def _cut_out(node: Any, number: int) -> str:
    """Take a quote out of the tree, leave a mark, and return its text."""
    text = plainly_node(node)
    mark = node.makeelement("div")
    mark.text = f"{MARK}{number}{MARK}"
    mark.tail, node.tail = node.tail, None
    parent = node.getparent()
    if parent is None:
        return text
    parent.replace(node, mark)
    return text


def plainly_node(node: Any) -> str:
    """Return a quote's text: good enough to be shown and searched, at a tenth of the layout's price."""
    pieces: list[str] = []
    for inner in node.iter():
        if not isinstance(inner.tag, str):
            continue
        if inner.tag in {"br", "p", "div", "tr", "li", "blockquote", "h1", "h2", "h3", "pre"}:
            pieces.append("\n")
        pieces.append(" ".join((inner.text or "").split(" ")).replace("\n", " "))
        if inner is not node:
            pieces.append((inner.tail or "").replace("\n", " "))
    return tidy("".join(pieces))


def _mark_signature(node: Any) -> None:
    line = node.makeelement("div")
    line.text = "-- "
    if not (node.text_content() or "").lstrip().startswith("--"):
        node.addprevious(line)


def _put_back(text: str, quotes: list[str]) -> str:
    def prefixed(mark: "re.Match[str]") -> str:
        lines = quotes[int(mark[1])].split("\n")
        return "\n".join(f"> {line}".rstrip() for line in lines) if any(lines) else ""

    return re.sub(rf"[ \t]*{MARK}(\d+){MARK}", prefixed, text)
