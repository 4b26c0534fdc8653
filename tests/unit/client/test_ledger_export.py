"""An export is a whole ledger that grows by what is new, and takes no ledger that contradicts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.auditor import verify_ledger
from client.ledger_export import export_ledger
from client.ledger_source import DirectoryLedger
from shared.errors import LedgerInvalid, NotThere
from tests.unit.audit.paper_log import PaperLog, started_entries
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import copy_of, replace_time, rewritten


class Files:
    """A source that counts what it is asked for."""

    def __init__(self, log: PaperLog) -> None:
        self.log = log
        self.asked: list[str] = []

    def read(self, path: str) -> bytes:
        self.asked.append(path)
        if path not in self.log.files:
            raise NotThere()
        return self.log.files[path]


def test_an_export_is_a_whole_ledger_and_grows_by_what_is_new(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.log.append([replace_time(entry, story) for entry in started_entries(600)])
    first = export_ledger(Files(exchange.log), tmp_path / "out", exchange.trust())
    assert verify_ledger(DirectoryLedger(tmp_path / "out"), exchange.trust(), workers=0).ok
    exchange.log.append([replace_time(entry, story) for entry in started_entries(300)])
    source = Files(exchange.log)
    second = export_ledger(source, tmp_path / "out", exchange.trust())
    assert verify_ledger(DirectoryLedger(tmp_path / "out"), exchange.trust(), workers=0).ok
    assert (first.old_size, second.old_size) == (0, first.size)
    assert "tile/entries/000" not in source.asked
    partial = [path for path in (tmp_path / "out").rglob("*") if ".p" in str(path.parent.name)]
    assert len(partial) == 3  # entries, level 0, level 1: of the newest checkpoint only


def test_an_export_refuses_a_ledger_that_does_not_continue_the_one_before(story: PaperExchange, tmp_path: Path) -> None:
    export_ledger(Files(story.log), tmp_path / "out", story.trust())
    other = PaperLog()
    other.append([replace_time(entry, story) for entry in started_entries(500)])
    with pytest.raises(LedgerInvalid):
        export_ledger(Files(other), tmp_path / "out", story.trust())
    assert verify_ledger(DirectoryLedger(tmp_path / "out"), story.trust(), workers=0).ok


def test_an_export_refuses_a_ledger_that_shrank(story: PaperExchange, tmp_path: Path) -> None:
    export_ledger(Files(story.log), tmp_path / "out", story.trust())
    shorter = rewritten(story, lambda entries: entries[:-1])
    with pytest.raises(LedgerInvalid, match="shrank"):
        export_ledger(Files(shorter.log), tmp_path / "out", story.trust())
