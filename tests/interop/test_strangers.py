"""Programs that know nothing of Comity verify its ledger, and see what a dishonest operator does to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shared.audit.notes import encode_vkey
from shared.audit.proofs import verify_proof
from shared.audit.tree_head import encode_hash
from tests.interop.strangers import Refused, verify_with_go
from tests.unit.audit.paper_log import ORIGIN, PaperLog, keys_of, started_entries

SIZES = (1, 256, 257, 700)


@pytest.fixture
def vkeys(tmp_path: Path) -> Path:
    keys = keys_of()
    file = tmp_path / "ledger.vkey"
    file.write_text(f"{encode_vkey(keys.ed25519)}\n{encode_vkey(keys.mldsa44)}\n")
    return file


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """The directory of a log that grew in steps to the last of SIZES."""
    return written(grown(), tmp_path / "ledger")


def grown(origin: str = ORIGIN) -> PaperLog:
    log = PaperLog(origin)
    entries = started_entries(SIZES[-1])
    for size in SIZES:
        log.append(entries[len(log.entries) : size])
    return log


def written(log: PaperLog, directory: Path) -> Path:
    for path, data in log.files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return directory


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700])
def test_go_verifies_checkpoint_tiles_and_every_entry(go: Path, vkeys: Path, tmp_path: Path, size: int) -> None:
    log = PaperLog()
    log.append(started_entries(size))
    found = verify_with_go(go, written(log, tmp_path / "ledger"), vkeys)
    assert (found.origin, found.size, found.root) == (ORIGIN, size, encode_hash(log.head().root))
    assert found.entries_proven == size
    assert (found.signatures_verified, found.signatures_unknown) == (1, 2), (
        "Ed25519 is known there; ML-DSA-44 and the witness are not"
    )


def test_go_verifies_a_log_that_grew_in_steps(go: Path, vkeys: Path, ledger: Path) -> None:
    found = verify_with_go(go, ledger, vkeys)
    assert (found.entries_proven, found.earlier_trees_proven) == (700, 7)


def test_a_proof_that_go_made_convinces_comity(go: Path, vkeys: Path, ledger: Path) -> None:
    entries = started_entries(SIZES[-1])
    for index in (0, 255, 256, 699):
        proof = verify_with_go(go, ledger, vkeys, prove_index=index).proof
        assert verify_proof(proof.encode(), entries[index], keys_of()).index == index


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001"])
@pytest.mark.parametrize("at", [5, 40])
def test_go_refuses_a_log_with_one_bit_of_one_file_changed(
    go: Path, vkeys: Path, ledger: Path, path: str, at: int
) -> None:
    data = bytearray((ledger / path).read_bytes())
    data[at] ^= 1
    (ledger / path).write_bytes(bytes(data))
    with pytest.raises(Refused):
        verify_with_go(go, ledger, vkeys)


def test_go_refuses_a_log_that_was_rewritten_under_its_old_checkpoint(
    go: Path, vkeys: Path, ledger: Path, tmp_path: Path
) -> None:
    other = PaperLog()
    other.append([*started_entries(SIZES[-1] + 1)[1:]])
    rewritten = written(other, tmp_path / "rewritten")
    shutil.copy(ledger / "checkpoint", rewritten / "checkpoint")
    with pytest.raises(Refused, match="inconsistent tile"):
        verify_with_go(go, rewritten, vkeys)


def test_go_refuses_a_log_signed_by_another_key(go: Path, vkeys: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no verifiable signatures"):
        verify_with_go(go, written(grown("comity.example/other"), tmp_path / "other"), vkeys)
