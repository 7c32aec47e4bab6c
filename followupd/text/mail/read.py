"""Read a mail: parse it, decide its kind, and separate what is new in it."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from followupd.domain.mail import Bounce, Identity, Kind, Message, Person
from followupd.errors import UnreadableError
from followupd.languages import Catalogue, catalogue
from followupd.text.mail.absence import back_on, written_at
from followupd.text.mail.authentication import forged, proven, unproven
from followupd.text.mail.body import Body, extract_body
from followupd.text.mail.bounce import read_bounce, read_feedback_report
from followupd.text.mail.headers import (
    ADDRESS,
    Headers,
    ParsedAddress,
    clean,
    message_ids,
    parse_addresses,
    parse_date,
)
from followupd.text.mail.kind import (
    CASE_REFERENCE,
    domain_of,
    is_impersonal,
    is_ours,
    kind_of,
    no_answer,
)
from followupd.text.mail.new_text import FORWARDED, ORIGINAL, NewText, extract_new_text, label_of
from followupd.text.mail.parse import ParsedMail, parse_mail
from followupd.text.mail.repeated import QUOTE_MARKS

#: lines in which the header of the original is looked for
MAX_LINES = 200
#: characters of such a line
MAX_LINE = 400
#: characters of the name that a form tells
MAX_NAME = 80

_MARKS = catalogue().mail_clients.forwards
_SUBJECT_PREFIXES = "|".join(map(re.escape, _MARKS.subjects))
_FORWARD_SUBJECT = re.compile(
    rf"\s*(?:\[[^\[\]]{{0,40}}\]\s*)?(?:{_SUBJECT_PREFIXES})\s?(?:\[\d{{1,3}}\])?\s?[:：]"
)
_LONGEST_WORDS = frozenset(max(phrase.split(), key=len) for phrase in _MARKS.marks)


def _is_minimal(word: str) -> bool:
    """Whether no other of the longest words is inside of this one.

    Args:
        word: one of the longest words of the phrases.
    """
    others = _LONGEST_WORDS - {word}
    return not any(other in word for other in others)


#: each phrase that announces a forwarded mail contains one of these words
_HINTS = tuple(sorted(filter(_is_minimal, _LONGEST_WORDS)))
_ASCII_HINTS = tuple(filter(str.isascii, _HINTS))


class Forwarded(NamedTuple):
    """Who wrote a mail that is forwarded, and its new words."""

    sender: Person
    text: str


def forwarded_mail(
    mail: ParsedMail, subject: str, text: str, identity: Identity, *, by_us: bool
) -> Forwarded | None:
    """Return the first mail that is forwarded; None if none is, or if we wrote it.

    A mail is forwarded if its subject says so ("Fwd: ...") or a line of its text ("---- Forwarded message
    ----"). The original is attached, or its header is in the text. Below a mail of ours that was forwarded,
    the customer's may follow.

    Args:
        mail: the mail.
        subject: its subject.
        text: its text, with quotes.
        identity: our own addresses.
        by_us: one of us sent it, so that an attached mail needs no announcement.
    """
    is_announced = _FORWARD_SUBJECT.match(subject.lower()) is not None
    attached = _attached_mail(mail) if is_announced or by_us else None
    if attached is not None:
        return None if is_ours(attached.sender, identity) else attached
    if not is_announced and not _has_hint(text):
        return None

    lines = [QUOTE_MARKS.sub("", line) for line in text.split("\n", MAX_LINES)[:MAX_LINES]]
    plain = [line[:MAX_LINE].strip() for line in lines]
    begin = _first_line(plain, is_announced=is_announced)
    if begin is None and not is_announced:
        return None

    return _first_in_blocks(plain, lines, begin or 0, identity)


def _first_in_blocks(
    plain: Sequence[str], lines: Sequence[str], begin: int, identity: Identity
) -> Forwarded | None:
    """Return the first mail below this line that is not ours, None if there is none.

    Args:
        plain: the lines of the text, cut and stripped.
        lines: the same lines, without quote marks.
        begin: number of the line.
        identity: our own addresses.
    """
    labels = list(map(label_of, plain))
    for number in range(begin, len(plain)):
        if labels[number] != "who":
            continue
        person = _sender_in_line(plain, number)
        if person is None:
            continue
        if not is_ours(person, identity):
            return Forwarded(person, _words_below(labels, lines, number))

    return None


def forwarded_answer(message: Message, agents: Collection[str]) -> Message | None:
    """Return the mail to somebody else that an agent forwards to us afterwards: as it was written, and when.

    Args:
        message: the agent's mail, whose sender and proof also are those of the answer.
        agents: their addresses, in lower case.

    Returns:
        None for a mail that forwards none of an agent's.
    """
    lines = [QUOTE_MARKS.sub("", line) for line in message.quoted.split("\n", MAX_LINES)[:MAX_LINES]]
    plain = [line[:MAX_LINE].strip() for line in lines]
    labels = list(map(label_of, plain))
    is_announced = _FORWARD_SUBJECT.match(message.subject.lower()) is not None
    is_forward = is_announced or _first_line(plain, is_announced=False) is not None
    if "who" not in labels or not is_forward:
        return None

    begin = labels.index("who")
    end = next((at for at in range(begin, len(labels)) if not labels[at]), len(labels))
    fields = {labels[at]: plain[at].replace("：", ":").partition(":")[2] for at in range(begin, end)}
    receiver = _person(fields.get("to", ""))
    if receiver is None or not _is_written_by(fields["who"], message.sender, agents):
        return None
    written = written_at(fields.get("when", ""), message.sent_at)
    text = _words_below(labels, lines, begin)
    return replace(
        message, text=text, doubtful=(), between=(), quoted="", to=(receiver,), cc=(), sent_at=written
    )


def _is_written_by(written: str, sender: Person, agents: Collection[str]) -> bool:
    """Whether the sender of a forwarded mail is an agent; Outlook leaves a colleague's address out.

    Args:
        written: what follows "From:".
        sender: who forwards it.
        agents: their addresses, in lower case.
    """
    author = _person(written)
    if author is not None:
        return author.address.lower() in agents
    return written.strip(" *_").casefold() == sender.name.casefold() != ""


def _words_below(labels: Sequence[str], lines: Sequence[str], number: int) -> str:
    """Return the new words below the header of a mail that is forwarded.

    Args:
        labels: what each line names.
        lines: the lines of the text.
        number: the number of the line that names the sender.
    """
    end = number + 1
    while end < len(lines) and (labels[end] or _continues_field(lines, end)):
        end += 1

    return extract_new_text("\n".join(lines[end:]).strip("\n")).text


def _continues_field(lines: Sequence[str], number: int) -> bool:
    """Whether a line below "From: ..." belongs to it: an address in angle brackets, on a separate line."""
    return lines[number].strip().startswith(("<", "[mailto:"))


def _has_hint(text: str) -> bool:
    """Whether a text may announce a forwarded mail: the phrases' longest words are fast to find.

    Args:
        text: the text of the mail, with quotes.
    """
    low = text.casefold()
    hints = _ASCII_HINTS if low.isascii() else _HINTS
    return any(word in low for word in hints)


def _first_line(lines: Sequence[str], *, is_announced: bool) -> int | None:
    """Return the number of the line that announces the original, None if there is none.

    Args:
        lines: the lines of the mail.
        is_announced: the subject says that the mail is forwarded, so that a line above any quote counts.
    """
    for number, line in enumerate(lines):
        low = line.lower()
        if FORWARDED.match(low):
            return number
        if is_announced and ORIGINAL.match(low):
            return number

    return None


def _attached_mail(mail: ParsedMail) -> Forwarded | None:
    """Return the first attached mail, None if there is none, or if it names no sender.

    Args:
        mail: the one that forwards the other.
    """
    attached = [part for part in mail.parts if part.type == "message/rfc822"]
    if not attached:
        return None

    try:
        inner = parse_mail(attached[0].octets)
    except UnreadableError:
        return None

    senders = parse_addresses(inner.headers.first("from"), inner.headers.charset)
    person = senders[0].person() if senders else None
    if person is None or not person.address:
        return None
    return Forwarded(person, extract_new_text(extract_body(inner).text).text)


def _sender_in_line(lines: Sequence[str], number: int) -> Person | None:
    """Return the sender that a line of a header names, None if it names none.

    The address may be on the next line ("From: Kim Doe", "<kim@example.org>"), and Outlook writes
    "[mailto:...]".

    Args:
        lines: the lines of the mail, without quote marks.
        number: the number of the line.
    """
    line = lines[number]
    written = line.replace("：", ":").partition(":")[2].lstrip("*_")
    following = ""
    if "@" not in line:
        following = "".join(lines[number + 1 : number + 2])

    brackets = f"{written} {following}".replace("[mailto:", "<").replace("]", ">")
    return _person(brackets.replace("<mailto:", "<"))


def _person(written: str) -> Person | None:
    """Return the first person with an address, None if there is no address.

    Args:
        written: names and addresses, as mail programs write them above a forwarded mail.
    """
    for parsed in parse_addresses(written):
        person = parsed.person()
        if person.address:
            return person

    found = ADDRESS.search(written)
    if found is None:
        return None

    return Person(found[0])


_FORMS = catalogue().mail_clients.forms
#: lines of a form's mail in which its fields are looked for
MAX_FORM_LINES = 80


def _form_field(labels: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of a line of a form with one of these labels; what is after it is group 1."""
    words = "|".join(map(re.escape, sorted(labels, key=len, reverse=True)))
    return re.compile(
        rf"[\s*_>•|-]{{0,9}}(?:{words})(?:\s?\([^()]{{0,40}}\))?[\s*_]{{0,5}}(?:[:：=|\t]|$)(.{{0,300}})",
        re.IGNORECASE,
    )


_ADDRESS_FIELD = _form_field(_FORMS.address_labels)
_NAME_FIELD = _form_field(_FORMS.name_labels)


def named_in_form(text: str) -> Person | None:
    """Return the one person whom the fields of a form name, such as "Email: kim@example.org".

    Args:
        text: the form's mail. One that names several addresses names nobody.
    """
    lines = list(filter(None, map(str.strip, text.split("\n", MAX_FORM_LINES)[:MAX_FORM_LINES])))
    addresses = {
        found[0].strip(".") for value in _values(lines, _ADDRESS_FIELD) if (found := ADDRESS.search(value))
    }
    if len(set(map(str.lower, addresses))) != 1:
        return None

    name = next(filter(None, _values(lines, _NAME_FIELD)), "")
    written = ParsedAddress(addresses.pop(), "" if "@" in name else clean(name)[:MAX_NAME])
    person = written.person()
    return person if person.address else None


def _values(lines: Sequence[str], field: re.Pattern[str]) -> Iterator[str]:
    """Yield what is after a label in its line, or below it.

    Args:
        lines: the lines of the mail, without empty ones.
        field: the field of the label.
    """
    for line, following in zip(lines, [*lines, ""][1:], strict=True):
        found = field.match(line)
        if found:
            yield found[1].strip(" \t*_|") or following


#: earlier mails of the thread whose lines are compared, the nearest ones
MAX_EARLIER = 8
#: characters of X-Followupd-Key
MAX_KEY = 200
_FIELD_NAME = re.compile(r"[!-9;-~]{1,80}")
_NO_ADDRESS = ParsedAddress("")
#: fields that tell the true sender of a mail through a group, the best one first (docs/mail.md R1, 5)
_ORIGINAL_SENDER_FIELDS = ("x-original-sender", "x-original-from", "reply-to")


def read(
    raw: bytes,
    identity: Identity,
    *,
    in_sent: bool = False,
    received_at: datetime | None = None,
    languages: Catalogue | None = None,
) -> Message:
    """Read one mail.

    Args:
        raw: the mail.
        identity: our own addresses and keys.
        in_sent: it is in our Sent folder.
        received_at: when the server received it, aware.
        languages: the languages of absence notes; the shipped ones by default.

    Raises:
        UnreadableError: with the reason. The mail is nested too deeply, or a library fails on it.
    """
    try:
        reader = _MailReader(parse_mail(raw), identity, in_sent=in_sent)
        return encodable(reader.message(received_at, languages or catalogue()))
    except UnreadableError:
        raise
    except Exception as error:  # one mail on which a library fails must not block those after it
        raise UnreadableError(f"the mail cannot be understood ({type(error).__name__})") from error


def read_plain(subject: str, body: str, headers: Mapping[str, str] | None, identity: Identity) -> Message:
    """Read a mail that is given as text (`followupd read` on JSON lines).

    Args:
        subject: the subject of the mail, unless `headers` have one.
        body: its text.
        headers: further fields by name; invalid names and fields about the content are ignored.
        identity: our own addresses and keys.

    Raises:
        UnreadableError: as `read` does.
    """
    values = {"subject": subject}
    for name, value in (headers or {}).items():
        is_about_content = name.lower().startswith("content-")
        if _FIELD_NAME.fullmatch(name) and not is_about_content:
            values[name.lower()] = str(value)

    lines = [f"{name}: {' '.join(value.split())}" for name, value in values.items()]
    lines += ["content-type: text/plain; charset=utf-8", "content-transfer-encoding: 8bit"]
    header = "\n".join(lines)
    return read(f"{header}\n\n{body}".encode("utf-8", "replace"), identity)


class _MailReader:
    """Reads what a parsed mail says."""

    def __init__(self, mail: ParsedMail, identity: Identity, *, in_sent: bool) -> None:
        """Decide the kind of the mail.

        Args:
            mail: the mail.
            identity: our own addresses and keys.
            in_sent: it is in our Sent folder.
        """
        self.mail = mail
        self.headers = mail.headers
        self.identity = identity
        self.in_sent = in_sent
        from_field = parse_addresses(self.headers.first("from"), self.headers.charset)
        self.author = next(iter(from_field), _NO_ADDRESS)
        self.message_id = next(iter(message_ids(self.headers.first("message-id"))), "")
        found = kind_of(mail, self.message_id, self.author, identity, in_sent=in_sent)
        self.kind, self.because, self.words_decide = found
        self.in_reply_to = message_ids(self.headers.first("in-reply-to"))
        self.references = message_ids(self.headers.first("references"))
        self.subject = self.headers.text("subject")

    def message(self, received_at: datetime | None, languages: Catalogue) -> Message:
        """Return the mail as it is stored.

        Args:
            received_at: when the server received it.
            languages: the languages of absence notes.
        """
        headers = self.headers
        to = _people(headers, "to")
        cc = (*_people(headers, "cc"), *_people(headers, "from")[1:])  # who wrote it together
        author = self._sender()
        reply_to = next(iter(_people(headers, "reply-to")), None)
        sent_at = parse_date(headers.first("date"))
        body = extract_body(self.mail)
        new = self._new_text(body)
        forwarded = self._forwarded(body.text, author)
        sender, handed_on = self._customer(author, reply_to, new.text, forwarded)
        report = self._bounce(body)
        not_proven = unproven(headers, self.identity) or self._handed_on_unproven(author, sender)
        own_key = ""
        if self.kind is Kind.OWN:
            own_key = self.identity.letter_key(self.message_id)

        return Message(
            kind=self.kind,
            because=self.because,
            words_decide=self.words_decide,
            message_id=self.message_id,
            in_reply_to=self.in_reply_to,
            references=self.references,
            sender=sender,
            via=None if sender == author else author,
            unsure_of=self._unsure_of(sender, reply_to),
            from_us=self.kind is Kind.CUSTOMER and is_ours(sender, self.identity),
            reply_to=reply_to,
            to=to,
            cc=cc,
            subject=self.subject,
            sent_at=sent_at,
            text=new.text,
            doubtful=new.doubtful,
            between=new.between,
            quoted=new.quoted,
            signature=new.signature,
            no_answer=self._no_answer(author, sender, (*to, *cc)) or handed_on,
            forged=forged(headers, self.identity),
            unproven=not_proven,
            proven=proven(headers, self.identity) and not not_proven,
            own_key=own_key,
            is_blind_copy=self._is_blind_copy(sender, (*to, *cc)),
            key_header=headers.first("x-followupd-key").strip()[:MAX_KEY],
            answers=self._answered_letters(report),
            case_token=_case_reference(self.subject),
            bounce=report,
            back_on=self._back_on(new.text, received_at or sent_at, languages),
            forwarded_from=forwarded.sender if forwarded else None,
            forwarded_text=forwarded.text if forwarded else "",
            attachments=body.attachments,
            by_hand=body.by_hand,
        )

    def _sender(self) -> Person:
        """Return who wrote the mail.

        Through a support group of ours that is not the group's rewritten From, but the first address in one
        of _ORIGINAL_SENDER_FIELDS that is not ours.
        """
        list_id = self.headers.first("list-id").lower()
        is_through_group = any(group in list_id for group in self.identity.groups)
        if not is_through_group or list_id == "":
            return self.author.person()

        people = [_people(self.headers, field) for field in _ORIGINAL_SENDER_FIELDS]
        for person in chain.from_iterable(people):
            if person.address.lower() not in self.identity.addresses:
                return person

        return self.author.person()

    def _customer(
        self, author: Person, reply_to: Person | None, text: str, forwarded: Forwarded | None
    ) -> tuple[Person, str]:
        """Return whose mail it is, and why no machine may answer because of that, "" if one may.

        That is not its author if a colleague forwards it, or if a form, a marketplace, or an address of our
        own writes for somebody. A Reply-To in another domain than the author's is ignored otherwise, since
        phishing uses it to divert answers.

        Args:
            author: who sent it.
            reply_to: where answers are to go.
            text: the new text, which may contain the fields of a form.
            forwarded: the mail that it forwards.
        """
        if self.kind is not Kind.CUSTOMER and not self.words_decide:
            return author, ""
        if forwarded and is_ours(author, self.identity):
            return forwarded.sender, f"{author.address} has forwarded it"

        if reply_to is None or is_impersonal(reply_to, self.identity) or reply_to.address == author.address:
            named = named_in_form(text) if is_impersonal(author, self.identity) else None
            return (named, "its text alone names the customer") if named else (author, "")

        elsewhere = f"its answers are to go to {reply_to.address}"
        writes_for_others = is_impersonal(author, self.identity) or is_ours(author, self.identity)
        if writes_for_others and not is_ours(reply_to, self.identity):
            is_safe = _belong_together(author, reply_to) or self._is_own_form(author)
            return reply_to, "" if is_safe else f"{elsewhere}, and `forms` does not name {author.address}"
        if _belong_together(author, reply_to):
            return Person(reply_to.address, author.name), ""
        return author, elsewhere

    def _is_own_form(self, author: Person) -> bool:
        """Whether a form of ours wrote the mail, so that a machine may answer to whom the form names.

        Else anybody could have letters sent to a stranger, with a domain whose DMARC check passes. An address
        of our own domain that a trusted server confirms is nobody else's.

        Args:
            author: who sent it.
        """
        if author.address.lower() in self.identity.forms:
            return True
        return is_ours(author, self.identity) and proven(self.headers, self.identity)

    def _no_answer(self, author: Person, customer: Person, receivers: Iterable[Person]) -> str:
        """Return why no machine may answer because of headers and sender, "" if one may.

        Args:
            author: who sent it; nobody reads the address of many forms, but somebody that of the customer.
            customer: whose mail it is.
            receivers: those in To and Cc.
        """
        is_form = author.address.lower() in self.identity.forms
        reason = no_answer(self.mail, self.kind, customer if is_form else author, receivers, self.identity)
        return reason or self._diverted_by_group(author)

    def _diverted_by_group(self, original: Person) -> str:
        """Return why the original sender of a mail through a group is not believed, "" if there is no doubt.

        A group writes in its own name or in the sender's. Anybody can write its List-Id into a mail.

        Args:
            original: who wrote the mail, by the fields of the group.
        """
        writer = self.author.person()
        is_same = writer.address == original.address or _belong_together(writer, original)
        is_group = writer.address.lower().replace("@", ".") in self.identity.groups
        if is_same or is_group or is_ours(writer, self.identity):
            return ""
        return f"it is from {writer.address}, and says that {original.address} wrote it"

    def _handed_on_unproven(self, author: Person, sender: Person) -> str:
        """Return why nobody has proven that a mail is the sender's although its From is true, "" if that is proven.

        Whoever fills in a form, or writes the fields of a group, may name anybody.

        Args:
            author: who wrote it, by the fields of the group.
            sender: whose mail it is.
        """
        writer = self.author.person().address.lower()
        by_group = writer.replace("@", ".") in self.identity.groups or writer in self.identity.addresses
        if not self.identity.authserv or (by_group and author == sender) or sender.address.lower() == writer:
            return ""
        return f"it is from {writer}, and says that {sender.address} wrote it"

    def _unsure_of(self, sender: Person, reply_to: Person | None) -> str:
        """Return why an agent must say who the customer is, "" if that is certain.

        Args:
            sender: whose mail it is.
            reply_to: where answers are to go.
        """
        if not sender.address or (self.kind is not Kind.CUSTOMER and not self.words_decide):
            return ""
        if is_impersonal(sender, self.identity):
            return f"{sender.address} writes for others, and nothing names the customer"
        if reply_to is None or is_impersonal(reply_to, self.identity) or _are_alike(sender, reply_to):
            return ""
        return f"it is from {sender.address}, and answers are to go to {reply_to.address}"

    def _is_blind_copy(self, sender: Person, receivers: Sequence[Person]) -> bool:
        """Return whether we sent the mail to others alone.

        Args:
            sender: who wrote it.
            receivers: those in To and Cc.
        """
        ours = self.identity.addresses
        return sender.address.lower() in ours and not any(each.address.lower() in ours for each in receivers)

    def _new_text(self, body: Body) -> NewText:
        """Return the new text; a bounce has nothing else, because no person wrote it.

        Args:
            body: with quotes.
        """
        if self.kind is Kind.BOUNCE:
            return NewText(body.text.strip())

        thread = dict.fromkeys(reversed((*self.references, *self.in_reply_to)))
        nearest = list(thread)[:MAX_EARLIER]
        earlier = list(filter(None, map(self.identity.earlier, nearest)))
        is_note = self.kind is Kind.AGENT and not self.in_sent
        return extract_new_text(body.text, earlier, is_note=is_note)

    def _bounce(self, body: Body) -> Bounce | None:
        """Return what a delivery report or a feedback report says, None for other mails.

        Args:
            body: the body of the report.
        """
        if self.kind is not Kind.BOUNCE:
            return None
        is_feedback = self.because.startswith("feedback")
        read_report = read_feedback_report if is_feedback else read_bounce
        return read_report(self.mail, body.text, self.identity.letter_key)

    def _answered_letters(self, report: Bounce | None) -> tuple[str, ...]:
        """Return the keys of our letters that the mail names, the nearest first.

        Args:
            report: what the mail says if it is a delivery report.
        """
        thread = [*self.in_reply_to, *reversed(self.references)]
        if report and report.original_message_id:
            thread.insert(0, report.original_message_id)
        keys = map(self.identity.letter_key, thread)
        return tuple(dict.fromkeys(filter(None, keys)))

    def _back_on(self, text: str, now: datetime | None, languages: Catalogue) -> datetime | None:
        """Return the date of return in an absence note, None for other mails.

        Args:
            text: the new text.
            now: when the mail was received or sent.
            languages: the languages of absence notes.
        """
        if self.kind is not Kind.AUTO_REPLY:
            return None
        return back_on(text, self.subject, now, languages)

    def _forwarded(self, text: str, author: Person) -> Forwarded | None:
        """Return the first mail that a person forwards, None for other mails.

        Args:
            text: the text of the mail, with quotes.
            author: who sent the mail.
        """
        if self.kind not in {Kind.CUSTOMER, Kind.AGENT}:
            return None

        by_us = is_ours(author, self.identity)
        return forwarded_mail(self.mail, self.subject, text, self.identity, by_us=by_us)


def _belong_together(author: Person, reply_to: Person) -> bool:
    """Whether an address and that of its answers are the same person's, or of the same organisation."""
    domain = domain_of(author)
    return domain != "" and domain == domain_of(reply_to)


def _are_alike(sender: Person, reply_to: Person) -> bool:
    """Whether two addresses seem to be one person's: by the name, or by what is before the "@"."""
    if sender.name and sender.name.casefold() == reply_to.name.casefold():
        return True
    return sender.address.lower().partition("@")[0] == reply_to.address.lower().partition("@")[0]


def _people(headers: Headers, name: str) -> tuple[Person, ...]:
    """Return the people with an address in the fields of a name.

    Args:
        headers: the headers of the mail.
        name: such as "to".
    """
    found = []
    for field in headers.values(name):
        people = [parsed.person() for parsed in parse_addresses(field, headers.charset)]
        found += [person for person in people if person.address]
    return tuple(found)


def _case_reference(subject: str) -> str:
    """Return the reference of a case in a subject, "" if there is none.

    Args:
        subject: clean, on one line.
    """
    found = CASE_REFERENCE.search(subject)
    return found[0].upper() if found else ""


# ---------------------------------------------------------------------------------------------------------
# Texts that can be stored
# ---------------------------------------------------------------------------------------------------------

Value = TypeVar("Value")
_NUL = "\0"
_REPLACEMENT = "\ufffd"


def encodable(value: Value) -> Value:
    """Return a value with U+FFFD in place of lone surrogates and NUL, which no database stores.

    Args:
        value: a text, or a tuple or dataclass that contains texts. Nearly all are encodable and are returned
            as they are: one look at all texts together tells.
    """
    texts: list[str] = []
    _collect_texts([value], texts)
    if _is_encodable("".join(texts)):
        return value
    repaired: Value = _repaired(value)
    return repaired


def _collect_texts(values: Iterable[Any], texts: list[str]) -> None:
    """Collect all texts in some values.

    Args:
        values: texts, tuples, dataclasses and others.
        texts: the list to which the texts are appended.
    """
    for value in values:
        kind: Any = type(value)
        if kind is str:
            texts.append(value)
            continue
        if not value:
            continue
        get_items = _item_getter(kind)
        if get_items:
            _collect_texts(get_items(value), texts)


@cache
def _item_getter(kind: Any) -> Callable[[Any], Sequence[Any]] | None:
    """Return a function that returns the items of a tuple or the fields of a dataclass; None for other types.

    Args:
        kind: the type.
    """
    if kind is tuple:
        return tuple
    if not is_dataclass(kind):
        return None
    names = [field.name for field in fields(kind)]
    return attrgetter(*names, *names[:1])  # one more, because of a single name it makes no tuple


def _is_encodable(text: str) -> bool:
    """Whether a text can be encoded in UTF-8 and has no NUL.

    Args:
        text: of any length.
    """
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return False
    return _NUL not in text


def _repaired(value: Any) -> Any:
    """Return a value in which all texts are encodable."""
    match value:
        case str() if not _is_encodable(value):
            return value.encode("utf-8", "replace").decode("utf-8").replace(_NUL, _REPLACEMENT)
        case tuple():
            return tuple(map(_repaired, value))
    if not is_dataclass(value):
        return value

    repaired = {field.name: _repaired(getattr(value, field.name)) for field in fields(value)}
    return replace(value, **repaired)  # type: ignore[type-var]
