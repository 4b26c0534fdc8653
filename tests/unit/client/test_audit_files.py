"""What an auditor keeps of a log: a reading goes on where it stopped, and a tree that was seen is not forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from client import audit_reading
from client.audit_file import AuditFile
from client.audit_folder import AuditFolder
from client.audit_report import AuditReport
from client.auditor import Elsewhere, verify_ledger
from client.ledger_source import CHECKPOINT, DirectoryLedger
from shared.apisig.receipts import Receipt, verify_receipt
from shared.audit.quorum import rule_of
from shared.errors import AuditBusy, AuditFileUnusable
from shared.keys.public import Ed25519Public
from tests.unit.audit.paper_log import started_entries
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import copy_of, flip, found, replace_time, rewritten, submission_of


@dataclass
class Watched(DirectoryLedger):
    """Counts what is read."""

    directory: Path
    paths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.directory)

    @override
    def read(self, path: str) -> bytes:
        self.paths.append(path)
        return super().read(path)


class Served:
    """The same files, from something that is no copy: the exchange serves them as its newest."""

    def __init__(self, directory: Path) -> None:
        self._files = DirectoryLedger(directory)

    def read(self, path: str) -> bytes:
        return self._files.read(path)


def long_story(story: PaperExchange, entries: int = 900) -> PaperExchange:
    exchange = copy_of(story)
    exchange.log.append([replace_time(entry, story) for entry in started_entries(entries)])
    return exchange


def stop_at(entries: int) -> Callable[[int, int], None]:
    def progress(read: int, _: int) -> None:
        if read >= entries:
            raise KeyboardInterrupt

    return progress


def whole(exchange: PaperExchange, place: Path, folder: Path, **more: object) -> AuditReport:
    source = DirectoryLedger(exchange.write_ledger(place))
    return AuditFolder(folder, exchange.trust()).verify_whole(source, workers=0, **more)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_reading, "KEEP_EVERY", 512)


# --- going on --------------------------------------------------------------------------------------------------------


def test_a_reading_that_was_broken_off_goes_on_and_finds_the_same(story: PaperExchange, tmp_path: Path) -> None:
    exchange = long_story(story)
    exchange.log_decision(submission_of(story, tmp_path), "envelope.expired")
    source = Watched(exchange.write_ledger(tmp_path / "ledger"))
    folder = AuditFolder(tmp_path / "audit", exchange.trust())
    with pytest.raises(KeyboardInterrupt):
        folder.verify_whole(source, stop_at(600), workers=0)
    source.paths.clear()
    report = folder.verify_whole(source, workers=0)
    assert report.continued_at == 512
    assert "tile/entries/000" not in source.paths
    alone = verify_ledger(DirectoryLedger(source.directory), exchange.trust(), workers=0)
    assert {**report.as_json(), "continued_at": 0} == alone.as_json()
    assert found(report) == {"decision"}


def test_it_begins_afresh_when_it_is_told_to(story: PaperExchange, tmp_path: Path) -> None:
    exchange = long_story(story)
    source = DirectoryLedger(exchange.write_ledger(tmp_path / "ledger"))
    folder = AuditFolder(tmp_path / "audit", exchange.trust())
    with pytest.raises(KeyboardInterrupt):
        folder.verify_whole(source, stop_at(600), workers=0)
    assert folder.verify_whole(source, workers=0, afresh=True).continued_at == 0


def test_a_finished_reading_is_read_on_and_only_what_is_new_is_fetched(story: PaperExchange, tmp_path: Path) -> None:
    exchange = long_story(story)
    whole(exchange, tmp_path / "ledger", tmp_path / "audit")
    exchange.log_decision(submission_of(story, tmp_path), "envelope.expired")
    source = Watched(exchange.write_ledger(tmp_path / "ledger"))
    folder = AuditFolder(tmp_path / "audit", exchange.trust())
    for _ in range(2):  # what was found is not forgotten
        with folder.brought_up_to_date(source, workers=0) as (report, _):
            assert found(report) == {"decision"}
            assert report.size == len(exchange.log.entries)
    assert {path for path in source.paths if path.startswith("tile/entries/")} == {"tile/entries/003.p/146"}


def test_key_events_of_an_earlier_reading_still_count(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    whole(exchange, tmp_path / "ledger", tmp_path / "audit")
    exchange.record_event("reinstate", "BE.PF")
    source = DirectoryLedger(exchange.write_ledger(tmp_path / "ledger"))
    folder = AuditFolder(tmp_path / "audit", exchange.trust())
    with folder.brought_up_to_date(source, workers=0) as (report, _):
        assert report.ok
        assert [one.seq for one in report.key_changes] == [1, 2, 3, 4, 5]


def test_what_another_version_of_the_program_kept_is_read_anew(
    story: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole(story, tmp_path / "ledger", tmp_path / "audit")
    monkeypatch.setattr("client.audit_file.digest_of_rules", lambda: "other rules")
    source = Watched(tmp_path / "ledger")
    folder = AuditFolder(tmp_path / "audit", story.trust())
    with folder.brought_up_to_date(source, workers=0) as (report, _):
        assert report.ok
    assert any(path.startswith("tile/entries/000") for path in source.paths)
    shorter = rewritten(story, lambda entries: entries[:-1])
    monkeypatch.setattr("client.audit_file.digest_of_rules", lambda: "newer rules")
    assert found(whole(shorter, tmp_path / "shorter", tmp_path / "audit")) == {"older-copy"}  # and not forgotten


def test_a_second_reading_into_the_same_file_is_refused(story: PaperExchange, tmp_path: Path) -> None:
    with AuditFile(tmp_path / "one"), pytest.raises(AuditBusy):
        AuditFile(tmp_path / "one")


@pytest.mark.parametrize("content", [b"no database at all", b""])
def test_a_file_that_is_no_audit_is_refused_or_made(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one").write_bytes(content)
    if content:
        with pytest.raises(AuditFileUnusable):
            AuditFile(tmp_path / "one")
    else:
        AuditFile(tmp_path / "one").close()


def test_a_full_disk_is_said_so_and_leaves_nothing_that_stands_in_the_way(
    story: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "audit").mkdir()
    name = AuditFolder(tmp_path / "audit", story.trust()).unfinished
    with monkeypatch.context() as full:
        full.setattr("client.audit_file._SCHEMA", "no such statement;")
        with pytest.raises(AuditFileUnusable):
            whole(story, tmp_path / "ledger", tmp_path / "audit")
    assert name.exists()
    assert whole(story, tmp_path / "ledger", tmp_path / "audit").ok


# --- what was seen is not forgotten ----------------------------------------------------------------------------------


def test_a_tail_that_was_cut_is_noticed_by_whoever_saw_it(story: PaperExchange, tmp_path: Path) -> None:
    assert whole(story, tmp_path / "ledger", tmp_path / "audit").ok
    shorter = rewritten(story, lambda entries: entries[:-1])
    assert whole(shorter, tmp_path / "shorter", tmp_path / "first look").ok  # nobody else can tell
    folder = AuditFolder(tmp_path / "audit", story.trust())
    for _ in range(2):
        report = folder.verify_whole(Served(tmp_path / "shorter"), workers=0)
        assert found(report) == {"rolled-back"}
        assert len(list((tmp_path / "audit").glob("*.checkpoint"))) == 2
    with folder.brought_up_to_date(Served(tmp_path / "shorter"), workers=0) as (latest, _):
        assert found(latest) == {"rolled-back"}
    assert whole(story, tmp_path / "ledger", tmp_path / "audit").ok


def test_what_was_served_altered_is_not_remembered_as_the_ledger(story: PaperExchange, tmp_path: Path) -> None:
    exchange, folder = copy_of(story), AuditFolder(tmp_path / "audit", story.trust())
    path = f"tile/entries/000.p/{len(exchange.log.entries)}"
    whole_bundle = exchange.log.files[path]
    exchange.log.files[path] = flip(whole_bundle)
    altered = DirectoryLedger(exchange.write_ledger(tmp_path / "altered"))
    assert not folder.verify_whole(altered, workers=0).ok
    with folder.brought_up_to_date(altered, workers=0) as (report, _):
        assert not report.ok
    honest = DirectoryLedger(story.write_ledger(tmp_path / "honest"))
    assert folder.verify_whole(honest, workers=0).ok
    more = copy_of(story)
    more.add_leaf("exchange.started", service="intake", version="1")
    path = f"tile/entries/000.p/{len(more.log.entries)}"
    more.log.files[path] = flip(more.log.files[path])
    later = DirectoryLedger(more.write_ledger(tmp_path / "later"))
    with folder.brought_up_to_date(later, workers=0) as (report, _):
        assert "root" in found(report)
    more.log.files[path] = flip(more.log.files[path])
    more.write_ledger(tmp_path / "later")
    with folder.brought_up_to_date(later, workers=0) as (report, _):
        assert report.ok


def test_a_fork_is_noticed_by_whoever_saw_the_other_tree(story: PaperExchange, tmp_path: Path) -> None:
    assert whole(story, tmp_path / "ledger", tmp_path / "audit").ok
    forked = rewritten(story, lambda entries: [*entries[:-2], entries[-1], *entries[-1:]])
    forked.add_leaf("exchange.started", service="intake", version="1")
    assert "forked" in found(whole(forked, tmp_path / "forked", tmp_path / "audit"))
    source = DirectoryLedger(tmp_path / "forked")
    with AuditFolder(tmp_path / "audit", story.trust()).brought_up_to_date(source, workers=0) as (report, _):
        assert found(report) == {"forked"}
        assert report.read == len(story.log.entries)  # what was read here stays as it was


def test_two_auditors_who_were_shown_two_trees_find_out_by_one_checkpoint(story: PaperExchange, tmp_path: Path) -> None:
    forked = rewritten(story, lambda entries: [*entries[:-2], entries[-1]])
    for _ in range(3):
        forked.add_leaf("exchange.started", service="intake", version="1")
    other = rule_of(story.trust()).read(forked.log.files[CHECKPOINT])
    report = whole(
        story, tmp_path / "ledger", tmp_path / "audit", elsewhere=Elsewhere([("the checkpoint of a colleague", other)])
    )
    assert found(report) <= {"forked", "unproven"}
    older = rule_of(story.trust()).read(story.log.files[CHECKPOINT])
    story_goes_on = copy_of(story)
    story_goes_on.add_leaf("exchange.started", service="intake", version="1")
    later = whole(story_goes_on, tmp_path / "later", tmp_path / "audit 2", elsewhere=Elsewhere([("older", older)]))
    assert later.ok


def test_a_ledger_from_the_future_is_found(story: PaperExchange, tmp_path: Path) -> None:
    now = story.now - timedelta(hours=1)
    report = whole(story, tmp_path / "ledger", tmp_path / "audit", elsewhere=Elsewhere(now=now))
    assert found(report) == {"post-dated"}
    assert "is that clock right?" in report.differences[0].why, "an auditor's own clock may be the one that is wrong"


# --- promises --------------------------------------------------------------------------------------------------------


def receipts_of(exchange: PaperExchange) -> list[tuple[str, Receipt]]:
    key = Ed25519Public(exchange.receipt_signer.public)
    texts = [exchange.receipt(received) for received in exchange.envelopes.values()]
    return [(f"receipt {number}", verify_receipt(text, key)) for number, text in enumerate(texts)]


def test_a_promise_that_was_kept_is_said_so(story: PaperExchange, tmp_path: Path) -> None:
    report = whole(story, tmp_path / "ledger", tmp_path / "audit", elsewhere=Elsewhere(receipts=receipts_of(story)))
    assert report.ok
    assert [one.state for one in report.promises] == ["kept", "kept"]


@pytest.mark.parametrize(("hours", "state"), [(0.5, "open"), (1.1, "broken")])
def test_a_message_dropped_after_its_receipt_shows_by_the_receipt(
    story: PaperExchange, tmp_path: Path, hours: float, state: str
) -> None:
    received = submission_of(story, tmp_path)
    key = Ed25519Public(story.receipt_signer.public)
    receipts = [("receipt", verify_receipt(story.receipt(received), key))]
    elsewhere = Elsewhere(receipts=receipts, now=story.now + timedelta(hours=hours))
    report = whole(story, tmp_path / "ledger", tmp_path / "audit", elsewhere=elsewhere)
    assert [one.state for one in report.promises] == [state]
    assert report.ok == (state == "open")


def test_a_leaf_that_says_another_time_than_the_receipt_breaks_the_promise(
    story: PaperExchange, tmp_path: Path
) -> None:
    receipts = receipts_of(story)
    earlier = [(name, replace(one, decide_by=one.decide_by - timedelta(minutes=5))) for name, one in receipts]
    report = whole(story, tmp_path / "ledger", tmp_path / "audit", elsewhere=Elsewhere(receipts=earlier))
    assert found(report) == {"promise"}
