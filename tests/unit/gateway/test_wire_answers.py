"""Who is refused before there is a call hears why, like everybody else."""

from __future__ import annotations

import json

import pytest

from gateway.problems import STATUS
from gateway.wire_answers import wire_answers
from shared.runtime.connection_limits import PLAIN_ANSWERS, ConnectionLimits, Refusal


@pytest.mark.parametrize("why", Refusal)
def test_a_refused_connection_gets_a_whole_problem_document(why: Refusal) -> None:
    head, _, body = wire_answers(ConnectionLimits())[why].partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    given = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    problem = json.loads(body)
    assert status.startswith(f"HTTP/1.1 {STATUS[problem['code']]} ")
    assert given["content-type"] == "application/problem+json"
    assert int(given["content-length"]) == len(body)
    assert given["connection"] == "close"
    assert ("retry-after" in given) == (problem["status"] == 503)


def test_the_health_of_a_service_says_the_same_in_numbers() -> None:
    told = {why: answer.split()[1] for why, answer in wire_answers(ConnectionLimits()).items()}
    assert {why: answer.split()[1] for why, answer in PLAIN_ANSWERS.items()} == told
