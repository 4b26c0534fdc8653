"""One exchange, enrolled once, with a dossier open; every case gets a copy of its files and a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.faults.letters")

from client.signing import generate_authority_keys  # noqa: E402
from tests.exchange_process import PARTIES, EnrolledExchange, enrol_exchange  # noqa: E402
from tests.faults.letters import Prepared, open_dossier  # noqa: E402


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """An exchange that is stopped: Paris has read the request of Rabat, Brussels has it in its mailbox."""
    place = tmp_path_factory.mktemp("prepared")
    with enrol_exchange(place, [generate_authority_keys(party) for party in PARTIES]) as exchange:
        prepared = open_dossier(exchange)
        exchange.rows.wait_settled()
        exchange.hang_up()
        exchange.process.stop()
        exchange.process.start()  # what a stopping gateway has refused is an entry of the next start
        exchange.rows.wait_settled()
        exchange.process.stop()
        return prepared


@pytest.fixture
def copy_of(prepared: Prepared, tmp_path: Path) -> Iterator[Callable[[Path], EnrolledExchange]]:
    """Copies the prepared exchange to a place; whatever still runs at the end of the test is killed."""
    copies: list[EnrolledExchange] = []

    def copy(place: Path) -> EnrolledExchange:
        copies.append(prepared.exchange.copied_to(place))
        return copies[-1]

    yield copy
    for one in copies:
        one.hang_up()
        one.process.kill()


@pytest.fixture
def exchange(copy_of: Callable[[Path], EnrolledExchange], tmp_path: Path) -> EnrolledExchange:
    """The test's own copy, not started."""
    return copy_of(tmp_path)
