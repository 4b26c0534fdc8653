"""Whose turn, since when, by when: one line, and policy never painted as law."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.clock_events import events_of
from shared.domain.dossier import Leg, decide_move
from shared.domain.ids import encode_time
from shared.domain.status import Holder, compress, encode_line, line_text, status_lines, status_of
from tests.unit.domain.calendars import a_calendar
from tests.unit.domain.letters import BE, DAY, ES, FR, MA, a_message, after, digest_of, opened, the_leg

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
COURT = {"ES.JCI3": Holder("Juzgado Central 3", offline=True)}


def held_by_a_court() -> Leg:
    """M1 refused, M2 under review by an offline court, with the requester's deadline."""
    leg = the_leg(act={"deadline": "2026-12-12"})
    leg = decide_move(leg, a_message(leg, "refuse", None, "M1"), digest_of("1"), DAY)
    return decide_move(leg, a_message(leg, "start-review", {"holder": "ES.JCI3"}, "M2"), digest_of("2"), DAY)


def test_the_line_of_the_design() -> None:
    lines = status_lines([held_by_a_court()], MA, NOW, holders=COURT)
    assert lines[1] == (
        "ES M2 · decision · waiting on ES.SGCJI for Juzgado Central 3 (offline) · since 3 Nov"
        " · no legal limit; your deadline 12 Dec; target 3 Dec (policy)"
    )


def test_a_holder_without_a_known_name_shows_as_its_id_and_the_viewer_sees_whose_deadline_it_is() -> None:
    lines = status_lines([held_by_a_court()], ES, NOW)
    assert lines[1] == (
        "ES M2 · decision · waiting on ES.SGCJI (you) for ES.JCI3 · since 3 Nov"
        " · no legal limit; MA.PGR's deadline 12 Dec; target 3 Dec (policy)"
    )


def test_a_limit_of_the_law_is_named_with_its_source_and_nothing_else_is_called_a_limit() -> None:
    by_law = status_lines([after(the_leg({"ma-es-2009": "eio.1"}), "acknowledge")], MA, NOW)
    assert by_law == [
        "ES M1–M2 · decision · waiting on ES.SGCJI · since 3 Nov · limit 3 Dec (Directive 2014/41/EU art. 12(3))"
    ]
    by_policy = status_lines([after(the_leg(), "acknowledge")], MA, NOW)
    assert by_policy == [
        "ES M1–M2 · decision · waiting on ES.SGCJI · since 3 Nov · no legal limit; target 3 Dec (policy)"
    ]


def test_a_question_is_the_askers_wait_and_the_laws_clock_that_runs_on_has_its_own_line() -> None:
    asked = after(the_leg({"ma-es-2009": "eio.1"}), "acknowledge", "ask-information")
    assert status_lines([asked], MA, NOW) == [
        "ES M1–M2 · information · waiting on MA.PGR (you) · since 3 Nov · no legal limit; ES.SGCJI's deadline 1 Dec",
        "ES M1–M2 · decision · waiting on ES.SGCJI · since 3 Nov · limit 3 Dec (Directive 2014/41/EU art. 12(3))",
    ]


def test_an_estimate_is_the_debtors_word_and_no_target() -> None:
    delayed = after(the_leg(), "accept", "report-delay")
    assert status_lines([delayed], MA, NOW)[0].endswith("no legal limit; ES.SGCJI's estimate 1 Mar 2027")


def test_a_date_that_has_passed_says_so() -> None:
    assert status_lines([the_leg()], MA, NOW)[0].endswith("target 10 Nov (policy), passed")
    assert [due.overdue for due in status_of([the_leg()], MA, NOW)[0].dues] == [True]


def test_an_open_status_query_has_a_line_of_its_own() -> None:
    lines = status_lines([after(the_leg(), "acknowledge", "ask-status")], MA, NOW)
    assert lines[1].startswith("ES M1–M2 · status query · waiting on ES.SGCJI · since 3 Nov")


def test_a_result_waits_for_its_confirmation_then_for_the_closure() -> None:
    delivered = after(the_leg(), "deliver-result")
    assert " · confirmation · waiting on MA.PGR (you) · " in status_lines([delivered], MA, NOW)[0]
    assert " · closure · " in status_lines([after(delivered, "confirm-receipt")], MA, NOW)[0]


def test_nobody_is_waited_for_once_it_is_closed() -> None:
    closed = after(the_leg(), "refuse", "close", at=NOW)
    assert status_lines([closed], MA, NOW) == ["ES M1–M2 · closed (refused) · since 20 Nov"]


def test_a_viewer_sees_its_own_leg_and_the_auditor_all() -> None:
    legs = opened()
    assert [line.requested for line in status_of(legs, MA, NOW)] == [FR, BE, ES]
    assert [line.requested for line in status_of(legs, BE, NOW)] == [BE]
    assert status_of(legs, "DE.BFJ", NOW) == []
    assert [line.requested for line in status_of(legs, None, NOW)] == [FR, BE, ES]


def test_two_authorities_of_one_country_show_by_their_ids() -> None:
    lines = status_lines(opened(recipients=(FR, "FR.PNAT")), MA, NOW)
    assert [line.split(" M1")[0] for line in lines] == [FR, "FR.PNAT"]


@pytest.mark.parametrize(
    ("transport", "beginning"),
    [
        ("submitted", "ES M1–M2 · transmission · waiting on the exchange"),
        ("relayed", "ES M1–M2 · transmission · waiting on the exchange"),
        ("delivered", "ES M1–M2 · acknowledgement · waiting on ES.SGCJI"),
        ("not-delivered", "ES M1–M2 · undelivered · waiting on MA.PGR (you)"),
    ],
)
def test_before_the_mailbox_it_is_the_exchanges_turn(transport: str, beginning: str) -> None:
    assert status_lines([the_leg()], MA, NOW, transport={ES: transport})[0].startswith(beginning)


def test_the_year_shows_only_where_it_is_another_one() -> None:
    assert "since 3 Nov 2026" in status_lines([the_leg()], MA, NOW + timedelta(days=365))[0]


@pytest.mark.parametrize(
    ("measures", "text"),
    [(["M1"], "M1"), (["M2", "M1"], "M1–M2"), (["M1", "M3", "M4", "M5", "M10"], "M1, M3–M5, M10")],
)
def test_measures_with_the_same_status_share_a_line(measures: list[str], text: str) -> None:
    assert compress(measures) == text


def test_the_structured_form_holds_what_the_line_says() -> None:
    encoded = encode_line(status_of([held_by_a_court()], MA, NOW, holders=COURT)[1])
    assert encoded["measures"] == ["M2"]
    assert encoded["waiting_on"] == ES
    assert (encoded["holder"], encoded["holder_name"], encoded["offline"]) == ("ES.JCI3", "Juzgado Central 3", True)
    assert encoded["since"] == encode_time(DAY)
    assert [(due["basis"], due["set_by"], due["due"]) for due in encoded["dues"]] == [
        ("deadline", MA, "2026-12-12T23:59:59.000000Z"),
        ("policy", None, "2026-12-03T23:59:59.000000Z"),
    ]


def test_a_day_follows_the_debtors_calendar_and_names_it() -> None:
    """3 December is not worked in this Spain: the exchange's clock lets the limit end on the 4th."""
    spain = {"ES": a_calendar(holidays=["2026-12-03"])}
    leg = after(the_leg({"ma-es-2009": "eio.1"}), "acknowledge")
    [line] = status_of([leg], MA, NOW, calendars=spain)
    text = line_text(line, MA, NOW)
    struck = next(one for one in events_of(leg, spain) if (one.event, one.owed) == ("overdue", "decide"))
    [shown] = encode_line(line)["dues"]
    assert "limit 4 Dec" in text
    assert text.endswith(" · calendar es.1")
    assert struck.due is not None
    assert (shown["due"], shown["calendar"], shown["day"]) == (encode_time(struck.due), struck.calendar, "2026-12-04")


def test_a_day_is_the_debtors_own_where_midnight_lies_in_the_next_day_of_utc() -> None:
    west = a_calendar(offsets=[{"since": "2026-01-01T00:00:00Z", "minutes": -300}])
    leg = after(the_leg(act={"deadline": "2026-12-12"}), "acknowledge")
    [line] = status_of([leg], MA, NOW, calendars={"ES": west})
    assert "your deadline 12 Dec" in line_text(line, MA, NOW)
    assert [due.due for due in line.dues if due.set_by == MA] == [datetime(2026, 12, 13, 4, 59, 59, tzinfo=UTC)]
