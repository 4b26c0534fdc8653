"""Notes are C2SP signed-note: known notes of other implementations verify, and every mutation is refused."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.notes import (
    MAX_NOTE_BYTES,
    NoteSignature,
    NoteSigner,
    SignatureType,
    SignedNote,
    VerifierKey,
    encode_note,
    encode_signature_lines,
    encode_vkey,
    parse_note,
    parse_signature_lines,
    parse_vkey,
    sign_note,
    sign_text,
    verify_note,
    vkey_of,
)
from shared.audit.signers import signer_from_seed
from shared.audit.tree_head import TreeHead, encode_tree_head
from shared.errors import KeyRefused, LedgerInvalid
from tests.unit.audit.paper_log import ORIGIN, log_signers, seed_of

GOLDEN = Path(__file__).parent / "golden"

# From the documentation of golang.org/x/mod/sumdb/note; the seed is that of its private key.
NEUMANN_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
NEUMANN_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NEUMANN_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NEUMANN_NOTE = f"{NEUMANN_TEXT}\n{NEUMANN_LINE}".encode()
ENOCH_ROOT_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)

CHECKPOINT_TEXT = encode_tree_head(TreeHead(ORIGIN, 3, seed_of("a root")))


def witness(type_: SignatureType, name: str = "witness.example/w1") -> NoteSigner:
    return signer_from_seed(name, type_, seed_of(name))


# --- other people's notes --------------------------------------------------------------------------------------------


def test_the_note_of_go_s_documentation_verifies() -> None:
    verified = verify_note(NEUMANN_NOTE, [parse_vkey(NEUMANN_VKEY)])
    assert verified.text == NEUMANN_TEXT
    assert [each.key.name for each in verified.signatures] == ["PeterNeumann"]


def test_the_same_key_makes_the_same_note_byte_for_byte() -> None:
    signer = signer_from_seed("PeterNeumann", SignatureType.ED25519, NEUMANN_SEED)
    assert encode_vkey(signer.vkey) == NEUMANN_VKEY
    assert sign_note(NEUMANN_TEXT, [signer]) == NEUMANN_NOTE


def test_a_second_signature_is_added_as_go_adds_it() -> None:
    enoch = signer_from_seed("EnochRoot", SignatureType.ED25519, bytes(32))  # Go's example draws its key from zeros
    both = (*parse_note(NEUMANN_NOTE).signatures, sign_text(NEUMANN_TEXT, enoch))
    assert encode_note(SignedNote(NEUMANN_TEXT, both)) == NEUMANN_NOTE + ENOCH_ROOT_LINE.encode()


def test_an_ml_dsa_44_checkpoint_of_another_implementation_verifies() -> None:
    """Test data of filippo.io/torchwood, cmd/litewitness/testdata/mldsa.txt: a log that signs with 0x06 at time 0."""
    key = parse_vkey((GOLDEN / "torchwood-mldsa44.vkey").read_text().strip())
    note = (GOLDEN / "torchwood-mldsa44.checkpoint").read_bytes()
    assert key.type is SignatureType.MLDSA44
    assert verify_note(note, [key]).signatures[0].timestamp_s == 0
    with pytest.raises(LedgerInvalid):
        verify_note(note.replace(b"\n1\n", b"\n2\n"), [key])


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


# --- form ------------------------------------------------------------------------------------------------------------


@given(st.data())
def test_a_note_with_any_byte_changed_is_refused(data: st.DataObject) -> None:
    raw = sign_note(CHECKPOINT_TEXT, log_signers())
    at = data.draw(st.integers(0, len(raw) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))
    with pytest.raises(LedgerInvalid):
        verify_note(raw[:at] + bytes([other]) + raw[at + 1 :], [], require=[each.vkey for each in log_signers()])


@given(st.data())
def test_a_note_cut_anywhere_is_refused(data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(NEUMANN_NOTE) - 1))
    with pytest.raises(LedgerInvalid):
        verify_note(NEUMANN_NOTE[:cut], [parse_vkey(NEUMANN_VKEY)])


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no blank line"),
        (NEUMANN_TEXT.encode(), "no blank line"),
        (NEUMANN_TEXT.encode() + b"\n", "signature lines"),
        (NEUMANN_NOTE + b"\n", "signature lines"),
        (NEUMANN_NOTE[:-1], "signature lines"),
        (NEUMANN_NOTE.replace(b"\n", b"\r\n"), "control character"),
        (NEUMANN_NOTE.replace(b"you", b"yo\x00"), "control character"),
        (NEUMANN_NOTE.replace(b"you", b"yo\xff"), "UTF-8"),
        (NEUMANN_NOTE.replace("—".encode(), b"-"), "has no name"),
        (NEUMANN_NOTE.replace(b"PeterNeumann", b"Peter+Neumann"), "has no name"),
        (NEUMANN_NOTE.replace(b"PeterNeumann", "Peter\u2003Neumann".encode()), "has no name"),
        (NEUMANN_NOTE.replace(b"PeterNeumann ", b" "), "has no name"),
        (NEUMANN_NOTE.replace(b"nAM=", b"nAN="), "canonical base64"),
        (NEUMANN_NOTE.replace(b"nAM=", b"nAM"), "not base64"),
        (NEUMANN_NOTE.replace(b"nAM=", b"nAM= "), "not base64"),
        (NEUMANN_TEXT.encode() + "\n— x AAAAAA==\n".encode(), "is empty"),
        (NEUMANN_NOTE + NEUMANN_LINE.encode() * 64, "64 signature lines"),
        (b"x" * MAX_NOTE_BYTES + NEUMANN_NOTE, "more than"),
    ],
)
def test_what_is_not_exactly_a_note_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(LedgerInvalid, match=why):
        parse_note(raw)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n")))
def test_every_text_that_ends_in_a_newline_comes_back_from_its_note(text: str) -> None:
    signature = NoteSignature("anyone.example", b"\x00\x01\x02\x03", b"signature")
    note = SignedNote(f"{text}\n", (signature,))
    assert parse_note(encode_note(note)) == note


@pytest.mark.parametrize("text", ["", "no newline", "carriage\r\n", f"{NEUMANN_TEXT}\n{NEUMANN_LINE[:-1]}"])
def test_a_text_that_would_be_read_differently_cannot_be_made_a_note(text: str) -> None:
    with pytest.raises(LedgerInvalid):
        encode_note(SignedNote(text, (NoteSignature("anyone.example", bytes(4), b"signature"),)))


def test_a_signature_line_cannot_be_smuggled_in_through_the_text() -> None:
    text = f"{NEUMANN_TEXT}\n{NEUMANN_LINE}"
    raw = sign_note(text, [witness(SignatureType.ED25519)])
    assert parse_note(raw).text == text
    assert [each.name for each in parse_note(raw).signatures] == ["witness.example/w1"]


def test_the_lines_that_a_witness_answers_are_read_alone() -> None:
    lines = parse_note(sign_note(CHECKPOINT_TEXT, log_signers())).signatures
    assert parse_signature_lines(encode_signature_lines(lines)) == lines
    for spoilt in (b"", encode_signature_lines(lines)[:-1], b"text\n\n" + encode_signature_lines(lines)):
        with pytest.raises(LedgerInvalid):
            parse_signature_lines(spoilt)


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", SignatureType)
def test_a_vkey_is_read_back(type_: SignatureType) -> None:
    key = witness(type_).vkey
    assert parse_vkey(encode_vkey(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        NEUMANN_VKEY.replace("c74f20a3", "c74f20a4"),
        NEUMANN_VKEY.replace("c74f20a3", "C74F20A3"),
        NEUMANN_VKEY.replace("PeterNeumann", "Peter Neumann"),
        NEUMANN_VKEY.replace("PeterNeumann", ""),
        NEUMANN_VKEY.replace("+ARpc", "+AxpD"),
        NEUMANN_VKEY[:-4],
        f"{NEUMANN_VKEY}\n",
        f" {NEUMANN_VKEY}",
        "PeterNeumann+c74f20a3+",
    ],
)
def test_a_vkey_that_is_not_exactly_one_is_refused(text: str) -> None:
    with pytest.raises(KeyRefused):
        parse_vkey(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "x" * 256])
def test_a_name_that_a_signature_line_could_not_hold_is_refused(name: str) -> None:
    with pytest.raises(KeyRefused, match="its name"):
        vkey_of(name, SignatureType.ED25519, parse_vkey(NEUMANN_VKEY).public_key.raw)
    with pytest.raises(KeyRefused, match="its name"):
        signer_from_seed(name, SignatureType.ED25519, bytes(32))


@pytest.mark.parametrize("type_", [SignatureType.ED25519, SignatureType.ED25519_COSIGNATURE])
def test_a_key_under_which_one_signature_verifies_everything_is_refused(type_: SignatureType) -> None:
    identity = b"\x01" + bytes(31)
    with pytest.raises(KeyRefused, match="small order"):
        vkey_of("log.example", type_, identity)
