"""A checkpoint is one only with both of the log's signatures, on three lines that have one reading."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.audit.checkpoint import (
    LogKeys,
    add_cosignatures,
    encode_checkpoint,
    parse_checkpoint,
    parse_log_keys,
    verify_checkpoint,
)
from shared.audit.notes import (
    NoteSignature,
    SignatureType,
    SignedNote,
    encode_note,
    encode_vkey,
    parse_note,
    sign_note,
    sign_text,
)
from shared.audit.signers import signer_from_seed
from shared.audit.tree import EMPTY_ROOT
from shared.audit.tree_head import TreeHead, encode_tree_head, parse_tree_head
from shared.errors import KeyRefused, LedgerInvalid
from tests.unit.audit.paper_log import ORIGIN, keys_of, log_signers, seed_of

HEAD = TreeHead(ORIGIN, 20852163, seed_of("a root"))
CHECKPOINT = encode_checkpoint(HEAD, *log_signers())
OTHER_ORIGIN = "comity.example/other"


def test_a_checkpoint_states_origin_size_and_root_and_carries_both_signatures() -> None:
    note = parse_note(CHECKPOINT)
    assert note.text == f"comity.example/log\n20852163\n{b64encode(HEAD.root).decode()}\n"
    assert [(each.name, len(each.blob)) for each in note.signatures] == [(ORIGIN, 64), (ORIGIN, 8 + 2420)]
    assert parse_checkpoint(CHECKPOINT) == HEAD
    assert verify_checkpoint(CHECKPOINT, keys_of()).head == HEAD


@pytest.mark.parametrize("kept", [0, 1])
def test_one_of_the_two_signatures_is_no_checkpoint(kept: int) -> None:
    one = sign_note(encode_tree_head(HEAD), [log_signers()[kept]])
    with pytest.raises(LedgerInvalid, match="lacks the"):
        verify_checkpoint(one, keys_of())


@pytest.mark.parametrize("forged", [0, 1])
def test_one_forged_signature_is_no_checkpoint(forged: int) -> None:
    note = parse_note(CHECKPOINT)
    signatures = list(note.signatures)
    wrong = signatures[forged]
    signatures[forged] = NoteSignature(wrong.name, wrong.key_id, wrong.blob[:-1] + bytes([wrong.blob[-1] ^ 1]))
    with pytest.raises(LedgerInvalid, match="does not verify"):
        verify_checkpoint(encode_note(SignedNote(note.text, tuple(signatures))), keys_of())


@pytest.mark.parametrize("borrowed", [0, 1])
def test_a_signature_borrowed_from_another_checkpoint_is_refused(borrowed: int) -> None:
    signatures = list(parse_note(CHECKPOINT).signatures)
    other = encode_checkpoint(TreeHead(ORIGIN, 7, seed_of("a root")), *log_signers())
    signatures[borrowed] = parse_note(other).signatures[borrowed]
    with pytest.raises(LedgerInvalid, match="does not verify"):
        verify_checkpoint(encode_note(SignedNote(encode_tree_head(HEAD), tuple(signatures))), keys_of())


def test_a_checkpoint_of_another_log_is_refused_even_if_our_keys_signed_it() -> None:
    foreign = sign_note(encode_tree_head(TreeHead(OTHER_ORIGIN, 7, seed_of("a root"))), log_signers())
    with pytest.raises(LedgerInvalid, match="is of the log"):
        verify_checkpoint(foreign, keys_of())
    with pytest.raises(LedgerInvalid):
        verify_checkpoint(
            encode_checkpoint(TreeHead(OTHER_ORIGIN, 1, HEAD.root), *log_signers(OTHER_ORIGIN)), keys_of()
        )


def test_keys_of_one_log_do_not_sign_for_another() -> None:
    with pytest.raises(LedgerInvalid, match="cannot sign"):
        encode_checkpoint(HEAD, *log_signers(OTHER_ORIGIN))
    with pytest.raises(KeyRefused, match="different names"):
        encode_checkpoint(HEAD, log_signers()[0], log_signers(OTHER_ORIGIN)[1])


def test_log_keys_are_one_of_each_kind_in_any_order() -> None:
    keys = keys_of()
    texts = [encode_vkey(keys.mldsa44), encode_vkey(keys.ed25519)]
    assert parse_log_keys(texts) == keys
    for wrong in ([], texts[:1], [texts[0], texts[0]], [texts[1], texts[1]], [*texts, texts[0]]):
        with pytest.raises(KeyRefused):
            parse_log_keys(wrong)
    with pytest.raises(KeyRefused):
        LogKeys(keys.mldsa44, keys.ed25519)


@pytest.mark.parametrize("type_", [SignatureType.ED25519_COSIGNATURE, SignatureType.MLDSA44])
def test_witnesses_that_cosigned_are_reported_with_their_time(type_: SignatureType) -> None:
    witness = signer_from_seed("witness.example/w1", type_, seed_of("w1"))
    silent = signer_from_seed("witness.example/w2", type_, seed_of("w2"))
    line = sign_text(encode_tree_head(HEAD), witness, 1_800_000_000)
    cosigned = add_cosignatures(CHECKPOINT, [line])
    assert cosigned.startswith(CHECKPOINT), "the log's own lines stay as they were"
    assert add_cosignatures(cosigned, [line]) == cosigned
    (found,) = verify_checkpoint(cosigned, keys_of(), [witness.vkey, silent.vkey]).cosignatures
    assert (found.key, found.timestamp_s) == (witness.vkey, 1_800_000_000)
    assert verify_checkpoint(cosigned, keys_of()).cosignatures == ()


def test_a_cosignature_of_another_tree_is_refused() -> None:
    witness = signer_from_seed("witness.example/w1", SignatureType.MLDSA44, seed_of("w1"))
    line = sign_text(encode_tree_head(TreeHead(ORIGIN, 1, HEAD.root)), witness, 1_800_000_000)
    with pytest.raises(LedgerInvalid, match="w1 does not verify"):
        verify_checkpoint(add_cosignatures(CHECKPOINT, [line]), keys_of(), [witness.vkey])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n1\n",
        "log\n1\nroot",
        "log\n1\nroot\n",
        "log\n1\n{root}",
        "log\n1\n{root}\nextension\n",
        "\nlog\n1\n{root}\n",
        "\n1\n{root}\n",
        "log\n01\n{root}\n",
        "log\n+1\n{root}\n",
        "log\n-1\n{root}\n",
        "log\n１\n{root}\n",
        "log\n1 \n{root}\n",
        "log\n1_0\n{root}\n",
        "log\n9223372036854775808\n{root}\n",
        "log\n0\n{root}\n",
        "log\n1\n{short}\n",
        "log\n1\n{long}\n",
        "log\n1\n {root}\n",
        "log\n1\n{root}=\n",
        "l\to\tg\n1\n{root}\n",
        "x" * 256 + "\n1\n{root}\n",
    ],
)
def test_a_text_that_is_not_exactly_three_lines_is_refused(text: str) -> None:
    root = "q8fm" * 10 + "q8c="
    values = {"root": root, "short": "q8fm" * 10 + "qw==", "long": "q8fm" * 11}
    parse_tree_head(f"log\n1\n{root}\n")
    with pytest.raises(LedgerInvalid):
        parse_tree_head(text.format_map(values))


@example(2**63 - 1, bytes(32))
@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_tree_head_has_one_text_and_comes_back_from_it(size: int, root: bytes) -> None:
    head = TreeHead(ORIGIN, size, root)
    assert parse_tree_head(encode_tree_head(head)) == head


def test_the_empty_tree_has_the_hash_of_nothing_for_root() -> None:
    head = TreeHead(ORIGIN, 0, EMPTY_ROOT)
    assert parse_tree_head(encode_tree_head(head)) == head
    with pytest.raises(LedgerInvalid):
        encode_tree_head(TreeHead(ORIGIN, 0, seed_of("a root")))


@pytest.mark.parametrize("root", [b"", bytes(31), bytes(33)])
def test_a_root_that_has_not_32_bytes_is_never_signed(root: bytes) -> None:
    with pytest.raises(LedgerInvalid, match="32"):
        encode_checkpoint(TreeHead(ORIGIN, 1, root), *log_signers())
