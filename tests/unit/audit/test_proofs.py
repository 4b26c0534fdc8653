"""A tlog-proof file convinces offline, of one entry at one place, and of nothing once anything in it is changed."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.checkpoint import add_cosignatures
from shared.audit.notes import MAX_NOTE_BYTES, SignatureType, sign_text
from shared.audit.proofs import TlogProof, encode_proof, parse_proof, verify_proof
from shared.audit.signers import signer_from_seed
from shared.audit.tree import prove_inclusion
from shared.audit.tree_head import encode_tree_head
from shared.errors import LedgerInvalid
from tests.unit.audit.paper_log import WITNESS, PaperLog, keys_of, seed_of, started_entries

SIZE = 300
LOG = PaperLog()
LOG.append(started_entries(SIZE))


def proof_of(index: int) -> TlogProof:
    return TlogProof(index, tuple(prove_inclusion(index, SIZE, LOG.reader(SIZE))), LOG.files["checkpoint"])


@pytest.mark.parametrize("index", [0, 1, 255, 256, 299])
def test_an_entry_is_proven_offline(index: int) -> None:
    verified = verify_proof(encode_proof(proof_of(index)), LOG.entries[index], keys_of())
    assert (verified.index, verified.entry) == (index, LOG.entries[index])
    assert verified.checkpoint.head == LOG.head()


def test_the_text_is_that_of_the_specification() -> None:
    proof = proof_of(7)
    lines = encode_proof(proof).split(b"\n")
    assert lines[:2] == [b"c2sp.org/tlog-proof@v1", b"index 7"]
    assert lines[2:11] == [b64encode(part) for part in proof.hashes]
    assert lines[11] == b""
    assert b"\n".join(lines[12:]) == proof.checkpoint
    with_extra = TlogProof(proof.index, proof.hashes, proof.checkpoint, b"\x00more")
    assert encode_proof(with_extra).split(b"\n")[:3] == [b"c2sp.org/tlog-proof@v1", b"extra AG1vcmU=", b"index 7"]
    assert parse_proof(encode_proof(with_extra)) == with_extra


def test_the_only_entry_of_a_log_needs_no_hashes() -> None:
    log = PaperLog()
    log.append(started_entries(1))
    raw = encode_proof(TlogProof(0, (), log.files["checkpoint"]))
    assert raw.startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\ncomity.example/log\n1\n")
    assert verify_proof(raw, log.entries[0], keys_of()).index == 0


def test_a_proof_convinces_of_no_other_entry_and_no_other_place() -> None:
    raw = encode_proof(proof_of(7))
    with pytest.raises(LedgerInvalid, match="not in the tree"):
        verify_proof(raw, LOG.entries[8], keys_of())
    with pytest.raises(LedgerInvalid, match="not in the tree"):
        verify_proof(raw.replace(b"index 7\n", b"index 8\n"), LOG.entries[7], keys_of())


def test_a_proof_is_of_the_log_whose_keys_the_reader_has() -> None:
    with pytest.raises(LedgerInvalid, match="lacks the"):
        verify_proof(encode_proof(proof_of(7)), LOG.entries[7], keys_of("comity.example/other"))


def test_witnesses_of_the_checkpoint_are_reported() -> None:
    witness = signer_from_seed("witness.example/w1", SignatureType.MLDSA44, seed_of("w1"))
    line = sign_text(encode_tree_head(LOG.head()), witness, 1_800_000_000)
    proof = proof_of(7)
    cosigned = TlogProof(7, proof.hashes, add_cosignatures(proof.checkpoint, [line]))
    verified = verify_proof(encode_proof(cosigned), LOG.entries[7], keys_of(), [witness.vkey])
    assert [each.key for each in verified.checkpoint.cosignatures] == [witness.vkey]


@given(st.data())
def test_a_proof_with_any_byte_changed_is_refused_or_not_cosigned(data: st.DataObject) -> None:
    raw = RAW
    at = data.draw(st.integers(0, len(raw) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))
    changed = raw[:at] + bytes([other]) + raw[at + 1 :]
    if at < COSIGNED_FROM:
        with pytest.raises(LedgerInvalid):
            verify_proof(changed, LOG.entries[7], keys_of(), [WITNESS.vkey])
        return
    try:
        assert verify_proof(changed, LOG.entries[7], keys_of(), [WITNESS.vkey]).checkpoint.cosignatures == ()
    except LedgerInvalid:
        """As strange as a line can be; the line of a witness whom nobody knows is passed over."""


RAW = encode_proof(proof_of(7))
COSIGNED_FROM = RAW.rindex("\n— witness.example/w1 ".encode()) + 1
"""Where the line of the witness begins, which a reader without its key cannot judge."""


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: b"",
        lambda raw: raw.replace(b"@v1", b"@v2"),
        lambda raw: raw.replace(b"index 7", b"index 07"),
        lambda raw: raw.replace(b"index 7", b"index -7"),
        lambda raw: raw.replace(b"index 7", b"index 7 "),
        lambda raw: raw.replace(b"index 7\n", b""),
        lambda raw: raw.replace(b"index 7\n", b"extra \n"),
        lambda raw: raw.replace(b"index 7\n", b"index 7\nextra AA==\n"),
        lambda raw: raw.replace(b"index 7\n", b"extra AB==\nindex 7\n"),
        lambda raw: raw.replace(b"index 7\n", b"index 7\n" + b64encode(bytes(32)) + b"\n"),
        lambda raw: raw.replace(b"index 7\n", b"index 7\n" + b64encode(bytes(31)) + b"\n"),
        lambda raw: raw.replace(b"index 7\n", b"index 7\n" + (b64encode(bytes(32)) + b"\n") * 64),
        lambda raw: raw.replace(b"index 7\n", "index 7\n—\n".encode()),
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: raw + b"\n",
        lambda raw: raw + bytes(2**20),
        lambda raw: raw.partition(b"\n\n")[0],
    ],
)
def test_what_is_not_exactly_a_proof_is_refused(spoil) -> None:  # type: ignore[no-untyped-def]  # lambdas of the table
    with pytest.raises(LedgerInvalid):
        verify_proof(spoil(RAW), LOG.entries[7], keys_of())


def test_63_hashes_are_read_and_a_proof_may_be_as_long_as_a_note_and_its_hashes() -> None:
    longest = TlogProof(0, (bytes(32),) * 63, b"x" * MAX_NOTE_BYTES)
    assert parse_proof(encode_proof(longest)) == longest


def test_parts_that_would_be_read_differently_cannot_be_made_a_proof() -> None:
    for wrong in (
        TlogProof(-1, (), LOG.files["checkpoint"]),
        TlogProof(0, (bytes(31),), LOG.files["checkpoint"]),
        TlogProof(0, (bytes(32),) * 64, LOG.files["checkpoint"]),
    ):
        with pytest.raises(LedgerInvalid):
            encode_proof(wrong)
