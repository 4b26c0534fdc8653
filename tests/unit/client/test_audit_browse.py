"""Entries are found by party, time, kind and id; each that is shown is proved, and told in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from client.audit_browse import Browser
from client.audit_file import AuditFile
from client.audit_folder import AuditFolder
from client.audit_index import Search
from client.audit_words import explain, headline
from client.ledger_source import DirectoryLedger
from shared.audit.leaves import parse_entry
from shared.domain.reference import encode_number
from shared.errors import Ambiguous, LedgerInvalid, NotInLedger, NumberInvalid
from tests.unit.client.letters import BE, FR, MA
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import copy_of, flip, index_of, leaf_of


@dataclass
class Reading:
    exchange: PaperExchange
    place: Path
    file: AuditFile
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = Browser(DirectoryLedger(self.place), self.file)

    def places(self, **search: object) -> list[int]:
        return [one.logged.index for one in self.browser.page(Search(**search), 1, 100).entries]  # type: ignore[arg-type]


@pytest.fixture
def reading(story: PaperExchange, tmp_path: Path) -> Iterator[Reading]:
    exchange = copy_of(story)
    exchange.pass_time(86_400)
    exchange.add_leaf("exchange.started", service="intake", version="0.1.0")
    place = exchange.write_ledger(tmp_path / "ledger")
    folder = AuditFolder(tmp_path / "audit", exchange.trust())
    with folder.brought_up_to_date(DirectoryLedger(place), workers=0) as (report, file):
        assert report.ok
        yield Reading(exchange, place, file)


def types(reading: Reading) -> list[str]:
    return [str(leaf_of(entry)["type"]) for entry in reading.exchange.log.entries]


def test_pages_hold_the_newest_first_and_each_entry_once(reading: Reading) -> None:
    size, seen = len(reading.exchange.log.entries), []
    for number in range(1, -(-size // 4) + 1):
        page = reading.browser.page(Search(), number, 4)
        assert page.total == size
        seen += [one.logged.index for one in page.entries]
    assert seen == list(reversed(range(size)))


def test_entries_are_found_by_type_family_and_kind_of_message(reading: Reading) -> None:
    every = types(reading)
    assert len(reading.places(kind="evidence")) == sum(one.startswith("evidence.") for one in every)
    assert len(reading.places(kind="evidence.delivery")) == every.count("evidence.delivery")
    assert len(reading.places(kind="acknowledge")) == 1
    assert reading.places(kind="eviden") == reading.places(kind="%") == []


def test_entries_are_found_by_whoever_they_name(reading: Reading) -> None:
    request = index_of(reading.exchange, "decision.accepted")
    assert all(request in reading.places(party=party) for party in (MA, FR, BE))
    assert len(reading.places(party=BE, kind="evidence.delivery")) == 1
    assert reading.places(party="IT.MG") == []


def test_entries_are_found_by_time(reading: Reading) -> None:
    now, logged = reading.exchange.now, [parse_entry(entry)[0] for entry in reading.exchange.log.entries]
    newest = [place for place in reversed(range(len(logged))) if logged[place] == now]
    assert 0 < len(newest) < len(logged)
    assert reading.places(since=now) == newest
    assert len(reading.places(until=now - timedelta(hours=1))) == len(logged) - len(newest)


def test_a_dossier_is_found_by_its_number_and_by_a_piece_of_its_id(reading: Reading) -> None:
    [received, *_] = reading.exchange.envelopes.values()
    dossier = received.header.dossier
    number = encode_number(dossier, "MA")
    assert reading.browser.find(number.lower()) == ("dossier", dossier)
    assert reading.browser.find(dossier[-8:]) == ("dossier", dossier)
    assert reading.browser.find(received.header.id) == ("message", received.header.id)
    assert set(reading.places(dossier=dossier)) >= set(reading.places(message=received.header.id)) != set()


def test_what_is_not_there_or_not_one_is_said_so(reading: Reading) -> None:
    with pytest.raises(NotInLedger):
        reading.browser.find("ffffffff")
    with pytest.raises(NumberInvalid):
        reading.browser.find("MA26-AAAA-AAAA-A")
    with pytest.raises(Ambiguous):
        reading.browser.find(next(iter(reading.exchange.envelopes))[:6])
    with pytest.raises(NotInLedger):
        reading.browser.entry(reading.browser.size)


def test_an_entry_that_is_not_in_the_tree_is_not_shown(reading: Reading) -> None:
    path = reading.place / f"tile/entries/000.p/{reading.browser.size}"
    path.write_bytes(flip(path.read_bytes()))  # the last byte is the last entry's
    with pytest.raises(LedgerInvalid):
        Browser(DirectoryLedger(reading.place), reading.file).entry(reading.browser.size - 1)


def test_every_entry_is_told_in_words(reading: Reading) -> None:
    told: dict[str, str] = {}
    for place in range(reading.browser.size):
        shown = reading.browser.entry(place)
        told.setdefault(shown.logged.leaf.type, " ".join(explain(shown, reading.file.memory)))
        assert headline(shown)
    assert "MA.PGR → FR.BEPI, BE.PF: request, admitted." in told["decision.accepted"]
    assert "For FR.BEPI it rests on ma-fr-2008 within quadripartite." in told["decision.accepted"]
    assert "REJECTED: Illegal move [dossier.illegal-move]." in told["decision.rejected"]
    assert "Nothing changed by it" in told["decision.rejected"]
    assert "lies in the mailbox of FR.BEPI. This is the legal receipt." in told["evidence.delivery"]
    assert "FR.BEPI asked for" in told["evidence.retrieval"]
    assert told["directory.key-event"] == "Key event 1: MA.PGR was enrolled with its first keys [enrol]."
    assert told["exchange.started"] == "The service intake began to work, version 0.1.0."
