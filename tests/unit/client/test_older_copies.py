"""A copy that is older than what was read convicts nobody; what is shorter and no beginning of it does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from client import audit_file, audit_reading
from client.audit_folder import AuditFolder
from client.ledger_source import DirectoryLedger
from shared.errors import AuditFileUnusable
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_audit_files import long_story, stop_at, whole
from tests.unit.client.told_ledgers import found, rewritten


@pytest.mark.parametrize("size", [1, 255, 256, 300, 512, 899])
def test_an_older_copy_of_what_was_read_convicts_nobody(story: PaperExchange, tmp_path: Path, size: int) -> None:
    exchange = long_story(story)
    assert whole(exchange, tmp_path / "ledger", tmp_path / "audit").ok
    older = rewritten(exchange, lambda entries: entries[:size])
    for _ in range(2):  # and nothing of it is taken for the newest
        report = whole(older, tmp_path / "older", tmp_path / "audit")
        assert (found(report), report.read, report.is_older_copy_alone) == ({"older-copy"}, size, True)
        assert not report.ok
    assert not list((tmp_path / "audit").glob("*.checkpoint"))
    copy, folder = DirectoryLedger(tmp_path / "older"), AuditFolder(tmp_path / "audit", exchange.trust())
    with folder.brought_up_to_date(copy, workers=0) as (latest, file):
        assert found(latest) == {"older-copy"}
        assert file.position().size == len(exchange.log.entries)


@pytest.mark.parametrize("altered", [False, True])
def test_a_newer_program_holds_what_was_seen_against_what_it_is_shown(
    story: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, altered: bool
) -> None:
    """It reads the ledger anew, and puts nothing in the place of what was seen that contradicts it."""
    exchange = long_story(story)
    assert whole(exchange, tmp_path / "ledger", tmp_path / "audit").ok
    monkeypatch.setattr("client.audit_file.digest_of_rules", lambda: "other rules")
    older = rewritten(exchange, lambda entries: [*entries[: 200 - altered], *entries[200:400]])
    copy = DirectoryLedger(older.write_ledger(tmp_path / "older"))
    folder = AuditFolder(tmp_path / "audit", exchange.trust())
    for _ in range(2):
        with folder.brought_up_to_date(copy, workers=0) as (latest, _file):
            assert ("forked" if altered else "older-copy") in found(latest)


def test_a_shorter_copy_that_is_no_beginning_of_what_was_read_is_a_fork(story: PaperExchange, tmp_path: Path) -> None:
    exchange = long_story(story)
    assert whole(exchange, tmp_path / "ledger", tmp_path / "audit").ok
    other = rewritten(exchange, lambda entries: [*entries[:200], *entries[201:400]])
    report = whole(other, tmp_path / "other", tmp_path / "audit")
    assert "forked" in found(report)
    assert len(list((tmp_path / "audit").glob("*.checkpoint"))) == 2


def test_an_older_copy_after_a_reading_that_was_broken_off_is_no_fork(
    story: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_reading, "KEEP_EVERY", 512)
    exchange = long_story(story)
    source = DirectoryLedger(exchange.write_ledger(tmp_path / "ledger"))
    with pytest.raises(KeyboardInterrupt):
        AuditFolder(tmp_path / "audit", exchange.trust()).verify_whole(source, stop_at(600), workers=0)
    older = rewritten(exchange, lambda entries: entries[:300])
    assert found(whole(older, tmp_path / "older", tmp_path / "audit")) == {"older-copy"}
    assert whole(exchange, tmp_path / "ledger", tmp_path / "audit").ok


def test_what_was_seen_stays_known_when_the_form_of_the_file_changes(story: PaperExchange, tmp_path: Path) -> None:
    exchange, folder = long_story(story), AuditFolder(tmp_path / "audit", story.trust())
    assert whole(exchange, tmp_path / "ledger", tmp_path / "audit").ok
    with closing(sqlite3.connect(folder.finished)) as db:
        db.execute(f"PRAGMA user_version={audit_file.VERSION - 1}")
    other = rewritten(exchange, lambda entries: [*entries[:200], *entries[201:400]])
    assert "forked" in found(whole(other, tmp_path / "other", tmp_path / "audit"))
    older = rewritten(exchange, lambda entries: entries[:300])
    assert found(whole(older, tmp_path / "older", tmp_path / "audit")) == {"older-copy"}
    source = DirectoryLedger(tmp_path / "ledger")
    with folder.brought_up_to_date(source, workers=0) as (report, _):
        assert report.ok
        assert report.size == len(exchange.log.entries)
    with closing(sqlite3.connect(folder.finished)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == audit_file.VERSION, "it was read anew"
        db.execute(f"PRAGMA user_version={audit_file.VERSION + 1}")
    with pytest.raises(AuditFileUnusable, match="this program writes version"):
        folder.verify_whole(source, workers=0)


def test_a_file_of_before_that_kept_no_hashes_calls_what_is_shorter_rolled_back(
    story: PaperExchange, tmp_path: Path
) -> None:
    assert whole(long_story(story), tmp_path / "ledger", tmp_path / "audit").ok
    kept = AuditFolder(tmp_path / "audit", story.trust()).finished
    with closing(sqlite3.connect(kept)) as db:
        db.execute("DROP TABLE tiles")
    older = rewritten(long_story(story), lambda entries: entries[:300])
    assert found(whole(older, tmp_path / "older", tmp_path / "audit")) == {"rolled-back"}
