"""Sealing and opening, from the authority's side: what comes back, what is refused before signing, who can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.opening import open_part, open_with_secret, part_key
from client.sealing import Attachment, seal_message
from client.signing import AuthorityKeys, SoftwareOpener, generate_authority_keys
from shared.envelope.container import encode_submission, parse_envelope, parse_submission
from shared.envelope.encoding import MAX_SUBMISSION_BYTES
from shared.errors import (
    EnvelopeCannotOpen,
    EnvelopeExpired,
    EnvelopeKeyForeign,
    EnvelopeMalformed,
    EnvelopePartMismatch,
    EnvelopeRecipientsMismatch,
    EnvelopeTooLarge,
    EnvelopeWrapMismatch,
    KeyNotFound,
    KeyRefused,
)
from shared.keys.possession import parse_entry_public, verify_possession
from shared.keys.public import parse_ed25519, parse_mldsa65, parse_xwing
from tests.unit.envelope.workshop import (
    ATTACHMENTS,
    CONTENT,
    FIXED_SECRET,
    NOW,
    Forgery,
    later,
    make_header,
    open_as,
    party,
    read,
    seal,
    sealing_keys_of,
    verify,
)

contents = st.dictionaries(
    st.text("abcé قرار", max_size=8), st.text("xyz é م", max_size=40) | st.integers(0, 99), max_size=5
)
documents = st.lists(st.binary(max_size=3000), max_size=4)


@settings(max_examples=25)
@given(contents, documents)
def test_every_recipient_and_the_sender_read_what_was_sealed(content: Mapping[str, Any], data: list[bytes]) -> None:
    attachments = [Attachment(f"pièce {n}.bin", "application/octet-stream", one) for n, one in enumerate(data)]
    sealed = seal(content, attachments)
    for reader in ("BE.PF", "FR.BEPI", "MA.PGR"):
        opened = read(sealed.submission, reader=reader)
        assert opened.content == content
        assert [(one.name, one.media_type, one.data) for one in opened.attachments] == [
            (one.name, one.media_type, one.data) for one in attachments
        ]


def test_a_stranger_to_the_message_opens_nothing() -> None:
    received = parse_submission(seal().submission)
    keys = party("ES.SGCJI")
    with pytest.raises(EnvelopeCannotOpen):
        open_as("BE.PF", received, opener=keys.sealing)


def test_a_recipient_that_fetched_no_wrap_of_its_own_opens_nothing() -> None:
    received = parse_submission(seal().submission)
    with pytest.raises(EnvelopeWrapMismatch):
        open_as("BE.PF", parse_envelope(received.jws_bytes, {}, received.parts))


@pytest.mark.parametrize("wrap", [b"", bytes(10), bytes(1119), bytes(1168), bytes(1169)])
def test_a_wrap_of_any_shape_that_is_not_a_wrap_cannot_be_opened(wrap: bytes) -> None:
    with pytest.raises(EnvelopeCannotOpen):
        party("BE.PF").sealing.open_wrap(wrap, b"info")


@pytest.mark.parametrize("length", [0, 24, 55, 56, 71, 72])
def test_a_part_shorter_than_any_sealed_text_cannot_be_opened(length: int) -> None:
    forgery = Forgery().seal()
    forgery.parts["p2"] = forgery.parts["p2"][:length]
    with pytest.raises(EnvelopeCannotOpen):
        read(forgery.list_parts().sign().submission())


def test_nothing_true_stands_in_clear_about_the_documents() -> None:
    submission = seal().submission
    received = parse_submission(submission)
    clear = submission + received.manifest.encoded + received.manifest.header
    for fact in (b"commission rogatoire", b"%PDF", "établir".encode(), b"text/plain"):
        assert fact not in clear


def test_two_seals_of_one_message_share_no_sealed_byte_string() -> None:
    one, other = (parse_submission(seal().submission) for _ in range(2))
    assert not set(one.parts.values()) & set(other.parts.values())
    assert one.manifest.key_commit != other.manifest.key_commit


def test_with_a_given_secret_the_keys_are_the_same_again() -> None:
    def sealed_with(secret: bytes) -> bytes:
        sealed = seal_message(
            make_header(),
            CONTENT,
            (),
            party("MA.PGR"),
            sealing_keys_of("BE.PF", "FR.BEPI"),
            randomness=lambda _: secret,
        )
        return parse_submission(sealed.submission).manifest.key_commit

    assert sealed_with(FIXED_SECRET) == sealed_with(FIXED_SECRET) != sealed_with(bytes(32))


def test_a_recipient_without_a_key_refuses_the_whole_message() -> None:
    with pytest.raises(EnvelopeRecipientsMismatch, match=r"FR\.BEPI"):
        seal_message(make_header(), CONTENT, (), party("MA.PGR"), sealing_keys_of("BE.PF"))


def test_keys_of_others_in_the_directory_are_not_sealed_to() -> None:
    keys = sealing_keys_of("BE.PF", "FR.BEPI", "ES.SGCJI")
    sealed = seal_message(make_header(), CONTENT, (), party("MA.PGR"), keys)
    assert party("ES.SGCJI").sealing_kid not in parse_submission(sealed.submission).wraps


def test_nobody_seals_in_another_authoritys_name() -> None:
    with pytest.raises(EnvelopeKeyForeign):
        seal_message(make_header(), CONTENT, (), party("BE.PF"), sealing_keys_of("BE.PF", "FR.BEPI"))


def test_a_header_that_readers_would_refuse_is_never_signed() -> None:
    class Reluctant:
        public = party("MA.PGR").ed25519.public

        def kid(self, owner: str) -> str:
            return party("MA.PGR").signing_kids[0]

        def sign(self, data: bytes) -> bytes:
            raise AssertionError("it was signed")

    header = make_header().model_copy(update={"recipients": ("BE.PF", "BE.PF")})
    with pytest.raises(EnvelopeMalformed, match="twice"):
        seal_message(header, CONTENT, (), replace(party("MA.PGR"), ed25519=Reluctant()), sealing_keys_of("BE.PF"))


@pytest.mark.parametrize(
    ("attachment", "content"),
    [(Attachment("../x", "text/plain", b""), {}), (Attachment("x", "text", b""), {}), (ATTACHMENTS[0], {"x": 0.5})],
)
def test_a_body_that_readers_would_refuse_is_not_sealed(attachment: Attachment, content: dict[str, Any]) -> None:
    with pytest.raises(EnvelopeMalformed):
        seal(content, [attachment])


def test_sixty_three_attachments_are_the_most() -> None:
    one = Attachment("x.txt", "text/plain", b"x")
    assert len(read(seal({}, [one] * 63).submission).attachments) == 63
    with pytest.raises(EnvelopeTooLarge):
        seal({}, [one] * 64)


def test_large_parts_are_uploads_and_the_message_opens_with_them() -> None:
    large = Attachment("film.mp4", "video/mp4", bytes(400_000))
    sealed = seal(CONTENT, [ATTACHMENTS[0], large, ATTACHMENTS[1]])
    received = parse_submission(sealed.submission)
    assert [upload.name for upload in sealed.uploads] == ["p2"]
    assert sealed.uploads[0].sha256_hex == sha256(sealed.uploads[0].ct).hexdigest()
    assert [part.name for part in verify(received).absent_parts] == ["p2"]
    with pytest.raises(EnvelopePartMismatch, match="p2"):
        open_as("BE.PF", received)
    fetched = {**received.parts, sealed.uploads[0].name: sealed.uploads[0].ct}
    opened = open_as("BE.PF", parse_envelope(received.jws_bytes, received.wraps, fetched))
    assert [one.data for one in opened.attachments] == [ATTACHMENTS[0].data, large.data, ATTACHMENTS[1].data]


@pytest.mark.parametrize(("size", "inside"), [(200_000, 5), (130_000, 7)])  # 1 MiB of ciphertext binds both
def test_parts_stay_inside_while_the_submission_holds_them(size: int, inside: int) -> None:
    sealed = seal(CONTENT, [Attachment(f"{n}.bin", "image/png", bytes(size)) for n in range(8)])
    assert len(sealed.submission) <= MAX_SUBMISSION_BYTES
    received = parse_submission(sealed.submission)
    assert [*received.parts, *(upload.name for upload in sealed.uploads)] == ["body", *(f"p{n}" for n in range(1, 9))]
    assert len(received.parts) == 1 + inside


def test_a_message_to_every_member_fits_while_its_signed_manifest_does() -> None:
    public = parse_xwing(party("FR.BEPI").sealing.public)
    names = [f"{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[n % 26]}X.A{n:03}" for n in range(199)]
    header = make_header(recipients=names, basis=None, act={})
    large = Attachment("notice.pdf", "application/pdf", bytes(230_000))
    sealed = seal_message(header, {}, [large] * 5, party("MA.PGR"), dict.fromkeys(names, public))
    received = parse_submission(sealed.submission)
    assert len(received.wraps) == 200
    assert len(sealed.submission) <= MAX_SUBMISSION_BYTES
    assert sealed.uploads


def test_a_message_stays_readable_after_it_expired_when_judged_at_the_time_it_was_logged() -> None:
    received = parse_submission(seal().submission)
    with pytest.raises(EnvelopeExpired):
        open_as("BE.PF", received, now=later(30))
    assert open_as("BE.PF", received, now=NOW).content == CONTENT


def test_a_rotated_sealing_key_still_opens_what_was_sealed_to_it() -> None:
    old = generate_authority_keys("BE.PF")
    new = replace(generate_authority_keys("BE.PF"), former_sealing=(old.sealing,))
    assert new.opener(old.sealing_kid).public == old.sealing.public
    assert new.opener(new.sealing_kid).public == new.sealing.public
    with pytest.raises(KeyNotFound):
        replace(new, former_sealing=()).opener(old.sealing_kid)


def test_one_part_key_opens_its_document_and_no_other() -> None:
    opened = read(seal().submission)
    key = part_key(opened, "p1")
    assert open_part(opened.verified, "p1", key) == ATTACHMENTS[0].data
    for other in ("p2", "body"):
        with pytest.raises(EnvelopeCannotOpen):
            open_part(opened.verified, other, key)
    for absent in ("p9", "secret"):
        with pytest.raises(EnvelopePartMismatch):
            part_key(opened, absent)
    with pytest.raises(EnvelopePartMismatch):
        open_part(opened.verified, "p9", key)
    with pytest.raises(EnvelopeCannotOpen):
        open_part(opened.verified, "p1", key[:-1])


def test_a_court_needs_the_signed_manifest_one_part_and_its_key() -> None:
    opened = read(seal().submission)
    alone = parse_envelope(opened.verified.jws_bytes, {}, {"p2": opened.verified.parts["p2"]})
    verified = verify(alone, wraps_for=())
    assert open_part(verified, "p2", part_key(opened, "p2")) == ATTACHMENTS[1].data


def test_a_handed_on_secret_opens_the_whole_message_and_another_does_not() -> None:
    opened = read(seal().submission)
    assert open_with_secret(opened.verified, opened.secret).content == CONTENT
    for wrong in (bytes(32), b"", opened.secret + b"\x00"):
        with pytest.raises(EnvelopeCannotOpen):
            open_with_secret(opened.verified, wrong)


def test_nothing_secret_prints() -> None:
    opened = read(seal().submission)
    shown = repr(opened) + repr(ATTACHMENTS[0]) + repr(seal()) + repr(party("BE.PF"))
    for hidden in (opened.secret, ATTACHMENTS[0].data, b"Banque"):
        assert repr(hidden)[2:-1] not in shown
        assert hidden.hex() not in shown


def test_keys_behind_the_protocols_serve_as_well_as_software_keys() -> None:
    """A hardware module signs, opens and proves; the bundle never sees a seed."""

    class Module:
        def __init__(self, keys: AuthorityKeys, name: str) -> None:
            self._key = getattr(keys, name)
            self.public: bytes = self._key.public

        def kid(self, owner: str) -> str:
            return str(self._key.kid(owner))

        def sign(self, data: bytes) -> bytes:
            return bytes(self._key.sign(data))

        def open_wrap(self, wrap: bytes, info: bytes) -> bytes:
            return bytes(self._key.open_wrap(wrap, info))

    soft = party("MA.PGR")
    hard = AuthorityKeys(
        "MA.PGR", Module(soft, "ed25519"), Module(soft, "mldsa65"), Module(soft, "sealing"), Module(soft, "api")
    )
    sealed = seal_message(make_header(), CONTENT, (), hard, sealing_keys_of("BE.PF", "FR.BEPI"))
    assert open_as("MA.PGR", parse_submission(sealed.submission), opener=hard.sealing).content == CONTENT
    pair = parse_ed25519(soft.ed25519.public), parse_mldsa65(soft.mldsa65.public)
    for entry in hard.prove(NOW, later(365)):
        verify_possession("MA.PGR", entry, parse_entry_public(entry), pair)


def test_a_bundle_proves_possession_of_its_four_keys() -> None:
    entries = party("MA.PGR").prove(NOW, later(365))
    assert [entry.use for entry in entries] == ["sign-ed25519", "sign-mldsa65", "seal-xwing", "api-ed25519"]


def test_a_bundle_belongs_to_an_authority() -> None:
    with pytest.raises(KeyRefused):
        generate_authority_keys("operator")


def test_software_keys_are_the_directorys_keys() -> None:
    keys = party("MA.PGR")
    assert isinstance(keys.sealing, SoftwareOpener)
    assert parse_ed25519(keys.ed25519.public).kid("MA.PGR") == keys.signing_kids[0]
    assert parse_mldsa65(keys.mldsa65.public).kid("MA.PGR") == keys.signing_kids[1]
    assert parse_xwing(keys.sealing.public).kid("MA.PGR") == keys.sealing_kid


def test_the_submission_holds_the_signed_bytes_as_they_were_signed() -> None:
    sealed = seal()
    received = parse_submission(sealed.submission)
    assert received.jws_bytes in sealed.submission
    assert sealed.submission == encode_submission(received.jws_bytes, received.wraps, received.parts)
    assert json.loads(sealed.submission)["jws"]["payload"] == received.jws.payload_text
