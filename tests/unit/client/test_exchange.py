"""One signed call: bounded, retried as long as that can help, and refused in the words of the error tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from client.exchange import Exchange
from client.http_calls import Calls, unsigned
from client.problems import error_by_code
from shared.apisig.receipts import Receipt
from shared.errors import (
    AnswerRefused,
    Busy,
    CallClockSkew,
    ComityError,
    ExchangeUnreachable,
    NotThere,
)

URL = "https://comity.example"
PATIENCE_S = 20.0


def _no_receipt(receipt: str, message: str, digest: str) -> Receipt:
    raise AssertionError(f"{receipt} for {message} of {digest} was to be read")


class Line:
    """A connection whose answers are written beforehand, and a clock that only waits move."""

    def __init__(self, *answers: httpx2.Response | Exception | Callable[[], httpx2.Response]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.waits: list[float] = []
        self.signed: list[str] = []

    def exchange(self) -> Exchange:
        calls = Calls(
            URL,
            self._sign,
            transport=httpx2.MockTransport(self._answer),
            patience_s=PATIENCE_S,
            sleep=self.waits.append,
            monotonic=lambda: sum(self.waits),
        )
        return Exchange(calls, _no_receipt)

    def _sign(self, method: str, url: str, headers: Any, body: bytes | None) -> Any:
        self.signed.append(url)
        return {**unsigned(method, url, headers, body), "x-attempt": str(len(self.signed))}

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else answer()


def refusal(status: int, code: str, detail: str = "", **facts: str) -> httpx2.Response:
    members = {"type": "/problems/x", "title": "", "status": status, "detail": detail, "code": code, "facts": facts}
    return httpx2.Response(status, json=members)


WELL_KNOWN = {"name": "n", "versions": ["v1"], "origin": "o", "receipt_key": "k", "log_vkeys": [], "time": "t"}


def good() -> httpx2.Response:
    return httpx2.Response(200, json=WELL_KNOWN)


def test_a_broken_connection_is_tried_again_with_a_new_signature() -> None:
    line = Line(httpx2.ConnectError("refused"), httpx2.ReadTimeout("slow"), good)
    assert line.exchange().well_known().name == "n"
    assert [request.headers["x-attempt"] for request in line.requests] == ["1", "2", "3"]


def test_retry_after_is_followed() -> None:
    busy = refusal(503, "call.busy", retry_after_s="7")
    busy.headers["retry-after"] = "7"
    line = Line(busy, good)
    line.exchange().well_known()
    assert line.waits == [7.0]


def test_patience_ends_and_says_what_was_wrong() -> None:
    line = Line(lambda: refusal(503, "call.busy", retry_after_s="3"))
    with pytest.raises(Busy):
        line.exchange().well_known()
    assert sum(line.waits) <= PATIENCE_S
    dead = Line(httpx2.ConnectError("no route"))
    with pytest.raises(ExchangeUnreachable, match="no route"):
        dead.exchange().well_known()


def test_a_retry_after_beyond_patience_gives_up_at_once() -> None:
    busy = refusal(503, "call.busy", retry_after_s="3600")
    busy.headers["retry-after"] = "3600"
    line = Line(busy)
    with pytest.raises(Busy):
        line.exchange().well_known()
    assert line.waits == []


def test_a_refusal_is_not_tried_again_and_comes_back_as_its_error() -> None:
    line = Line(refusal(401, "call.clock-skew", created="1", now="2", limit_s="10"))
    with pytest.raises(CallClockSkew, match="the exchange's clock says 2"):
        line.exchange().well_known()
    assert len(line.requests) == 1


def test_an_unknown_code_keeps_its_code_and_the_words_of_the_exchange() -> None:
    line = Line(refusal(422, "call.from-the-future", "Something {newer} happened."))
    with pytest.raises(ComityError) as refused:
        line.exchange().well_known()
    assert refused.value.code == "call.from-the-future"
    assert refused.value.sentence() == "Something {newer} happened."


def test_every_known_code_gives_its_own_class() -> None:
    assert isinstance(error_by_code("call.not-there", "", {}), NotThere)


def test_an_answer_longer_than_its_bound_is_not_read_to_its_end() -> None:
    served = 0

    def chunks() -> Any:
        nonlocal served
        while served < 50_000_000:
            served += 65536
            yield bytes(65536)

    line = Line(lambda: httpx2.Response(200, content=chunks()))
    with pytest.raises(AnswerRefused, match="longer than"):
        line.exchange().checkpoint()
    assert served < 1_000_000


def test_a_part_of_another_size_than_the_manifest_says_is_refused() -> None:
    line = Line(httpx2.Response(200, content=b"short"))
    with pytest.raises(AnswerRefused):
        line.exchange().part("m", "body", 6)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"name": 1}'])
def test_an_answer_of_another_shape_is_refused(body: bytes) -> None:
    line = Line(httpx2.Response(200, content=body))
    with pytest.raises(AnswerRefused):
        line.exchange().well_known()


def test_a_redirect_is_not_followed() -> None:
    line = Line(httpx2.Response(307, headers={"location": "https://elsewhere.example"}))
    with pytest.raises(AnswerRefused, match="another address"):
        line.exchange().well_known()
    assert len(line.requests) == 1


def test_a_refusal_without_explanation_is_told_as_such() -> None:
    line = Line(httpx2.Response(418, content=b"teapot"))
    with pytest.raises(AnswerRefused, match="418"):
        line.exchange().well_known()


def test_what_is_signed_is_what_is_sent() -> None:
    line = Line(httpx2.Response(200, json={"items": [], "next": "c/1"}))
    line.exchange().feed("c/1 +", wait_s=5)
    assert line.signed == [str(line.requests[0].url)]


def test_an_answer_about_another_message_is_refused() -> None:
    accepted = {"message": "other", "digest": "d", "receipt": "r", "decide_by": "t"}
    line = Line(httpx2.Response(202, json=accepted))
    with pytest.raises(AnswerRefused):
        line.exchange().submit("mine", "d", b"{}")
