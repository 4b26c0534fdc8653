"""What a witness cosigns, and what it refuses with which number, over its own HTTP application."""

from __future__ import annotations

import pytest

from shared.audit.checkpoint import encode_checkpoint, parse_checkpoint
from shared.audit.notes import SignatureType, parse_signature_lines, sign_note, verify_note
from shared.audit.tree import EMPTY_ROOT
from shared.audit.tree_head import TreeHead, encode_tree_head
from shared.audit.witness_protocol import MAX_REQUEST_BYTES, encode_add_checkpoint
from tests.unit.audit.paper_log import ORIGIN, log_signers
from tests.unit.witness.watching import NOW, Log, Witness
from witness import memory as memory_module
from witness.keys import WitnessKeys
from witness.memory import KEPT_EVIDENCE, add_log

# --- what it cosigns


async def test_it_cosigns_with_both_keys_what_continues_its_last_checkpoint(
    witness: Witness, log: Log, keys: WitnessKeys
) -> None:
    for old, new in ((0, 3), (3, 7), (7, 307)):
        answer = await witness.add(log.request(old, new))
        assert answer.status_code == 200
        verified = verify_note(log.notes[new] + answer.content, keys=(), require=[one.vkey for one in keys.signers])
        assert {each.timestamp_s for each in verified.signatures} == {int(NOW.timestamp())}
        assert [each.key.type for each in verified.signatures] == [
            SignatureType.MLDSA44,
            SignatureType.ED25519_COSIGNATURE,
        ]


async def test_the_same_checkpoint_is_cosigned_again(witness: Witness, log: Log) -> None:
    await witness.add(log.request(0, 3))
    again = await witness.add(encode_add_checkpoint(3, [], log.notes[3]))
    assert again.status_code == 200
    assert len(parse_signature_lines(again.content)) == 2


async def test_an_empty_tree_may_be_the_first_it_sees(witness: Witness, log: Log) -> None:
    empty = encode_checkpoint(TreeHead(ORIGIN, 0, EMPTY_ROOT), *log_signers())
    assert (await witness.add(encode_add_checkpoint(0, [], empty))).status_code == 200
    assert (await witness.add(log.request(0, 7))).status_code == 200


async def test_it_watches_several_logs_apart(witness: Witness, log: Log) -> None:
    other = Log("other.example/log")
    other.grow(5)
    assert (await witness.add(other.request(0, 5))).status_code == 404
    add_log(witness.directory, other.origin, [one.vkey for one in log_signers(other.origin)], None)
    assert (await witness.add(other.request(0, 5))).status_code == 200
    assert (await witness.add(log.request(0, 3))).status_code == 200


async def test_a_log_of_strangers_signs_with_its_one_key(witness: Witness) -> None:
    origin = "go.example/log"
    [ed25519, _] = log_signers(origin)
    add_log(witness.directory, origin, [ed25519.vkey], None)
    note = sign_note(encode_tree_head(TreeHead(origin, 0, EMPTY_ROOT)), [ed25519])
    assert (await witness.add(encode_add_checkpoint(0, [], note))).status_code == 200


# --- what it refuses


async def test_a_rollback_is_told_the_size_that_is_known(witness: Witness, log: Log) -> None:
    await witness.add(log.request(0, 7))
    for old, new in ((0, 3), (3, 3), (3, 7), (0, 7), (0, 307)):
        answer = await witness.add(log.request(old, new))
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (409, "text/x.tlog.size", b"7\n")
    assert (await witness.add(encode_add_checkpoint(7, [], log.notes[3]))).status_code == 400


async def test_a_fork_is_refused_and_kept_as_evidence(witness: Witness, log: Log) -> None:
    await witness.add(log.request(0, 7))
    fork = Log(fork=1000)
    fork.grow(7)
    fork.grow(3)
    assert (await witness.add(encode_add_checkpoint(7, [], fork.notes[7]))).status_code == 422
    assert (await witness.add(fork.request(7, 10))).status_code == 422
    assert (await witness.add(log.request(7, 307))).status_code == 200, "the tree that it knows goes on"
    kept = sorted((witness.directory / "evidence").iterdir())
    assert {file.read_bytes() for file in kept} == {fork.notes[7], fork.notes[10]}
    metrics = (await witness.http.get("/metrics")).text
    assert "comity_witness_evidence 2.0" in metrics
    assert 'comity_witness_answers_total{outcome="inconsistent"} 2.0' in metrics


async def test_a_fork_under_a_wrong_old_size_is_evidence_too(witness: Witness, log: Log) -> None:
    await witness.add(log.request(0, 7))
    fork = Log(fork=1000)
    fork.grow(7)
    assert (await witness.add(fork.request(0, 7))).status_code == 409
    assert [file.read_bytes() for file in (witness.directory / "evidence").iterdir()] == [fork.notes[7]]


async def test_evidence_cannot_fill_the_disk(witness: Witness, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "KEPT_EVIDENCE", 2)
    assert KEPT_EVIDENCE >= 2
    await witness.add(log.request(0, 3))
    for fork in (10, 20, 30, 30):
        other = Log(fork=fork)
        other.grow(3)
        await witness.add(encode_add_checkpoint(3, [], other.notes[3]))
    assert len(list((witness.directory / "evidence").iterdir())) == 2


async def test_junk_beside_a_good_checkpoint_costs_the_witness_nothing(witness: Witness, log: Log) -> None:
    await witness.add(log.request(0, 3))
    junk = encode_add_checkpoint(3, [bytes(32)] * 63, log.notes[7])
    assert (await witness.add(junk)).status_code == 422
    assert (await witness.add(encode_add_checkpoint(0, [bytes(32)], log.notes[7]))).status_code == 409
    assert (await witness.add(log.request(3, 7))).status_code == 200


async def test_a_proof_from_nothing_is_empty(witness: Witness, log: Log) -> None:
    assert (await witness.add(encode_add_checkpoint(0, [bytes(32)], log.notes[7]))).status_code == 422


async def test_both_keys_of_a_log_must_sign(witness: Witness, log: Log) -> None:
    ed25519, mldsa44 = log_signers()
    text = encode_tree_head(parse_checkpoint(log.notes[3]))
    for signers in ([ed25519], [mldsa44]):
        assert (await witness.add(encode_add_checkpoint(0, [], sign_note(text, signers)))).status_code == 403
    broken = log.notes[3].replace(b"\n3\n", b"\n4\n")
    assert (await witness.add(encode_add_checkpoint(0, [], broken))).status_code == 403


async def test_what_cannot_be_read_is_a_bad_request(witness: Witness, log: Log) -> None:
    good = log.request(0, 3)
    for bad in (
        b"",
        b"old 0\n",
        good.replace(b"old 0", b"old 00"),
        good.replace(b"old 0", b"old -1"),
        good.replace(b"old 0", b"new 0"),
        good.replace(b"\n\n", b"\nAAAA\n\n", 1),
        good.replace(b"\n\n", b"\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + b"\n", 1),
        good[:-1],
        good.replace(ORIGIN.encode(), b"\xff"),
        good.replace(b"\n3\n", b"\n03\n"),
        good + b"x" * MAX_REQUEST_BYTES,
    ):
        assert (await witness.add(bad)).status_code == 400, bad[:80]
    assert (await witness.http.get("/add-checkpoint")).status_code == 405
