"""Decide what kind of mail it is: the first rule that fits wins, and says why (MAIL.md, R1)."""

import re
from collections.abc import Iterable

from followupd.domain.mail import Identity, Kind, Person
from followupd.text.mail.headers import Headers, ParsedAddress, message_ids
from followupd.text.mail.parse import ParsedMail

ROLES = re.compile(
    r"(?:no|do[-_.]?not|donot|dont|never|ne|nicht|kein|non)[-_.]?(?:reply|repl[iy]es|response|respond|answer|repondre|antwort(?:en)?|rispondere)"
    r"|nepasrepondre|nao[-_.]?responda|no[-_.]?responder|keineantwort|noreply|mailer[-_.]?daemon|post[-_.]?master|daemon|bounces?|abuse|root"
    r"|listserv|majordomo|owner|request|auto(?:mailer|responder|reply)?|notifications?|mailman|uucp|system|nobody|www-data|cron",
    re.IGNORECASE,
)
ROLE_PARTS = re.compile(
    r"^owner-|-(?:request|owner|relay|bounces?|outgoing)$|^(?:no-?reply|bounces?|msprvs\d?)[-+._=]|[-+._](?:no-?reply|donotreply)(?:$|[-+._])|^prvs=",
    re.IGNORECASE,
)
COMMENT = re.compile(r"\([^()]{0,500}\)")
SUPPRESS = frozenset({"all", "oof", "autoreply"})


def no_answer(
    mail: ParsedMail, kind: Kind, sender: Person, receivers: Iterable[Person], ours: Identity
) -> str:
    """Return why no machine may answer this mail; "" when one may.

    How often somebody may be written to is another room's question: it needs the ledger.
    """
    return (
        _by_kind(kind)
        or _by_sender(sender, ours, kind)
        or _by_headers(mail)
        or _by_receivers(receivers, ours)
        or _by_authentication(mail.headers, ours)
    )


def _by_kind(kind: Kind) -> str:
    return "" if kind in {Kind.CUSTOMER, Kind.AGENT} else f"it is no person's letter but of kind {kind.value}"


def _by_sender(sender: Person, ours: Identity, kind: Kind) -> str:
    if not sender.address:
        return "it names no sender"
    address = sender.address.lower()
    if address in ours.addresses:
        return "it is from our own address" if kind is Kind.AGENT else "it claims to be from our own address"
    local = address.rpartition("@")[0]
    if ROLES.fullmatch(local) or ROLE_PARTS.search(local):
        return f"nobody reads {sender.address}"
    return ""


def _by_headers(mail: ParsedMail) -> str:
    headers = mail.headers
    if several := _several(headers):
        return several
    if null_return_path(mail):
        return "its return path is empty (RFC 3834)"
    asked = {
        word.strip().lower()
        for field in headers.every("x-auto-response-suppress")
        for word in field.split(",")
    }
    if asked & SUPPRESS:
        return "it asks for no automatic answer (X-Auto-Response-Suppress)"
    if headers.word("x-loop"):
        return "it has been in a loop already (X-Loop)"
    if headers.word("precedence") in {"bulk", "list", "junk"}:
        return "it is bulk mail (Precedence)"
    return ""


def _by_receivers(receivers: Iterable[Person], ours: Identity) -> str:
    """RFC 3834, section 2: answer only who wrote to us, not who wrote to a list that we are on."""
    if not ours.addresses or any(person.address.lower() in ours.addresses for person in receivers):
        return ""
    return "our address is not in To or Cc"


def _by_authentication(headers: Headers, ours: Identity) -> str:
    return "its sender is forged, says our mail server (DMARC)" if dmarc(headers, ours) == "fail" else ""


def _several(headers: Headers) -> str:
    """RFC 5322, 3.6, allows one From; DMARC has judged only one of several."""
    return "it names several senders" if len(headers.every("from")) > 1 else ""


def forged(headers: Headers, ours: Identity) -> str:
    """Return why nobody may be given orders in the sender's name; asked by itself, since `no_answer` says one reason."""
    return _by_authentication(headers, ours) or _several(headers)


def dmarc(headers: Headers, ours: Identity) -> str:
    """Return the DMARC result in the topmost Authentication-Results of a server that we trust (RFC 8601); "" without one.

    Only the topmost field is looked at: what stands below may have come with the mail.
    """
    for field in headers.every("authentication-results")[:1]:
        plain = COMMENT.sub(" ", field).lower()
        server, _, results = plain.partition(";")
        if server.split()[:1] and server.split()[0] in ours.authserv:
            found = re.search(r"(?:^|[;\s])dmarc\s?=\s?([a-z]{1,20})", results)
            return found[1] if found else ""
    return ""


# These look at lower-case words, since to match without regard to case costs several times as much.
POSTMASTERS = re.compile(
    r"(?:mailer[-_. ]?daemon|post[-_. ]?master|postmaster\w{0,12}|mail[-_. ]?(?:delivery|daemon|er)?[-_. ]?(?:subsystem|system|server|daemon)"
    r"|mdaemon|mmdf|uucp|bounces?|exchange|failure|nobody|mailsystem|smtp|system ?administrator|daemon|mta)(?:$|[-+.@_\d ])",
)
POSTMASTER_NAMES = re.compile(
    r"(?:mail(?:er)?[ -]?(?:delivery|daemon|system|er daemon)|delivery (?:sub)?system|postmaster|system administrator|mail administrator|maildelivery"
    r"|internet mail delivery|mail transport|mdaemon|mta[ -])",
)
BOUNCE_SUBJECTS = re.compile(
    r"^\W{0,3}(?:\[?[\w*!-]{0,12}\]?[: ]{0,3})?(?:"
    r"un(?:deliver(?:able|ed)|zustellbar)|deliver(?:y|ing)? (?:status|fail|problem|report|error|notification|has failed|to the following|incomplete)"
    r"|(?:mail|message|e-?mail|error)? ?(?:delivery|sending|transmission|transport|returning) ?(?:status|system|fail\w*|problem|error|report|notification|unsuccess\w*|message)"
    r"|returned (?:e?-?mail|to sender|message)|return(?:ing)? (?:to sender|mail|message)|fail(?:ure|ed) (?:notice|delivery|mail|to deliver|message)"
    r"|mail (?:system error|could not be|not delivered|undeliverable|failure|failed|returned|error)|mail ?delivery|non[- ]?deliver\w*|could ?n[o']t (?:send|deliver)"
    r"|(?:message|mail|email|e-mail) (?:you sent )?(?:is |was |has )?(?:not |been )?(?:undeliver|blocked|rejected|returned|bounced|delayed|not delivered|could not|delivery|failed)"
    r"|warning: (?:message|could not|message delayed|mail delayed|not delivered)|nondeliverable|rejected(?: mail| posting)?:|bounced? (?:mail|message)|dsn:|ndn:|ndr:"
    r"|cannot deliver|can't deliver|\*+ ?(?:delivery|undeliver)|could not (?:send|deliver)|delayed mail|unzustellbar|nicht zustellbar|zustellung\w*|fehler bei der"
    r"|mail delivery|mailzustellung|rückläufer|non remis|échec de (?:la )?remise|non[- ]?distribu|message non|avis de non|no se puede entregar|no entregado|devuelto"
    r"|error de entrega|não entregue|falha na entrega|falha de|mancato recapito|impossibile recapitare|messaggio non|onbestelbaar|niet bezorgd|kan niet worden"
    r"|ikke levert|kunne ikke|olevererbart|kunde inte leverera|ei voitu|nie dostarczono|niedostarczon|zwrot|nedoručiteln|kézbesíthetetlen|недоставлен|не доставлено"
    r"|недоставка|配信|配達|送信できません|メール配信|送達|エラーメール|退信|系统退信|未送达|无法投递|반송|배달|user unknown|unknown (?:user|address)|no such user"
    r"|host unknown|address (?:unknown|not found)|over quota|mailbox (?:full|is full|unavailable)|quota exceeded|permanent failure|recipient (?:unknown|rejected)"
    r"|nachricht nicht|non consegn|non-?delivery|sendmail|there was an error sending|problems? deliver|unable to deliver|user (?:not known|not found|doesn't))",
)
AUTO_SUBJECTS = re.compile(
    r"^\W{0,3}(?:auto(?:matic|mated|matische?|matisk[at]?|mática|mático|matica|maattinen)?[- ]?(?:reply|response|respon[sd]e|antwort|answer|svar|vastaus|repl(?:y|ies))"
    r"|autoreply|auto[- ]?(?:reply|respon\w{1,6})|automatische (?:antwort|abwesenheit\w*)|abwesenheit\w{0,12}|out[- ]of[- ](?:the[- ])?office|out of office autoreply"
    r"|ooo\b|ooto\b|away from (?:the |my )?(?:office|mail|desk)|on (?:vacation|holiday|annual leave|maternity leave|parental leave|leave)\b|i(?:'m| am) (?:away|out of|on vacation|on holiday|on leave)"
    r"|vacation (?:reply|response|message|notice|auto)|réponse automatique|reponse automatique|absence du bureau|absent du bureau|en congé|respuesta automática|respuesta automatica"
    r"|fuera de (?:la )?oficina|resposta automática|resposta automatica|ausência (?:temporária|do escritório)|fora do escritório|risposta automatica|fuori (?:sede|ufficio)"
    r"|automatisch antwoord|afwezig(?:heid\w*)?\b|autosvar|automatisk svar|automatiskt svar|fravær\w*|frånvaro\w*|poissaolo\w*|automaattinen vastaus|odpowiedź automatyczna"
    r"|autoodpowiedź|nieobecność|automatická odpověď|automatická odpoveď|automatikus válasz|răspuns automat|otomatik yanıt|автоматический ответ|автоответ|автоматична відповідь"
    r"|αυτόματη απάντηση|תשובה אוטומטית|رد تلقائي|自动回复|自動回覆|自動返信|不在通知|자동 회신|부재중|balasan otomatis|trả lời tự động|sjálfvirkt svar)",
)
MACHINES = re.compile(r"(?:no-?reply|do-?not-?reply|mailer-daemon|postmaster)[^@]{0,40}@", re.IGNORECASE)
NOT_DELIVERED = re.compile(
    r"(?:could not|cannot|was not|unable to) (?:be )?deliver|mailbox is full|does not exist|送信できませんでした|User unknown",
    re.IGNORECASE,
)
SES = re.compile(r"notificationType.{1,4}:.{0,2}.(?:Bounce|Complaint|Delivery)", re.IGNORECASE)
LISTS = (
    "list-id",
    "list-post",
    "list-unsubscribe",
    "feedback-id",
    "x-mailing-list",
    "x-list",
    "x-campaign-id",
    "x-mailman-version",
)
AUTO_FIELDS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply-from",
    "x-autogenerated",
    "x-auto-reply",
    "x-ms-exchange-inbox-rules-loop",
)
_LISTS, _AUTO_FIELDS = frozenset(LISTS), frozenset(AUTO_FIELDS)
CASE = re.compile(r"(?<![0-9A-Za-z-])FU-[0-9A-Z]{5,8}(?![0-9A-Za-z])")
GROUP_ID = re.compile(r"<([^<>]{1,200})>")


def kind_of(
    mail: ParsedMail, message_id: str, sender: ParsedAddress, ours: Identity, *, in_sent: bool
) -> tuple[Kind, str]:
    """Return the kind of a mail and the sentence that says why; the order is R1's, and the first hit wins."""
    if key := ours.letter_key(message_id):
        return Kind.OWN, f"own: its Message-ID is the signed one of {key}"
    for rule in (_complaint, _receipt, _bounce, _automatic, _calendar):
        if found := rule(mail, sender, in_sent):
            return found
    if not in_sent and (found := _list(mail, ours)):
        return found
    return _person(mail, sender.person().address.lower(), ours, in_sent=in_sent)


Verdict = tuple[Kind, str] | None


def _complaint(mail: ParsedMail, sender: ParsedAddress, in_sent: bool) -> Verdict:
    del sender, in_sent
    if _report(mail) == "feedback-report" or "message/feedback-report" in mail.types:
        return Kind.BOUNCE, "feedback report: the receiver called a letter of ours spam (RFC 5965)"
    return None


def _receipt(mail: ParsedMail, sender: ParsedAddress, in_sent: bool) -> Verdict:
    del sender, in_sent
    if _report(mail) == "disposition-notification" or "message/disposition-notification" in mail.types:
        return Kind.AUTO_REPLY, "receipt: a letter of ours was displayed or deleted (RFC 8098)"
    return None


def _report(mail: ParsedMail) -> str:
    return mail.settings.get("report-type", "").lower() if mail.type == "multipart/report" else ""


def _bounce(mail: ParsedMail, sender: ParsedAddress, in_sent: bool) -> Verdict:
    if in_sent:
        return None
    headers = mail.headers
    if mail.types & {"message/delivery-status", "message/global-delivery-status"}:
        return Kind.BOUNCE, "bounce: it carries a delivery status (RFC 3464)"
    if _report(mail) in {"delivery-status", "global-delivery-status"}:
        return Kind.BOUNCE, "bounce: it is a delivery report (RFC 6522)"
    if "x-failed-recipients" in headers:
        return Kind.BOUNCE, "bounce: X-Failed-Recipients"
    return _bounce_by_looks(mail, sender)


def _bounce_by_looks(mail: ParsedMail, sender: ParsedAddress) -> Verdict:
    subject = mail.headers.text("subject")
    null_path, postmaster = null_return_path(mail), is_postmaster(sender)
    named = (null_path or postmaster) and BOUNCE_SUBJECTS.match(subject.lower()) is not None
    if (
        mail.type == "multipart/mixed"
        and subject.lower().startswith("complaint about message from")
        and _returns_a_letter(mail)
    ):
        return Kind.BOUNCE, "feedback report: the receiver called a letter of ours spam (Hotmail's old form)"
    if postmaster and (named or null_path):
        return Kind.BOUNCE, "bounce: from a mail system" + (
            ", and its subject says so" if named else ", with no return path"
        )
    if null_path and named:
        return Kind.BOUNCE, "bounce: no return path, and its subject says so"
    if not MACHINES.match(sender.given):
        return None
    words = next((part.text[:3000] for part in mail.parts if part.type == "text/plain"), "")
    if sender.given.lower().endswith("@sns.amazonaws.com") and SES.search(words):
        return Kind.BOUNCE, "bounce: a notification of Amazon SES"
    if _returns_a_letter(mail) and NOT_DELIVERED.search(words):
        return Kind.BOUNCE, "bounce: a machine sends a letter back and says that it was not delivered"
    return None


def _returns_a_letter(mail: ParsedMail) -> bool:
    return bool(mail.types & {"message/rfc822", "text/rfc822-headers"})


def is_postmaster(sender: ParsedAddress) -> bool:
    given = sender.given.lower()
    return bool(
        POSTMASTERS.match(given.rpartition("@")[0] or given) or POSTMASTER_NAMES.match(sender.name.lower())
    )


def null_return_path(mail: ParsedMail) -> bool:
    path = mail.headers.first("return-path").replace(" ", "").lower()
    return path in {"<>", '""', "<<>>"} or path.startswith(
        ("<mailer-daemon", "<double-bounce@", "double-bounce@")
    )


def _automatic(mail: ParsedMail, sender: ParsedAddress, in_sent: bool) -> Verdict:
    del sender
    headers = mail.headers
    submitted = headers.word("auto-submitted")
    if submitted and submitted != "no":
        return Kind.AUTO_REPLY, f"auto-reply: Auto-Submitted: {submitted[:40]} (RFC 3834)"
    for name in AUTO_FIELDS if headers.have(_AUTO_FIELDS) else ():
        if name in headers and headers.word(name) not in {"no", "none", "false", "0"}:
            return Kind.AUTO_REPLY, f"auto-reply: it carries {name.title()}"
    if "auto_reply" in {headers.word("precedence"), headers.word("x-precedence")}:
        return Kind.AUTO_REPLY, "auto-reply: Precedence: auto_reply"
    if any(to.lower().startswith("autoresponder") for to in headers.every("delivered-to")):
        return Kind.AUTO_REPLY, "auto-reply: delivered by an autoresponder"
    posted = headers.first("x-post-messageclass").lower()
    if "autoresponder" in posted or posted.startswith("ipm.note.rules."):
        return Kind.AUTO_REPLY, "auto-reply: its message class says so"
    if not in_sent and AUTO_SUBJECTS.match(headers.text("subject").lower()):
        return Kind.AUTO_REPLY, "auto-reply: its subject says so"
    return None


def _calendar(mail: ParsedMail, sender: ParsedAddress, in_sent: bool) -> Verdict:
    del sender, in_sent
    if "text/calendar" in mail.types and any(
        part.type == "text/calendar" and part.setting("method").upper() == "REPLY" for part in mail.parts
    ):
        return Kind.AUTO_REPLY, "auto-reply: a calendar's answer to an invitation"
    return None


def _list(mail: ParsedMail, ours: Identity) -> Verdict:
    headers = mail.headers
    listed = headers.first("list-id").lower()
    found = GROUP_ID.search(listed)
    group = found[1] if found else listed
    if group and ours.groups and (group in ours.groups or listed in ours.groups):
        return None  # our own support group: its members' mails are customers' mails
    for name in LISTS if headers.have(_LISTS) else ():
        if name in headers:
            return Kind.LIST, f"list: it carries {name.title()} (RFC 2919, 2369)"
    level = headers.word("precedence")
    if level in {"bulk", "list", "junk"} and not _answers_us(mail, ours):
        return Kind.LIST, f"list: Precedence: {level}"
    return None


def _answers_us(mail: ParsedMail, ours: Identity) -> bool:
    named = f"{mail.headers.first('references')} {mail.headers.first('in-reply-to')}"
    return bool(CASE.search(mail.headers.text("subject"))) or any(map(ours.letter_key, message_ids(named)))


def _person(mail: ParsedMail, address: str, ours: Identity, *, in_sent: bool) -> tuple[Kind, str]:
    if in_sent and (address in ours.addresses or address in ours.agents or not _to_us(mail, ours)):
        return Kind.AGENT, "agent: it lies in our Sent folder"
    if address in ours.agents and address not in ours.addresses:
        return Kind.AGENT, "agent: it says that it is from an agent of ours"
    if address in ours.addresses:
        return Kind.CUSTOMER, "customer: it claims to be from our own address, without our signature"
    return Kind.CUSTOMER, "customer: nothing says that it is anything else"


def _to_us(mail: ParsedMail, ours: Identity) -> bool:
    to = f"{mail.headers.first('to')} {mail.headers.first('cc')}".lower()
    return any(address in to for address in ours.addresses)
