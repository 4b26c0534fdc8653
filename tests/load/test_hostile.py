"""A short run of what `make hostile` does at length: wrong calls, schemathesis, and a siege, on a running exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.overload import ENROLLED
from tests.exchange_process import PARTIES, EnrolledExchange, enrol_exchange
from tests.hostile.__main__ import probe
from tests.hostile.arena import HONEST, Besieged
from tests.hostile.contract import is_installed, judge_contract
from tests.hostile.siege import MOST_GROWTH, POOLED_FILES, Honest, Process, besiege
from tests.unit.envelope.workshop import party

NEEDS_SCHEMATHESIS = pytest.mark.skipif(
    not is_installed(), reason="schemathesis is not installed: `make hostile` installs it where it can"
)
SHORT_TIMES = {"COMITY_HEAD_TIMEOUT_S": "1", "COMITY_BODY_TIMEOUT_S": "1"}
SECONDS = 1.0
SERVED = 0.5
"""Of their rate, which honest callers get in so short a time on a machine that does other things besides. The campaign
asks for more."""


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnrolledExchange]:
    names = sorted({*PARTIES, *ENROLLED})
    with enrol_exchange(tmp_path_factory.mktemp("hostile"), [party(one) for one in names], SHORT_TIMES) as enrolled:
        yield enrolled


def test_every_wrong_call_is_answered_as_it_must_be(exchange: EnrolledExchange) -> None:
    answered = asyncio.run(probe(exchange))
    assert [wrong for wrong in answered if wrong] == []
    assert len(answered) > 60


@NEEDS_SCHEMATHESIS
def test_the_exchange_answers_as_its_document_says(exchange: EnrolledExchange, tmp_path: Path) -> None:
    judged = judge_contract(exchange, tmp_path, examples=1, seed=1, phases="fuzzing,stateful")
    assert judged.found == (), judged.said
    assert judged.attempted > 26, judged.said


@pytest.mark.parametrize("load", ["silent", "ahead"])
def test_an_attack_costs_no_memory_no_files_and_no_honest_caller(exchange: EnrolledExchange, load: str) -> None:
    target = Besieged(exchange.process.url, exchange.process.pid)
    letters = target.letters(HONEST[0], 20)
    honest = Honest(target.port, target.honest(), letters)
    outcome = asyncio.run(besiege(load, target.aim(), honest, Process(target.pid), SECONDS, turns=1))
    assert outcome.is_alive
    assert outcome.ratio > SERVED, outcome.line()
    assert outcome.grown_bytes < MOST_GROWTH, outcome.line()
    assert outcome.files_left <= POOLED_FILES, outcome.line()
