"""A sample of `make legal-year`: each clock event of a year stands where the law puts it."""

from __future__ import annotations

from tests.legal_year.stories import STORIES
from tests.legal_year.year import play_year

SAMPLE = 12 * len(STORIES)


def test_each_clock_event_of_a_year_is_where_the_law_puts_it() -> None:
    year = play_year(SAMPLE, seed=2027)
    assert year.judge() == (SAMPLE, SAMPLE), year.wrong
    assert not year.refusals
    assert {event for heard in year.heard.values() for event, *_ in heard} == {
        *("reminder-7", "reminder-2", "reminder-0", "overdue", "closed-by-silence", "desk-called", "desk-unattended")
    }


def test_the_table_sees_a_date_that_is_wrong() -> None:
    year = play_year(len(STORIES), seed=1)
    heard = year.heard[year.played[0].dossier]
    (event, owed, basis, _), *_ = heard
    heard[event, owed, basis, year.played[0].story.steps[0].at] += 1
    assert year.judge()[0] < len(STORIES)
