"""Encrypt secrets, sign Message-IDs, and derive the names that must come out the same each time.

One ledger key serves several purposes, each with a derived key (HKDF, RFC 5869), so that no use weakens another.
Measured for 2 kB on CPython 3.11: AES-256-GCM takes 2.5 µs and adds 28 bytes, Fernet takes 26 µs and adds
764.
"""

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from followupd.domain.keys import StateKey
from followupd.errors import FollowupdError

#: where a ledger has the word that was encrypted when it was made, and that only its keys decrypt
KNOWN_WORD_PLACE = f"pulse\nsealed\n{StateKey.KNOWN_WORD}".encode()

MIN_KEY = 16  # bytes: a key below 128 bits can be guessed
RANDOM_BYTES = 32  # of a new key
#: different bytes among them: 32 random ones have 30 on average, and once in 10^12 times fewer than 20
MIN_VARIETY = 20
_URL_SAFE = str.maketrans("-_", "+/")
_LETTER, _DESK, _THREAD = _PURPOSES = ("letter", "desk", "thread")
NONCE = 12  # bytes, NIST SP 800-38D 5.2.1.1
SIGNATURE = 10  # bytes: 80 bits, 16 characters in base 32
_SIGNATURE = re.compile(r"[a-z2-7]{16}")
#: without 0 O 1 I L U, so that a reference can be read out on the telephone
REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class DecryptionError(FollowupdError):
    """A secret cannot be decrypted.

    The ledger key that encrypted it is missing, or the ledger was changed by hand.
    """


@dataclass(frozen=True, slots=True, repr=False)
class _DerivedKeys:
    """The keys derived from one ledger key, one for each purpose."""

    cipher: AESGCM
    #: by purpose; the one for "" has signed the Message-IDs of all purposes until purposes were told apart
    signing: Mapping[str, bytes]
    is_weak: bool
    fingerprint: bytes
    reference: bytes

    @classmethod
    def of(cls, key: bytes) -> "_DerivedKeys":
        """Derive the keys for encryption, signatures and references from one ledger key.

        Args:
            key: the bytes of one line of the key's file, as they are written there.

        Raises:
            ValueError: it is too short, with how to make a good one.
        """
        if len(key) < MIN_KEY:
            size = f"The ledger key has {len(key)} bytes and needs {MIN_KEY} or more"
            raise ValueError(f"{size}; `openssl rand -base64 32` makes one.")
        return cls(
            cipher=AESGCM(_derive(key, b"seal")),
            signing={purpose: _derive(key, b"sign" + purpose.encode()) for purpose in ("", *_PURPOSES)},
            is_weak=bool(weakness(key.decode(errors="replace"))),
            fingerprint=_derive(key, b"used"),
            reference=_derive(key, b"name"),
        )


class Vault:
    """Encrypts and signs with the first key, decrypts and verifies with every one.

    Put a new key first to rotate.

    Raises:
        ValueError: there is no key, or one is shorter than 16 bytes.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("There is no ledger key; `openssl rand -base64 32` makes one.")
        self._all_keys = tuple(map(_DerivedKeys.of, keys))
        self._current = self._all_keys[0]

    def __repr__(self) -> str:
        """Show the number of keys, and none of them."""
        return f"Vault({len(self._all_keys)} keys)"

    def encrypt(self, data: bytes, place: bytes = b"") -> bytes:
        """Return the data encrypted with the current key, after a random nonce.

        Args:
            data: what is encrypted.
            place: where it is stored (`database.place`); it cannot be decrypted anywhere else.
        """
        nonce = os.urandom(NONCE)
        return nonce + self._current.cipher.encrypt(nonce, data, place or None)

    def decrypt(self, token: bytes, place: bytes = b"") -> bytes:
        """Return what was given to `encrypt`.

        Values that were encrypted before places were told are not bound to one.

        Args:
            token: as `encrypt` returned it.
            place: where it is stored.

        Raises:
            DecryptionError: no key of ours encrypted it, it belongs to another place, or a bit of it was changed.
        """
        for keys in self._all_keys:
            for bound in dict.fromkeys((place or None, None)):
                try:
                    return keys.cipher.decrypt(token[:NONCE], token[NONCE:], bound)
                except (InvalidTag, ValueError):  # ValueError: too short for a nonce
                    continue
        raise DecryptionError

    def message_id(self, letter_key: str, domain: str) -> str:
        """Return the signed Message-ID of a letter.

        Args:
            letter_key: the letter's key.
            domain: the domain of the sender's address, in ASCII (RFC 5322, section 3.6.4).

        Returns:
            For example "<FU-7K3Q9.follow-up.1.SIGNATURE@example.com>".
        """
        return _message_id(self._current, letter_key, domain)

    def letter_key(self, message_id: str) -> str:
        """Return the key of the letter that has this Message-ID; "" when it is none, is forged or is not ours.

        Angle brackets may be missing, and the case of the domain may differ. The local part must match
        exactly: an id that a gateway lower-cased does not count, and the other signs of a thread must do.
        """
        local, _, domain = message_id.strip().removeprefix("<").removesuffix(">").rpartition("@")
        name, _, signature = local.rpartition(".")
        if not _SIGNATURE.fullmatch(signature):
            return ""  # other people's ids, without computing anything: the form of a signature is no secret

        letter_key = _decoded(name)
        given = f"<{local}@{domain.lower()}>".encode(errors="replace")
        valid = False
        purpose = _purpose(letter_key)
        for keys in self._all_keys:  # all of them, so that timing does not tell which key matched
            is_trusted = keys is self._current or purpose == _LETTER or not keys.is_weak
            for signed_for in (purpose, ""):
                expected = _message_id(keys, letter_key, domain, signed_for).encode(errors="replace")
                valid |= is_trusted and hmac.compare_digest(expected, given)
        return letter_key if valid and purpose != _THREAD else ""

    def earlier_message_ids(self, letter_key: str, domain: str) -> list[str]:
        """Return the Message-IDs that a letter may have had under older keys, or before purposes were told apart."""
        purposes = dict.fromkeys((_purpose(letter_key), ""))
        return [_message_id(keys, letter_key, domain, each) for keys in self._all_keys for each in purposes]

    def fingerprint(self, code: str) -> str:
        """Return the value by which a gift-card code is found again; the code cannot be computed from it."""
        return self.fingerprints(code)[0]

    def fingerprints(self, code: str) -> tuple[str, ...]:
        """Return the fingerprint under every key, to find codes that were stored before a rotation."""
        data = code.strip().encode(errors="replace")
        return tuple(_mac(keys.fingerprint, data).hex() for keys in self._all_keys)

    def reference(self, seed: bytes, attempt: int = 0) -> str:
        """Return the reference of a case, such as "FU-7K3Q9".

        Five characters give 24 million references. Three collisions in a row mean that few are left.

        Args:
            seed: the same seed gives the same reference.
            attempt: each one gives another reference; from 3 on it is longer.
        """
        digest = _mac(self._current.reference, attempt.to_bytes(8, "big") + seed)
        number = int.from_bytes(digest, "big")
        characters = []
        for _ in range(5 + max(0, attempt - 2)):
            number, position = divmod(number, len(REFERENCE_ALPHABET))
            characters.append(REFERENCE_ALPHABET[position])
        return "FU-" + "".join(characters)


def keys_of(content: str) -> list[bytes]:
    """Return the keys in a ledger key's file, the present one first.

    Args:
        content: the content of the file, with a key on each line that is not blank.
    """
    return [line.encode() for line in content.splitlines() if line.strip()]


def _derive(key: bytes, purpose: bytes) -> bytes:
    """Return the key for one purpose (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"followupd " + purpose).derive(key)


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)


def _purpose(letter_key: str) -> str:
    """Return what a Message-ID is for: a letter, a mail to an agent, or the thread of those mails."""
    if letter_key.endswith(".desk"):
        return _THREAD
    return _DESK if "desk/" in letter_key else _LETTER


def weakness(key: str) -> str:
    """Return why a ledger key could be guessed, "" if it could not: 32 random bytes in base64 or hexadecimal digits.

    Args:
        key: as it is in its file.
    """
    text = key.strip()
    try:
        is_hex = re.fullmatch(r"[0-9A-Fa-f]{64,}", text) is not None
        data = bytes.fromhex(text) if is_hex else base64.b64decode(text.translate(_URL_SAFE), validate=True)
    except ValueError:
        return "it is neither base64 nor hexadecimal"
    if len(data) < RANDOM_BYTES:
        return f"it has {len(data)} bytes, and needs {RANDOM_BYTES}"
    return "" if len(set(data)) >= MIN_VARIETY else "its bytes are not random"


def _message_id(keys: _DerivedKeys, letter_key: str, domain: str, purpose: str | None = None) -> str:
    """Return the Message-ID of a letter, signed with these keys for its purpose.

    Args:
        keys: the present ones for a new letter, older ones to recognise a letter that was sent under them.
        letter_key: the key of the letter, which can be read in the id by everyone.
        domain: the domain of the sender, in any case.
        purpose: what the signature is for; None for the letter's own purpose, and "" as it was before
            purposes were told apart.
    """
    host = domain.lower()
    signing = keys.signing[_purpose(letter_key) if purpose is None else purpose]
    mac = _mac(signing, f"{letter_key}@{host}".encode(errors="replace"))[:SIGNATURE]
    signature = base64.b32encode(mac).decode().lower()
    return f"<{_encoded(letter_key)}.{signature}@{host}>"


def _encoded(letter_key: str) -> str:
    """Write a key as a dot-atom (RFC 5322, section 3.2.3).

    Everything but letters, digits, hyphens and inner dots becomes a hexadecimal escape: "=2F".
    """
    return re.sub(r"[^A-Za-z0-9.-]|^\.|\.(?=\.|$)", _escaped, letter_key)


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"={byte:02X}" for byte in found[0].encode(errors="replace"))


def _decoded(name: str) -> str:
    """Reverse `_encoded`; what it never wrote is decoded to something whose signature is wrong."""
    encoded = name.encode(errors="replace")
    plain = re.sub(rb"=([0-9A-F]{2})", lambda match: bytes.fromhex(match[1].decode()), encoded)
    return plain.decode(errors="replace")
