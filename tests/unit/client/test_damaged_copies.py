"""A copy that was damaged convicts nobody; a fork that hides behind damaged tiles is a fork."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from client.audit_folder import AuditFolder
from client.auditor import Elsewhere
from client.ledger_proofs import prove_continued
from client.ledger_source import CHECKPOINT, DirectoryLedger
from shared.audit.quorum import rule_of
from shared.errors import LedgerInvalid
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_audit_files import long_story, whole
from tests.unit.client.told_ledgers import flip, found, rewritten

TILES = ("tile/0/000", "tile/0/003.p/132", "tile/1/000.p/3")
SIZE = 900
Damage = Callable[[bytes], bytes]


@pytest.fixture
def long(story: PaperExchange) -> PaperExchange:
    return rewritten(long_story(story), lambda entries: entries[:SIZE])


@pytest.mark.parametrize("damage", [lambda data: flip(data, 0), lambda _: b""], ids=["flipped", "emptied"])
@pytest.mark.parametrize("path", TILES)
def test_a_damaged_tile_of_a_copy_is_no_fork(long: PaperExchange, tmp_path: Path, path: str, damage: Damage) -> None:
    older = rewritten(long, lambda entries: entries[:700])
    assert whole(older, tmp_path / "older", tmp_path / "audit").ok
    kept = older.log.files[CHECKPOINT]
    elsewhere = Elsewhere([("a colleague's", rule_of(long.trust()).read(kept))])
    damaged = rewritten(long, lambda entries: entries)
    damaged.log.files[path] = damage(damaged.log.files[path])
    report = whole(damaged, tmp_path / "damaged", tmp_path / "audit", elsewhere=elsewhere)
    assert "tile" in found(report)
    assert found(report) <= {"tile", "unproven"}
    folder, source = AuditFolder(tmp_path / "audit", long.trust()), DirectoryLedger(tmp_path / "damaged")
    with folder.brought_up_to_date(source, workers=0) as (latest, _):
        assert not latest.ok
        assert found(latest) <= {"tile"}
    assert not list((tmp_path / "audit").glob("*.checkpoint"))


def test_a_damaged_tile_is_said_to_be_one_where_a_proof_is_wanted(long: PaperExchange, tmp_path: Path) -> None:
    older = rewritten(long, lambda entries: entries[:700]).log.files[CHECKPOINT]
    damaged = rewritten(long, lambda entries: entries)
    damaged.log.files["tile/1/000.p/3"] = flip(damaged.log.files["tile/1/000.p/3"], 0)
    source = DirectoryLedger(damaged.write_ledger(tmp_path / "damaged"))
    with pytest.raises(LedgerInvalid, match="files are damaged"):
        prove_continued(source, long.trust(), older)


@pytest.mark.parametrize("path", TILES)
def test_a_fork_does_not_hide_behind_a_damaged_tile(long: PaperExchange, tmp_path: Path, path: str) -> None:
    older = rewritten(long, lambda entries: entries[:700])
    assert whole(older, tmp_path / "older", tmp_path / "audit").ok
    fork = rewritten(long, lambda entries: [*entries[:600], *entries[601:], entries[-1]])
    fork.log.files[path] = flip(fork.log.files[path], 0)
    for _ in range(2):  # and what was seen stays known
        assert {"forked", "tile"} <= found(whole(fork, tmp_path / "fork", tmp_path / "audit"))
        assert len(list((tmp_path / "audit").glob("*.checkpoint"))) == 2
