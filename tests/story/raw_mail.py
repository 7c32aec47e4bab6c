"""Raw mails for the tests of listening: sentences, not MIME."""

from followupd.domain.mail import Identity

KEY = "FU-7K3Q9.confirmation.1"
OWN_ID = "<FU-7K3Q9.confirmation.1.truesignature@example.com>"


def letter_key(message_id: str) -> str:
    """Stand for the real signature check: one Message-ID is ours."""
    return KEY if message_id == OWN_ID else ""


US = Identity(
    addresses=frozenset({"support@example.com"}),
    agents=frozenset({"ana@example.com"}),
    groups=frozenset({"help.example.com"}),
    authserv=frozenset({"mx.example.com"}),
    forms=frozenset({"noreply@forms.example", "hello@website.example"}),
    letter_key=letter_key,
)


def a_mail(
    text: str = "My parcel has not arrived.\n",
    /,
    *more: str,
    sender: str = "Kim Doe <kim@example.org>",
    to: str = "support@example.com",
    subject: str = "Where is my parcel?",
    kind: str = "text/plain; charset=utf-8",
) -> bytes:
    """Write a mail; `more` are further header lines."""
    fields = [
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {subject}",
        "Message-ID: <q1@example.org>",
        *more,
        f"Content-Type: {kind}",
    ]
    return ("\r\n".join(fields) + "\r\n\r\n" + text.replace("\n", "\r\n")).encode("utf-8")


def a_multipart(
    *parts: str,
    kind: str = "multipart/mixed",
    more: tuple[str, ...] = (),
    sender: str = "Kim Doe <kim@example.org>",
) -> bytes:
    """Write a mail of several parts; each part begins with its own header lines and an empty line."""
    body = "".join(f"--cut\n{part}\n" for part in parts) + "--cut--\n"
    return a_mail(body, *more, sender=sender, kind=f'{kind}; boundary="cut"')
