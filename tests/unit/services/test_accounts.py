"""What gateways tell becomes leaves: one a day for each auditor, one for each account, start and end."""

from __future__ import annotations

from services.routing.handler import RoutingHandler
from shared.contracts.messages import (
    RecordGatewayStart,
    RecordGatewayStop,
    RecordReading,
    RecordRefusals,
    RefusedCalls,
)
from shared.domain.ids import encode_time
from tests.unit.envelope.workshop import NOW
from tests.unit.services.desk import Desk, intake, leaves_of

AT = encode_time(NOW)


def reading(auditor: str = "MA.COUR", read_at: str = AT) -> RecordReading:
    return RecordReading(auditor=auditor, request="signed", read_at=read_at)


def test_an_auditor_has_one_leaf_a_day_whichever_gateway_it_asked() -> None:
    desk = Desk(RoutingHandler())
    [leaf] = leaves_of(desk.handle(reading()))
    assert (leaf.type, leaf.fields) == (
        "audit.reading",
        {"auditor": "MA.COUR", "day": AT[:10], "request": "signed"},
    )
    assert desk.handle(reading()).leaves == []
    assert len(desk.handle(reading(auditor="FR.COUR")).leaves) == 1
    assert len(desk.handle(reading(read_at="2031-01-01T00:00:00.000000Z")).leaves) == 1


def test_an_account_of_refusals_is_one_leaf_and_changes_nothing() -> None:
    refused = (
        RefusedCalls(code="call.not-permitted", party="BE.PF", count=2),
        RefusedCalls(code="call.unsigned", party=None, count=40),
    )
    effects = intake().handle(RecordRefusals(since=AT, until=AT, refused=refused))
    [leaf] = leaves_of(effects)
    assert (effects.inserts, effects.updates, effects.publishes) == ([], [], [])
    assert leaf.type == "exchange.calls-refused"
    assert leaf.fields["refused"] == [
        {"code": "call.not-permitted", "party": "BE.PF", "count": 2},
        {"code": "call.unsigned", "count": 40},
    ]


def test_the_start_and_the_end_of_a_gateway_are_leaves_in_its_name() -> None:
    process, roster = "019aa8f3-2d4b-7c11-8e5a-0123456789ab", "A" * 43
    start = RecordGatewayStart(process=process, version="0.1.0", started_at=AT, roster_sha256=roster)
    [started] = leaves_of(intake().handle(start))
    [stopped] = leaves_of(intake().handle(RecordGatewayStop(process=process, stopped_at=AT)))
    named = {"service": "gateway", "process": process}
    assert (started.type, stopped.type) == ("exchange.started", "exchange.stopped")
    assert started.fields == {**named, "version": "0.1.0", "started_at": AT, "roster_sha256": roster}
    assert stopped.fields == {**named, "stopped_at": AT}
