"""A stored message is sent once, as the same bytes, whatever crashes, gets lost or is refused on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from client.sealing import Attachment
from shared.errors import CallClockSkew, EnvelopeExpired, ExchangeUnreachable
from tests.unit.client.letters import FR, MA, a_request, open_dossier
from tests.unit.client.paper_exchange import PaperExchange, problem


def test_a_crash_before_the_first_byte_sends_the_same_bytes_later(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    big = Attachment("scan.tif", "image/tiff", bytes(600_000))
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), (big,))
    stored = ma.register.submission(message)
    ma.close()  # the process dies here
    again = exchange.correspond(MA, tmp_path)
    assert again.outbox.resume() == {message: None}
    decision = again.outbox.await_decision(message, 5)
    assert decision is not None
    assert decision.decision == "accepted"
    assert exchange.envelopes[message].digest == stored.digest
    assert not list((tmp_path / MA / "outbox").iterdir())


def test_a_lost_answer_is_asked_for_again_under_the_same_id(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.lost_answers = 1
    ma = exchange.correspond(MA, tmp_path)
    open_dossier(ma)
    assert exchange.calls.count("POST /v1/messages") == 2
    assert len(exchange.decisions) == 1


def test_an_unreachable_exchange_keeps_the_message_stored(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ())
    real, ma.exchange._calls._http = ma.exchange._calls._http, _dead_client()
    with pytest.raises(ExchangeUnreachable):
        ma.outbox.send(message)
    ma.exchange._calls._http = real
    assert ma.register.undecided() == [message]
    ma.outbox.resume()
    assert message in exchange.decisions


def _dead_client() -> Any:
    import httpx2

    def die(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route to host")

    return httpx2.Client(transport=httpx2.MockTransport(die))


def test_what_the_exchange_will_not_take_is_not_sent_again(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    message = ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ())
    exchange.pass_time(8 * 86400)
    ma.directory()
    exchange.failures = [problem(422, EnvelopeExpired(expires_at="then"))]
    with pytest.raises(EnvelopeExpired):
        ma.outbox.send(message)
    assert ma.outbox.resume() == {}
    kept = ma.register.message(message)
    assert kept is not None
    assert kept.state == "refused"


def test_one_refused_call_does_not_keep_the_others_back(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    first, second = (ma.seal_and_store(ma.compose_request(a_request(), (FR,), "quadripartite"), ()) for _ in range(2))
    exchange.failures = [problem(401, CallClockSkew(created="1", now="2", limit_s=10))]
    said = ma.outbox.resume()
    assert isinstance(said[first], CallClockSkew)
    assert said[second] is None
    assert ma.outbox.resume() == {first: None, second: None}
