"""Secrets stay sealed, our Message-IDs are known again and forged ones are not, and names come out the same twice."""

import base64
import re
from random import Random
from secrets import token_bytes

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from followupd.adapters import crypto
from followupd.adapters.crypto import REFERENCE_ALPHABET, DecryptionError, Vault
from followupd.adapters.storage.database import place

KEY, OLD = b"k" * 16, b"an older key of more than sixteen bytes"
SEAL = Vault([KEY])
DOT_ATOM_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[a-z0-9.-]+>")
LETTER_KEYS = st.from_regex(r"FU-[2-9A-Z]{5,7}\.[a-z/-]{1,12}\.[0-9]{1,3}", fullmatch=True)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(st.binary(max_size=3000))
def test_what_was_sealed_can_be_opened(data: bytes) -> None:
    assert SEAL.decrypt(SEAL.encrypt(data)) == data


def test_a_sealed_secret_shows_nothing_of_itself_and_never_looks_the_same() -> None:
    code = b"GIFT-1234-5678"
    first, second = SEAL.encrypt(code), SEAL.encrypt(code)
    assert first != second
    assert code not in first


@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_changed_bit_breaks_the_seal(data: bytes, draw: st.DataObject) -> None:
    token = bytearray(SEAL.encrypt(data))
    token[draw.draw(st.integers(0, len(token) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    with pytest.raises(DecryptionError):
        SEAL.decrypt(bytes(token))


@pytest.mark.parametrize("token", [b"", b"short", b"x" * 12, b"x" * 28])
def test_what_was_never_sealed_cannot_be_opened(token: bytes) -> None:
    with pytest.raises(DecryptionError, match="ledger key"):
        SEAL.decrypt(token)


def test_a_secret_of_an_older_key_opens_after_rotation_and_not_once_that_key_is_gone() -> None:
    token, message_id = Vault([OLD]).encrypt(b"x"), Vault([OLD]).message_id("FU-7K3Q9.fix.1", "example.com")
    rotated = Vault([KEY, OLD])
    assert rotated.decrypt(token) == b"x"
    assert rotated.letter_key(message_id) == "FU-7K3Q9.fix.1"
    assert SEAL.letter_key(message_id) == ""
    with pytest.raises(DecryptionError):
        SEAL.decrypt(token)


def test_a_message_id_reads_like_the_letter_key() -> None:
    message_id = SEAL.message_id("FU-7K3Q9.follow-up.1", "Example.com")
    assert re.fullmatch(r"<FU-7K3Q9\.follow-up\.1\.[a-z2-7]{16}@example\.com>", message_id)


@given(LETTER_KEYS | ANY_TEXT)
@example("FU-7K3Q9.desk/facts.1")
@example(".a..b.")
@example("=2F")
def test_every_letter_key_comes_back_from_a_legal_message_id(letter_key: str) -> None:
    message_id = SEAL.message_id(letter_key, "example.com")
    assert DOT_ATOM_ID.fullmatch(message_id)
    assert SEAL.letter_key(message_id) == letter_key


def test_brackets_and_the_case_of_the_domain_do_not_matter_but_the_case_of_the_key_does() -> None:
    message_id = SEAL.message_id("FU-7K3Q9.follow-up.1", "example.com")
    bare = message_id.strip("<>")
    assert SEAL.letter_key(f"  {bare} ") == "FU-7K3Q9.follow-up.1"
    assert SEAL.letter_key(bare.replace("example.com", "EXAMPLE.Com")) == "FU-7K3Q9.follow-up.1"
    assert SEAL.letter_key(message_id.lower()) == ""


@given(LETTER_KEYS, st.data())
def test_a_message_id_with_one_other_character_is_not_ours(letter_key: str, draw: st.DataObject) -> None:
    message_id = SEAL.message_id(letter_key, "example.com")
    place = draw.draw(st.integers(1, message_id.index("@") - 1))
    other = draw.draw(st.sampled_from("aZ9=./-@"))
    assume(other != message_id[place])
    assert SEAL.letter_key(message_id[:place] + other + message_id[place + 1 :]) == ""


def test_a_signature_holds_for_its_own_key_and_domain_only() -> None:
    ours = SEAL.message_id("FU-7K3Q9.follow-up.1", "example.com")
    assert SEAL.letter_key(ours.replace("follow-up.1", "gift-card.1")) == ""
    assert SEAL.letter_key(ours.replace("example.com", "example.net")) == ""


@given(st.text(max_size=80))
@example("")
@example("<>")
@example("<@>")
@example("<a.b@>")
@example("\ud800.x@y")
@example("=FF.x@y")
def test_no_message_id_of_the_world_is_taken_for_ours(message_id: str) -> None:
    assert SEAL.letter_key(message_id) == ""


def test_a_used_code_is_known_again_even_after_the_key_was_rotated() -> None:
    before = Vault([OLD]).fingerprint("GIFT-1234")
    rotated = Vault([KEY, OLD])
    assert before == Vault([OLD]).fingerprint(" GIFT-1234\n")
    assert rotated.fingerprint("GIFT-1234") == rotated.fingerprints("GIFT-1234")[0] != before
    assert before in rotated.fingerprints("GIFT-1234")
    assert "1234" not in before
    assert SEAL.fingerprint("GIFT-1234") != SEAL.fingerprint("GIFT-1235")


@given(st.binary(max_size=64), st.integers(0, 20))
def test_a_reference_is_the_same_twice_and_can_be_read_aloud(seed: bytes, attempt: int) -> None:
    reference = SEAL.reference(seed, attempt)
    assert reference == Vault([KEY]).reference(seed, attempt)
    assert re.fullmatch(f"FU-[{REFERENCE_ALPHABET}]{{{5 + max(0, attempt - 2)}}}", reference)
    assert not set(REFERENCE_ALPHABET) & set("0O1ILU")


def test_another_attempt_another_seed_and_another_key_give_another_reference() -> None:
    references = {SEAL.reference(b"seed", attempt) for attempt in range(8)}
    assert len(references) == 8
    assert SEAL.reference(b"seed") != SEAL.reference(b"deed")
    assert SEAL.reference(b"seed") != Vault([OLD]).reference(b"seed")


def test_a_thousand_mails_get_a_thousand_references_that_use_the_whole_alphabet() -> None:
    references = {SEAL.reference(str(number).encode()) for number in range(1000)}
    assert len(references) > 995
    assert set("".join(r[3:] for r in references)) == set(REFERENCE_ALPHABET)


@pytest.mark.parametrize("keys", [[], [b""], [b"k" * 15], [KEY, b"short"]])
def test_a_missing_or_short_key_is_refused_with_a_way_to_make_one(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        Vault(keys)


def test_no_key_shows_in_the_repr_nor_in_the_error() -> None:
    material = token_bytes(8).hex().encode()[:15]
    with pytest.raises(ValueError) as caught:
        Vault([material])
    assert material.decode() not in str(caught.value)
    assert repr(Vault([KEY, OLD])) == "Vault(2 keys)"
    assert "k" * 16 not in repr(vars(SEAL))


def test_a_message_id_that_no_text_can_hold_is_not_ours_and_no_error() -> None:
    signed = SEAL.message_id("FU-7K3Q9.follow-up.1", "example.com")
    for odd in ("\udce4@example.com", signed.replace("FU", "\udce4"), signed.replace("@", "@\udce4")):
        assert SEAL.letter_key(odd) == ""


# --- places ---


@given(st.binary(max_size=200), ANY_TEXT, ANY_TEXT)
def test_a_sealed_value_opens_in_its_own_place_alone(data: bytes, key: str, other: str) -> None:
    assume(key != other)
    token = SEAL.encrypt(data, place("words", key))
    assert SEAL.decrypt(token, place("words", key)) == data
    elsewhere = [
        b"",
        place("words", other),
        place("mail", key),
        place("words", key, column="mail"),
        place("words"),
    ]
    for where in elsewhere:
        with pytest.raises(DecryptionError):
            SEAL.decrypt(token, where)


@given(st.binary(max_size=200))
def test_a_value_that_was_sealed_before_places_were_told_still_opens(data: bytes) -> None:
    assert Vault([KEY, OLD]).decrypt(Vault([OLD]).encrypt(data), place("words", "FU-7K3Q9.fix.1")) == data


# --- purposes ---

DESK, THREAD, LETTER = "FU-7K3Q9.desk/opened.1", "FU-7K3Q9.desk", "FU-7K3Q9.follow-up.1"


def signed_before_purposes(key: str, keys: bytes = KEY) -> str:
    """Return the Message-ID that the first releases signed, whatever it was for."""
    return crypto._message_id(crypto._DerivedKeys.of(keys), key, "example.com", "")


@pytest.mark.parametrize(
    "message_id", [SEAL.message_id(THREAD, "example.com"), signed_before_purposes(THREAD)]
)
def test_the_name_of_a_thread_is_no_letter(message_id: str) -> None:
    assert SEAL.letter_key(message_id) == ""


@pytest.mark.parametrize("key", [LETTER, DESK])
def test_a_message_id_of_the_first_releases_is_still_known(key: str) -> None:
    assert SEAL.letter_key(signed_before_purposes(key)) == key
    assert signed_before_purposes(key) in SEAL.earlier_message_ids(key, "example.com")


@pytest.mark.parametrize(
    ("key", "as_if"), [(LETTER, "thread"), (LETTER, "desk"), (DESK, "letter"), (DESK, "thread")]
)
def test_a_signature_for_one_purpose_is_none_for_another(key: str, as_if: str) -> None:
    wrong = crypto._message_id(crypto._DerivedKeys.of(KEY), key, "example.com", as_if)
    assert SEAL.letter_key(wrong) == ""


# --- keys ---

GOOD = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    "key",
    [
        "aaaaaaaaaaaaaaaa",
        "followupd-example-2026",
        "correct horse battery staple correct horse battery staple",
        base64.b64encode(b"k" * 32).decode(),
        base64.b64encode(b"0123456789abcdef").decode(),
        "ab" * 32,
        GOOD[:-4],
        "",
    ],
)
def test_a_key_that_could_be_guessed_is_refused(key: str) -> None:
    assert crypto.weakness(key)


@given(st.integers())
@settings(max_examples=20)
def test_thirty_two_random_bytes_are_a_key_in_any_usual_form(seed: int) -> None:
    data = Random(seed).randbytes(32)
    for written in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode(), data.hex()):
        assert crypto.weakness(f"{written}\n") == ""


def test_an_old_key_that_could_be_guessed_opens_values_and_gives_no_orders() -> None:
    new = GOOD.encode()
    rotated = Vault([new, OLD])
    assert rotated.decrypt(Vault([OLD]).encrypt(b"x")) == b"x"
    assert rotated.letter_key(Vault([OLD]).message_id(LETTER, "example.com")) == LETTER
    assert rotated.letter_key(Vault([OLD]).message_id(DESK, "example.com")) == ""
