"""An export is a whole ledger that grows by what is new, and takes no ledger that contradicts it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from client.auditor import verify_ledger
from client.ledger_export import export_ledger
from client.ledger_source import DirectoryLedger
from shared.audit.tiles import places_of
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
    partial = list((tmp_path / "out").rglob("*.p"))
    assert partial
    assert not [folder for folder in partial if folder.with_suffix("").exists()], "gone where the full one is there"


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


def test_who_read_the_checkpoint_before_still_finds_all_of_its_ledger(story: PaperExchange, tmp_path: Path) -> None:
    """Partial files stay until the full one is there, and are its beginning from then on."""
    exchange, out = copy_of(story), tmp_path / "out"
    exchange.log.append([replace_time(entry, story) for entry in started_entries(100)])
    export_ledger(Files(exchange.log), out, exchange.trust())
    first = (out / "checkpoint").read_bytes()
    for more in (30, 600):
        exchange.log.append([replace_time(entry, story) for entry in started_entries(more)])
        export_ledger(Files(exchange.log), out, exchange.trust())
        shutil.copytree(out, tmp_path / "before", dirs_exist_ok=True)
        (tmp_path / "before" / "checkpoint").write_bytes(first)
        assert verify_ledger(DirectoryLedger(tmp_path / "before"), exchange.trust(), workers=0).ok


class Killed(BaseException):
    """The end of the process."""


def test_killed_between_any_two_files_it_leaves_the_older_ledger_whole_and_goes_on(
    story: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, whole = copy_of(story), tmp_path / "whole"
    exchange.log.append([replace_time(entry, story) for entry in started_entries(300)])
    export_ledger(Files(exchange.log), tmp_path / "first", exchange.trust())
    exchange.log.append([replace_time(entry, story) for entry in started_entries(300)])
    export_ledger(Files(exchange.log), whole, exchange.trust())
    needed = {path.relative_to(whole) for path in whole.rglob("*") if path.is_file()}
    replace = Path.replace
    for killed_at in range(20):
        out, done = tmp_path / f"killed-{killed_at}", iter(range(100))
        shutil.copytree(tmp_path / "first", out)
        before = verified(out, exchange)

        def replacing(path: Path, target: Path, done: Iterator[int] = done, killed_at: int = killed_at) -> Path:
            if next(done) == killed_at:
                raise Killed
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", replacing)
        try:
            export_ledger(Files(exchange.log), out, exchange.trust())
        except Killed:
            monkeypatch.setattr(Path, "replace", replace)
            assert verified(out, exchange) == before
            export_ledger(Files(exchange.log), out, exchange.trust())
            assert verified(out, exchange) > before
            assert {path.relative_to(out) for path in out.rglob("*") if path.is_file()} >= needed
        else:
            assert killed_at > 5, "every file was once the last that was written"
            return
    pytest.fail("an export wrote more files than there are")


def verified(directory: Path, exchange: PaperExchange) -> int:
    """The size of a ledger that verifies."""
    report = verify_ledger(DirectoryLedger(directory), exchange.trust(), workers=0)
    assert report.ok
    return report.size


def test_nothing_is_written_that_the_checkpoint_does_not_vouch_for(story: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(story)
    exchange.log.append([replace_time(entry, story) for entry in started_entries(600)])
    honest = dict(exchange.log.files)
    needed = [place.path for place in places_of(len(exchange.log.entries))]
    for number, path in enumerate(needed):
        for lie in (honest[path][:-1] + bytes([honest[path][-1] ^ 1]), honest[path][:-32]):
            exchange.log.files[path] = lie
            out = tmp_path / f"{number}-{len(lie)}"
            with pytest.raises(LedgerInvalid):
                export_ledger(Files(exchange.log), out, exchange.trust())
            assert not (out / path).exists()
            assert not (out / "checkpoint").exists()
            exchange.log.files[path] = honest[path]
            export_ledger(Files(exchange.log), out, exchange.trust())
            assert (out / path).read_bytes() == honest[path]


def test_what_was_there_before_the_first_checkpoint_is_checked_too(story: PaperExchange, tmp_path: Path) -> None:
    """Of an export that was broken off, or of another ledger: the copy is whole, or the file is named."""
    exchange = copy_of(story)
    exchange.log.append([replace_time(entry, story) for entry in started_entries(600)])
    for number, place in enumerate(places_of(len(exchange.log.entries))):
        out = tmp_path / str(number)
        export_ledger(Files(exchange.log), out, exchange.trust())
        (out / "checkpoint").unlink()
        honest = (out / place.path).read_bytes()
        (out / place.path).write_bytes(honest[:-1] + bytes([honest[-1] ^ 1]))
        with pytest.raises(LedgerInvalid, match=f"{place.path} was there"):
            export_ledger(Files(exchange.log), out, exchange.trust())
        assert not (out / "checkpoint").exists()
        (out / place.path).unlink()
        assert export_ledger(Files(exchange.log), out, exchange.trust()).files == 2
        assert verified(out, exchange)


def test_a_file_that_a_full_disk_cut_short_is_named(story: PaperExchange, tmp_path: Path) -> None:
    export_ledger(Files(story.log), tmp_path / "out", story.trust())
    for place in places_of(len(story.log.entries)):
        whole = (tmp_path / "out" / place.path).read_bytes()
        (tmp_path / "out" / place.path).write_bytes(b"")
        with pytest.raises(LedgerInvalid, match=f"{place.path} was there"):
            export_ledger(Files(story.log), tmp_path / "out", story.trust())
        (tmp_path / "out" / place.path).write_bytes(whole)


@pytest.mark.parametrize("content", [b"", b"other"])
def test_a_checkpoint_that_is_none_of_this_ledger_is_named_and_kept(
    story: PaperExchange, tmp_path: Path, content: bytes
) -> None:
    export_ledger(Files(story.log), tmp_path / "out", story.trust())
    file = tmp_path / "out" / "checkpoint"
    file.write_bytes(content)
    with pytest.raises(LedgerInvalid, match="checkpoint is no checkpoint of this ledger"):
        export_ledger(Files(story.log), tmp_path / "out", story.trust())
    assert file.read_bytes() == content
    file.unlink()
    assert export_ledger(Files(story.log), tmp_path / "out", story.trust()).files == 1


def test_two_exports_do_not_write_to_one_directory(story: PaperExchange, tmp_path: Path) -> None:
    class Meanwhile(Files):
        @override
        def read(self, path: str) -> bytes:
            if path.startswith("tile/0/"):
                with pytest.raises(LedgerInvalid, match="another export"):
                    export_ledger(Files(story.log), tmp_path / "out", story.trust())
            return super().read(path)

    assert export_ledger(Meanwhile(story.log), tmp_path / "out", story.trust()).files > 2
    assert verify_ledger(DirectoryLedger(tmp_path / "out"), story.trust(), workers=0).ok
