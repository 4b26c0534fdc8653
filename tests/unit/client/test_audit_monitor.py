"""A monitor tells a fork, a rollback, a stall, an unexplained key and a broken promise, each when it is seen first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from client.audit_folder import AuditFolder
from client.audit_monitor import Finding, Monitor, Patience
from client.auditor import Elsewhere
from client.ledger_source import DirectoryLedger
from shared.apisig.receipts import Receipt, verify_receipt
from shared.errors import AuditBusy, ExchangeUnreachable
from shared.keys.public import Ed25519Public
from tests.unit.client.letters import FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_swapped_keys import new_entries
from tests.unit.client.told_ledgers import copy_of, rewritten, submission_of


class Watching:
    """A monitor of a ledger that can be exchanged for another while it runs."""

    def __init__(self, story: PaperExchange, place: Path) -> None:
        self.exchange = story
        self.place = place
        self.now = story.now
        self.found: list[Finding] = []
        self.receipts: list[tuple[str, Receipt]] = []
        self.away = False
        self.looks = 0
        self.monitor = self.start()

    def start(self, *explained: int) -> Monitor:
        return Monitor(
            AuditFolder(self.place / "audit", self.exchange.trust()),
            self,
            lambda: Elsewhere(receipts=self.receipts, now=self.now),
            self.found.append,
            lambda: self.now,
            explained=(1, 2, 3, *explained),
            patience=Patience(timedelta(hours=26), timedelta(minutes=5)),
        )

    def read(self, path: str) -> bytes:
        if self.away:
            raise ExchangeUnreachable(url="https://comity.example", why="no route")
        return self.exchange.log.files[path] if path in self.exchange.log.files else self._gone(path)

    def _gone(self, path: str) -> bytes:
        return DirectoryLedger(self.place / "nothing").read(path)

    def look(self) -> list[str]:
        """What is told in one look."""
        before = len(self.found)
        self.monitor.look()
        return [one.what for one in self.found[before:]]


@pytest.fixture
def watching(story: PaperExchange, tmp_path: Path) -> Watching:
    watching = Watching(copy_of(story), tmp_path)
    assert watching.look() == []
    return watching


def test_nothing_is_told_while_all_is_well(watching: Watching, tmp_path: Path) -> None:
    open_dossier(watching.exchange.correspond(MA, tmp_path), FR)
    assert watching.look() == []
    assert watching.monitor.size == len(watching.exchange.log.entries)


def test_a_fork_is_told_once_and_again_when_it_comes_again(watching: Watching) -> None:
    honest = watching.exchange
    watching.exchange = rewritten(honest, lambda entries: [*entries[:-2], entries[-1], *entries[-1:]])
    watching.exchange.add_leaf("exchange.started", service="intake", version="1")
    assert watching.look() == ["forked"]
    assert watching.look() == []
    watching.exchange = honest
    assert watching.look() == []
    watching.exchange = rewritten(honest, lambda entries: [*entries[:-1], entries[0]])
    assert watching.look() == ["forked"]


def test_a_ledger_that_was_rolled_back_is_told(watching: Watching) -> None:
    watching.exchange = rewritten(watching.exchange, lambda entries: entries[:-1])
    assert watching.look() == ["rolled-back"]
    assert watching.look() == []


def test_an_entry_that_does_not_follow_is_told_with_its_place(watching: Watching, tmp_path: Path) -> None:
    place = watching.exchange.log_decision(submission_of(watching.exchange, tmp_path), "envelope.expired")
    assert watching.look() == ["decision"]
    assert watching.found[0].index == place
    assert watching.look() == []
    watching.monitor = watching.start()  # restarted, it says what it knows
    assert watching.look() == ["decision"]
    assert watching.look() == []


def test_a_key_that_nobody_explained_is_told(watching: Watching) -> None:
    watching.exchange.record_event("recover", FR, keys=new_entries(watching.exchange, FR))
    assert watching.look() == ["key"]
    assert "did NOT sign" in watching.found[0].why
    assert watching.look() == []
    watching.monitor = watching.start(5)
    assert watching.look() == []


def test_a_promise_is_told_as_broken_when_its_time_has_passed(watching: Watching, tmp_path: Path) -> None:
    received = submission_of(watching.exchange, tmp_path)
    text = watching.exchange.receipt(received)
    watching.receipts = [("receipt", verify_receipt(text, Ed25519Public(watching.exchange.receipt_signer.public)))]
    assert watching.look() == []
    watching.now += timedelta(minutes=63)
    assert watching.look() == ["promise"]
    assert watching.look() == []


def test_a_head_that_stands_still_is_told(watching: Watching) -> None:
    watching.now += timedelta(hours=25)
    assert watching.look() == []
    watching.now += timedelta(hours=2)
    assert watching.look() == ["stalled"]
    assert watching.look() == []


def test_a_ledger_out_of_reach_is_told_when_patience_is_spent(watching: Watching) -> None:
    watching.away = True
    assert watching.look() == []
    watching.now += timedelta(minutes=6)
    assert watching.look() == ["unreachable"]
    assert watching.look() == []
    watching.away = False
    assert watching.look() == []


def test_the_only_look_of_a_timer_does_not_pass_for_one_that_found_nothing(watching: Watching) -> None:
    watching.away = True
    watching.monitor.look()
    assert isinstance(watching.monitor.away, ExchangeUnreachable)
    with pytest.raises(ExchangeUnreachable):
        watching.monitor.look(last=True)
    watching.away = False
    watching.monitor.look(last=True)
    assert watching.monitor.away is None


def test_another_reading_at_the_same_time_makes_it_wait(watching: Watching) -> None:
    folder = AuditFolder(watching.place / "audit", watching.exchange.trust())
    with folder.brought_up_to_date(watching, workers=0):
        assert watching.look() == []
        with pytest.raises(AuditBusy):
            watching.monitor.look(last=True)
