"""Notes are C2SP signed-note: known notes of other implementations verify, and every mutation is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.notes import (
    MAX_NOTE_BYTES,
    NoteSignature,
    SignatureType,
    SignedNote,
    encode_note,
    encode_signature_lines,
    encode_vkey,
    parse_note,
    parse_signature_lines,
    parse_vkey,
    sign_note,
    sign_text,
    verify_note,
)
from shared.audit.signers import signer_from_seed
from shared.errors import LedgerInvalid
from tests.unit.audit.known_notes import (
    CHECKPOINT_TEXT,
    ENOCH_ROOT_LINE,
    NEUMANN_LINE,
    NEUMANN_NOTE,
    NEUMANN_SEED,
    NEUMANN_TEXT,
    NEUMANN_VKEY,
    witness,
)
from tests.unit.audit.paper_log import log_signers

GOLDEN = Path(__file__).parent / "golden"


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
