"""The judge of ledgers in the campaign of faults: it passes one that is whole, and sees what an outage could do."""

from __future__ import annotations

from pathlib import Path

from client.ledger_source import CHECKPOINT
from shared.errors import NotThere
from tests.outages.findings import Harm
from tests.outages.history import Call, CheckpointRead
from tests.outages.ledger_judge import LedgerJudge
from tests.unit.audit.paper_log import PaperLog
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import flip, rewritten


class Files:
    def __init__(self, log: PaperLog) -> None:
        self._files = log.files

    def read(self, path: str) -> bytes:
        if path not in self._files:
            raise NotThere()
        return self._files[path]


def read_from(log: PaperLog) -> CheckpointRead:
    return CheckpointRead(Call("MA.COUR", "GET", "/log/checkpoint", 0, 0, 200), log.files[CHECKPOINT])


def test_a_whole_ledger_is_passed_and_its_leaves_are_counted(story: PaperExchange, tmp_path: Path) -> None:
    judge = LedgerJudge(tmp_path / "export", story.trust())
    assert judge.judge(Files(story.log), [read_from(story.log)]) == []
    leaves = judge.leaves()
    assert {decision for _, _, decision in leaves.decisions} == {"accepted", "rejected"}
    assert {kind for kind, _, _ in leaves.evidences} == {"delivery", "retrieval"}
    assert set((leaves.decisions + leaves.evidences).values()) == {1}


def test_leaves_in_another_order_are_seen(story: PaperExchange, tmp_path: Path) -> None:
    other = rewritten(story, lambda entries: [*entries[:2], *reversed(entries[2:])])
    found = LedgerJudge(tmp_path / "export", story.trust()).judge(Files(other.log), [])
    assert {finding.harm for finding in found} == {Harm.wrong}


def test_a_tile_that_is_not_of_the_entries_is_seen(story: PaperExchange, tmp_path: Path) -> None:
    other = rewritten(story, list)
    tile = next(path for path in other.log.files if path.startswith("tile/0"))
    other.log.files[tile] = flip(other.log.files[tile])
    assert LedgerJudge(tmp_path / "export", story.trust()).judge(Files(other.log), []) != []


def test_a_ledger_that_forgot_what_it_had_signed_is_seen(story: PaperExchange, tmp_path: Path) -> None:
    judge = LedgerJudge(tmp_path / "export", story.trust())
    assert judge.judge(Files(story.log), []) == []
    shorter = rewritten(story, lambda entries: entries[:-1])
    assert judge.judge(Files(shorter.log), []) != []


def test_a_checkpoint_that_anybody_read_must_be_of_the_same_ledger(story: PaperExchange, tmp_path: Path) -> None:
    judge = LedgerJudge(tmp_path / "export", story.trust())
    forked = rewritten(story, lambda entries: [*entries[:-2], entries[-1]])
    assert judge.judge(Files(story.log), [read_from(forked.log)]) != []


def test_checkpoints_never_shrink(story: PaperExchange, tmp_path: Path) -> None:
    judge = LedgerJudge(tmp_path / "export", story.trust())
    shorter = rewritten(story, lambda entries: entries[:-1])
    reads = [read_from(shorter.log), read_from(story.log)]
    assert judge.judge(Files(story.log), reads) == []
    assert judge.judge(Files(story.log), [*reads, read_from(shorter.log)]) != []
