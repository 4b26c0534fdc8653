"""An auditor counts the clocks again: what was not said, said twice, too early, late or otherwise is a difference."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from client.audit_clocks import CLOCK_LIMIT
from shared.domain.clock_events import ClockEvent, due_events
from shared.domain.instruments import calendars_of, parse_registry
from tests.unit.client.letters import BE, FR, MA, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.paper_services import REGISTRY
from tests.unit.client.told_ledgers import at_work, audit, copy_of, found

A_DAY_S = 86_400.0


def with_a_request(home: Path) -> PaperExchange:
    """To two parties, and no answer yet."""
    exchange = PaperExchange()
    exchange.enrol(MA, FR, BE)
    exchange.load_registry()
    open_dossier(exchange.correspond(MA, home), FR, BE)
    return exchange


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> PaperExchange:
    return with_a_request(tmp_path_factory.mktemp("ma"))


@pytest.fixture
def exchange(opened: PaperExchange) -> PaperExchange:
    return copy_of(opened)


def fallen(exchange: PaperExchange, until: datetime) -> list[ClockEvent]:
    calendars = calendars_of(parse_registry(REGISTRY))
    events = [due_events(leg, exchange.struck[place], calendars, until) for place, leg in exchange.legs.items()]
    return sorted((one for some in events for one in some), key=lambda one: (one.falls, one.dossier, one.leg, one.key))


def say(exchange: PaperExchange, one: ClockEvent, **changes: Any) -> None:
    exchange.add_leaf("clock.event", **{**one.encode(), "registry": 1, **changes})


def test_what_is_struck_as_it_falls_is_no_difference(exchange: PaperExchange, tmp_path: Path) -> None:
    for _ in range(9):
        exchange.pass_time(A_DAY_S)
    report = audit(exchange, tmp_path)
    assert report.ok, report.differences
    assert report.leaves["clock.event"] == 6


def test_after_a_long_absence_all_is_said_at_once_and_is_no_difference(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.now += timedelta(days=40)
    for one in fallen(exchange, exchange.now):
        say(exchange, one)
    report = audit(exchange, tmp_path)
    assert report.ok, report.differences


def test_what_is_never_said_is_found_while_the_exchange_is_at_work(exchange: PaperExchange, tmp_path: Path) -> None:
    first = fallen(exchange, exchange.now + timedelta(days=8))[0]
    at_work(exchange, first.falls + CLOCK_LIMIT + timedelta(minutes=2))
    assert found(audit(exchange, tmp_path)) == {"clock"}


def test_what_is_said_long_after_it_fell_is_found(exchange: PaperExchange, tmp_path: Path) -> None:
    first = fallen(exchange, exchange.now + timedelta(days=8))[0]
    at_work(exchange, first.falls + CLOCK_LIMIT + timedelta(minutes=2))
    for one in fallen(exchange, exchange.now):
        say(exchange, one)
    report = audit(exchange, tmp_path)
    assert found(report) == {"clock"}
    assert "was struck at" in report.differences[0].why


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "closed-by-silence"},
        {"debtor": MA},
        {"basis": "law"},
        {"falls": "2026-11-23T00:00:00.000000Z"},
        {"calendar": "utc.1"},
        {"registry": 0},
        {"measures": ["M9"]},
        {"leg": "ES.SGCJI"},
    ],
)
def test_what_is_said_otherwise_is_found(exchange: PaperExchange, tmp_path: Path, changes: dict[str, Any]) -> None:
    exchange.now += timedelta(days=40)
    for number, one in enumerate(fallen(exchange, exchange.now)):
        say(exchange, one, **(changes if number == 0 else {}))
    assert found(audit(exchange, tmp_path)) == {"clock"}


def test_what_is_said_before_its_time_or_twice_or_out_of_order_is_found(
    exchange: PaperExchange, opened: PaperExchange, tmp_path: Path
) -> None:
    first, second, *_ = [one for one in fallen(exchange, exchange.now + timedelta(days=40)) if one.leg == BE]
    exchange.now = first.falls - timedelta(seconds=1)
    say(exchange, first)
    assert found(audit(exchange, tmp_path / "early")) == {"clock"}
    for name, said in (("twice", (first, first)), ("order", (second, first))):
        other = copy_of(opened)
        other.now = second.falls
        for one in said:
            say(other, one)
        assert found(audit(other, tmp_path / name)) == {"clock"}


def test_a_leg_that_moves_on_before_it_was_said_is_found(tmp_path: Path) -> None:
    exchange = with_a_request(tmp_path)
    [dossier] = {leg.dossier for leg in exchange.legs.values()}
    be = exchange.correspond(BE, tmp_path)
    be.mailbox.read_feed()
    exchange.now += timedelta(days=9)
    reply(be, dossier, "acknowledge")
    report = audit(exchange, tmp_path / "audit")
    assert found(report) == {"clock"}
    assert "moved on" in report.differences[0].why
