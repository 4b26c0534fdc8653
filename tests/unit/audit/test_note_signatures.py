"""Each type of signature is over the bytes that its specification names; which ones a note needs, and which count."""

from __future__ import annotations

import pytest

from shared.audit.notes import (
    NoteSignature,
    SignatureType,
    SignedNote,
    VerifierKey,
    encode_note,
    parse_note,
    parse_vkey,
    sign_note,
    sign_text,
    verify_note,
)
from shared.errors import LedgerInvalid
from tests.unit.audit.known_notes import CHECKPOINT_TEXT, NEUMANN_NOTE, NEUMANN_TEXT, NEUMANN_VKEY, witness
from tests.unit.audit.paper_log import seed_of

# --- what is signed --------------------------------------------------------------------------------------------------


class _Recorder:
    """A signer that shows what it was given to sign."""

    def __init__(self, vkey: VerifierKey) -> None:
        self.vkey = vkey
        self.signed = b""

    def sign(self, message: bytes) -> bytes:
        self.signed = message
        return bytes(self.vkey.type.signature_bytes)


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        (SignatureType.ED25519, CHECKPOINT_TEXT.encode()),
        (SignatureType.ED25519_COSIGNATURE, b"cosignature/v1\ntime 1679315147\n" + CHECKPOINT_TEXT.encode()),
        (
            SignatureType.MLDSA44,
            b"subtree/v1\n\x00"
            + b"\x12witness.example/w1"
            + bytes.fromhex("00000000 641850cb")
            + b"\x12comity.example/log"
            + bytes.fromhex("00000000 00000000")
            + bytes.fromhex("00000000 00000003")
            + seed_of("a root"),
        ),
    ],
)
def test_each_type_signs_the_bytes_that_its_specification_names(type_: SignatureType, message: bytes) -> None:
    recorder = _Recorder(witness(type_).vkey)
    signature = sign_text(CHECKPOINT_TEXT, recorder, 1679315147)
    assert recorder.signed == message
    stamp = b"" if type_ is SignatureType.ED25519 else (1679315147).to_bytes(8, "big")
    assert signature.blob == stamp + bytes(type_.signature_bytes)


@pytest.mark.parametrize("type_", [SignatureType.ED25519_COSIGNATURE, SignatureType.MLDSA44])
def test_cosignatures_exist_on_checkpoints_only(type_: SignatureType) -> None:
    with pytest.raises(LedgerInvalid):
        sign_text(NEUMANN_TEXT, witness(type_))
    with pytest.raises(LedgerInvalid, match="three lines"):
        sign_text(f"{CHECKPOINT_TEXT}extension\n", witness(type_))


@pytest.mark.parametrize("type_", SignatureType)
def test_a_witness_s_time_is_verified_with_its_signature(type_: SignatureType) -> None:
    signer = witness(type_)
    signature = sign_text(CHECKPOINT_TEXT, signer, 1_800_000_000)
    raw = encode_note(SignedNote(CHECKPOINT_TEXT, (signature,)))
    stated = 1_800_000_000 if type_.timestamped else 0
    assert verify_note(raw, [signer.vkey]).signatures[0].timestamp_s == stated
    later = NoteSignature(signature.name, signature.key_id, b"\x00\x00\x00\x01" + signature.blob[4:])
    with pytest.raises(LedgerInvalid, match="does not verify"):
        verify_note(encode_note(SignedNote(CHECKPOINT_TEXT, (later,))), [signer.vkey])


@pytest.mark.parametrize("timestamp_s", [-1, 2**63])
def test_a_time_beyond_63_bits_is_refused(timestamp_s: int) -> None:
    with pytest.raises(LedgerInvalid, match="timestamp"):
        sign_text(CHECKPOINT_TEXT, witness(SignatureType.MLDSA44), timestamp_s)
    assert sign_text(CHECKPOINT_TEXT, witness(SignatureType.MLDSA44), 2**63 - 1).blob[:8] == b"\x7f" + b"\xff" * 7


# --- which signatures count ------------------------------------------------------------------------------------------


def test_signatures_of_unknown_keys_are_ignored() -> None:
    stranger = sign_text(NEUMANN_TEXT, witness(SignatureType.ED25519, "stranger"))
    namesake = NoteSignature("PeterNeumann", b"\x00\x01\x02\x03", b"another algorithm")
    raw = encode_note(SignedNote(NEUMANN_TEXT, (stranger, namesake, *parse_note(NEUMANN_NOTE).signatures)))
    verified = verify_note(raw, [parse_vkey(NEUMANN_VKEY)])
    assert [each.key.name for each in verified.signatures] == ["PeterNeumann"]


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    with pytest.raises(LedgerInvalid, match="no known key"):
        verify_note(NEUMANN_NOTE, [witness(SignatureType.ED25519).vkey])
    with pytest.raises(LedgerInvalid, match="no known key"):
        verify_note(NEUMANN_NOTE, [])


def test_a_required_key_must_have_signed() -> None:
    missing = witness(SignatureType.ED25519).vkey
    with pytest.raises(LedgerInvalid, match=r"lacks .* witness\.example/w1"):
        verify_note(NEUMANN_NOTE, [parse_vkey(NEUMANN_VKEY)], require=[missing])


def test_one_failing_signature_of_a_known_key_refuses_the_note_though_others_verify() -> None:
    good = witness(SignatureType.ED25519, "good.example")
    failing = NoteSignature("bad.example", witness(SignatureType.ED25519, "bad.example").vkey.key_id, bytes(64))
    raw = encode_note(SignedNote(NEUMANN_TEXT, (sign_text(NEUMANN_TEXT, good), failing)))
    verify_note(raw, [good.vkey])
    with pytest.raises(LedgerInvalid, match=r"bad\.example does not verify"):
        verify_note(raw, [good.vkey, witness(SignatureType.ED25519, "bad.example").vkey])


def test_a_repeated_signature_counts_once_and_a_failing_repeat_refuses_the_note() -> None:
    (line,) = parse_note(NEUMANN_NOTE).signatures
    key = parse_vkey(NEUMANN_VKEY)
    assert len(verify_note(encode_note(SignedNote(NEUMANN_TEXT, (line, line))), [key]).signatures) == 1
    spoilt = NoteSignature(line.name, line.key_id, bytes(64))
    with pytest.raises(LedgerInvalid):
        verify_note(encode_note(SignedNote(NEUMANN_TEXT, (line, spoilt))), [key])


def test_a_key_cannot_sign_as_another_type() -> None:
    """The same Ed25519 key under 0x01 and 0x04 has two key ids, and neither signature passes for the other."""
    plain, cosigner = witness(SignatureType.ED25519), witness(SignatureType.ED25519_COSIGNATURE)
    assert plain.vkey.public_key == cosigner.vkey.public_key
    assert plain.vkey.key_id != cosigner.vkey.key_id
    with pytest.raises(LedgerInvalid):
        verify_note(sign_note(CHECKPOINT_TEXT, [plain]), [cosigner.vkey])
