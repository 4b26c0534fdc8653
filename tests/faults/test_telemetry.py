"""A whole exchange that tells a collector of its work: every kind of span, and nobody's name; or has lost it."""

from __future__ import annotations

import time

from shared.runtime.telemetry import SERVICES, SpanName
from tests.exchange_process import PARTIES, EnrolledExchange
from tests.faults.letters import send, write_request
from tests.trace_receiver import attributes_of, receiving

STOP_S = 10.0


def test_a_letter_s_way_is_told_in_spans_that_name_nobody(exchange: EnrolledExchange) -> None:
    with receiving() as receiver:
        exchange.process.settings = {"COMITY_TELEMETRY": receiver.url}
        exchange.process.start()
        letter = write_request(exchange)
        assert send(exchange, letter) == "accepted"
        exchange.rows.wait_settled()
        exchange.hang_up()
        exchange.process.stop()
        assert {span.name for span in receiver.spans} == {name.value for name in SpanName}
        assert receiver.resources == {(("service.name", "comity-all"),)}
        told = [attributes_of(span.attributes) for span in receiver.spans]
        assert {values.pop("comity.service", "all") for values in told} <= SERVICES
        assert all(isinstance(value, int) for values in told for value in values.values())
        sent = b"".join(body for _, body in receiver.posts)
    for canary in (*PARTIES, letter.message, letter.dossier, "/v1/messages", "quadripartite", str(exchange.place)):
        assert canary.encode() not in sent
    assert bytes.fromhex(letter.message.replace("-", "")) not in sent


def test_with_its_collector_gone_a_letter_is_delivered_and_the_end_is_in_time(exchange: EnrolledExchange) -> None:
    exchange.process.settings = {"COMITY_TELEMETRY": "http://127.0.0.1:9"}
    exchange.process.start()
    assert send(exchange, write_request(exchange)) == "accepted"
    exchange.rows.wait_settled()
    exchange.hang_up()
    began = time.monotonic()
    exchange.process.stop()
    assert time.monotonic() - began < STOP_S
    log = exchange.process.log.read_text()
    assert log.count("telemetry.lost") <= 1
    assert "Traceback" not in log
