"""An operator with everything lies, and those who look anyway see it: a sample of `make dishonest-operator`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.tables import METADATA
from shared.audit.leaf_catalogue import CATALOGUE
from tests.dishonest.books import Books, leaf_of
from tests.dishonest.campaign import TRUTHS, Campaign, all_lies
from tests.dishonest.declared import TABLES, Seen
from tests.dishonest.forged_leaves import FORGED
from tests.dishonest.leftovers import stamps_can_be_made
from tests.dishonest.memory import remember
from tests.dishonest.page import PAGE, text
from tests.dishonest.rows import ROW_WAYS
from tests.dishonest.story import Past, live
from tests.dishonest.tree_lies import TOLD
from tests.dishonest.window import Loop

SAMPLE = (
    "leg.state",
    "mailbox.wrap",
    "an entry edited, after anybody saw it",
    "decision.accepted: states changed, before anybody saw it",
    "a valid message rejected",
    "two trees for two auditors",
    "a key swapped for all, by one operator",
    "evidence.delivery forged",
    "a copy of the ledger: a bundle of entries edited",
    "a proof bundle: decision changed",
    "a receipt that says that the message came earlier",
)


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, loop: Loop) -> Past:
    past = live(tmp_path_factory.mktemp("past"))
    remember(past, loop)
    return past


def test_every_table_column_and_way_is_declared() -> None:
    declared = {name: sorted(worth.columns) for name, worth in TABLES.items()}
    assert declared == {name: sorted(one.name for one in table.columns) for name, table in METADATA.tables.items()}
    assert all(sorted(worth.ways) == sorted(ROW_WAYS) for worth in TABLES.values())
    told = [one for worth in TABLES.values() for one in (*worth.columns.values(), *worth.ways.values())]
    assert all(one.beyond is not None for one in told if isinstance(one, Seen) and one.where)


def test_a_leaf_of_every_type_is_forged() -> None:
    assert set(FORGED) == set(CATALOGUE)


def test_the_page_says_what_is_played() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "run `make docs`"


def test_the_threat_model_names_the_list() -> None:
    threat_model = PAGE.with_name("threat-model.md").read_text(encoding="utf-8")
    assert "(dishonest-operator.md" in threat_model.partition("## 4. What is not defended")[2].partition("## 5.")[0]


def test_the_second_chapter_has_a_leaf_of_every_type_that_is_changed(past: Past) -> None:
    entries = Books(past.place / "exchange.sqlite3", past).entries()[past.first_size :]
    assert set(TOLD) <= {leaf_of(entry)["type"] for entry in entries}


def test_no_table_is_empty_that_could_be_lied_about(past: Past) -> None:
    with closing(sqlite3.connect(past.place / "exchange.sqlite3")) as database:
        rows = {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in METADATA.tables}
    assert {name for name, count in rows.items() if not count} == (
        set() if stamps_can_be_made() else {"ledger_time_stamp"}
    )


def test_each_lie_has_a_name_of_its_own() -> None:
    names = [lie.name for lie in all_lies()]
    assert len(set(names)) == len(names)


def test_nothing_is_found_in_the_truth_and_every_lie_of_the_sample_is(past: Past, loop: Loop, tmp_path: Path) -> None:
    campaign = Campaign(past, loop, tmp_path / "scene", seed=1)
    truth = campaign.play(TRUTHS[-1], 0)  # with copies of it; the campaign plays it without them as well
    assert truth is not None
    assert truth.why == ""
    lies = {lie.name: lie for lie in all_lies()}
    assert all(isinstance(lies[name].worth, Seen) for name in SAMPLE)
    outcomes = {name: campaign.play(lies[name], 0) for name in SAMPLE}
    assert [name for name, outcome in outcomes.items() if outcome is None or outcome.by is None] == []


def test_a_campaign_whose_watcher_says_nothing_misses_what_it_alone_sees(
    past: Past, loop: Loop, tmp_path: Path
) -> None:
    lies = {lie.name: lie for lie in all_lies()}
    blind = Campaign(past, loop, tmp_path / "scene", seed=1, blind="party")
    outcome = blind.play(lies["mailbox.wrap"], 0)
    assert outcome is not None
    assert outcome.by is None
