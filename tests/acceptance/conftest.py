"""One exchange for all acceptance tests that call it by themselves: running, with authorities that may misbehave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.refusals import Bench
from tests.exchange_process import PARTIES, enrol_exchange
from tests.unit.envelope.workshop import party


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The four authorities of the demonstration, and one that the operators have suspended."""
    authorities = (*PARTIES, "IT.MG")
    with enrol_exchange(tmp_path_factory.mktemp("bench"), [party(one) for one in authorities]) as exchange:
        exchange.change("suspend", "IT.MG")
        bench = Bench(exchange)
        yield bench
        bench.close()
