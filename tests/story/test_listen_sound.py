"""What a mail says can always be written down, whatever bytes it came in."""

from followupd.domain.mail import Identity
from followupd.text.mail.read import read as read_mail


def test_eight_bit_message_ids_and_null_bytes_can_be_written_down() -> None:
    raw = b"From: Kim\xe9 <kim@example.org>\r\nMessage-ID: <\xff\xfe@x>\r\nReferences: <a\xe9@b>\r\nSubject: a\x00b\r\n\r\nHi\x00 there\r\n"
    message = read_mail(raw, Identity())
    for text in (message.message_id, *message.references, message.subject, message.text, message.sender.name):
        text.encode("utf-8")
        assert "\0" not in text
