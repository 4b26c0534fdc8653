"""A sample of `make legal-year`: each clock event of a year stands where the law puts it, and an auditor agrees."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shared.audit.leaves import encode_entry, encode_leaf, parse_entry
from shared.domain.ids import encode_time, parse_time
from tests.legal_year.stories import STORIES
from tests.legal_year.year import Year, play_year

SAMPLE = 12 * len(STORIES)


@pytest.fixture(scope="module")
def year() -> Year:
    return play_year(SAMPLE, seed=2027)


def test_each_clock_event_of_a_year_is_where_the_law_puts_it(year: Year) -> None:
    assert year.judge() == (SAMPLE, SAMPLE), year.wrong
    assert not year.refusals
    assert {event for heard in year.heard.values() for event, *_ in heard} == {
        *("reminder-7", "reminder-2", "reminder-0", "overdue", "closed-by-silence", "desk-called", "desk-unattended"),
        *("retrieval-late", "non-retrieval"),
    }


def test_the_table_sees_a_date_that_is_wrong() -> None:
    year = play_year(len(STORIES), seed=1)
    heard = year.heard[year.played[0].dossier]
    (event, owed, basis, _), *_ = heard
    heard[event, owed, basis, year.played[0].story.steps[0].at] += 1
    assert year.judge()[0] < len(STORIES)


def test_an_auditor_finds_nothing_in_the_ledger_of_a_year(year: Year, tmp_path: Path) -> None:
    report = year.audit(tmp_path)
    assert report.ok, report.differences
    assert report.size == len(year.ledger.entries)
    assert report.leaves["clock.event"] > SAMPLE
    assert report.leaves["evidence.non-retrieval"]


def test_an_auditor_finds_the_event_that_was_moved(tmp_path: Path) -> None:
    year = play_year(len(STORIES), seed=3)
    entries = year.ledger.entries
    place = next(number for number, entry in enumerate(entries) if b'"type":"clock.event"' in entry)
    logged_at, leaf = parse_entry(entries[place])
    falls = encode_time(parse_time(leaf.fields["falls"]) - timedelta(days=1))
    forged = encode_leaf(leaf.type, leaf.at, leaf.nonce, **{**leaf.fields, "falls": falls})
    entries[place] = encode_entry(logged_at, forged)
    assert "clock" in {one.what for one in year.audit(tmp_path).differences}
