"""One exchange for all acceptance tests that call it by themselves: running, with authorities that may misbehave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.acceptance.refusals")

from tests.acceptance.refusals import Bench  # noqa: E402
from tests.exchange_process import PARTIES, enrol_exchange  # noqa: E402
from tests.unit.envelope.workshop import party  # noqa: E402


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The four authorities of the demonstration, and one that the operators have suspended."""
    authorities = (*PARTIES, "IT.MG")
    with enrol_exchange(tmp_path_factory.mktemp("bench"), [party(one) for one in authorities]) as exchange:
        exchange.change("suspend", "IT.MG")
        bench = Bench(exchange)
        yield bench
        bench.close()
