"""An auditor counts the limits of transport again: what was said of none that was missed, or not said, is found."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared.domain.ids import encode_time
from tests.unit.client.letters import FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import at_work, audit, copy_of, found

AN_HOUR = timedelta(hours=1)


def with_a_request(home: Path, delivers: bool) -> PaperExchange:
    exchange = PaperExchange()
    exchange.enrol(MA, FR)
    exchange.load_registry()
    if not delivers:
        exchange.deliver = lambda received, legs: exchange.keep(received, legs)  # type: ignore[method-assign]  # it hangs
    open_dossier(exchange.correspond(MA, home), FR)
    return exchange


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> PaperExchange:
    return with_a_request(tmp_path_factory.mktemp("ma"), delivers=True)


@pytest.fixture(scope="module")
def hanging(tmp_path_factory: pytest.TempPathFactory) -> PaperExchange:
    return with_a_request(tmp_path_factory.mktemp("ma"), delivers=False)


def say(exchange: PaperExchange, said: str, falls: timedelta, begun: datetime, code: str = "time-limit") -> None:
    [received] = exchange.envelopes.values()
    about = {"falls": encode_time(begun + falls)}
    if said.endswith("-late"):
        awaited = {"relay-late": "relay-acceptance"}.get(said, said.removesuffix("-late"))
        place = {"message": received.header.id, "dossier": received.header.dossier, "recipient": FR}
        exchange.add_leaf("clock.transport-late", **place, **about, awaited=awaited, envelope_sha256=received.digest)
    else:
        reason = {} if said == "non-retrieval" else {"code": code}
        exchange.evidence(said, received, FR, **about, **reason)


def tell(
    story: PaperExchange,
    *told: tuple[str, int],
    until: int,
    begun: datetime | None = None,
    late: timedelta = AN_HOUR / 9,
) -> PaperExchange:
    """Each of these is said, so many hours after the acceptance, of an exchange that works until then."""
    exchange = copy_of(story)
    begun = begun or exchange.now
    for said, hours in told:
        at_work(exchange, begun + hours * AN_HOUR + late)
        say(exchange, said, hours * AN_HOUR, begun)
    at_work(exchange, begun + until * AN_HOUR)
    return exchange


def test_a_retrieval_that_did_not_come_is_said_at_its_limits(delivered: PaperExchange, tmp_path: Path) -> None:
    report = audit(tell(delivered, ("retrieval-late", 24), ("non-retrieval", 36), until=38), tmp_path)
    assert report.ok, report.differences


def test_a_delivery_that_did_not_come_is_said_at_its_limits(hanging: PaperExchange, tmp_path: Path) -> None:
    told = (("relay-late", 1), ("delivery-late", 12), ("relay-failure", 12), ("non-delivery", 24))
    report = audit(tell(hanging, *told, until=40), tmp_path)
    assert report.ok, report.differences


@pytest.mark.parametrize("missing", ["retrieval-late", "non-retrieval"])
def test_a_retrieval_that_did_not_come_and_nobody_said_so_is_found(
    delivered: PaperExchange, tmp_path: Path, missing: str
) -> None:
    told = [one for one in (("retrieval-late", 24), ("non-retrieval", 36)) if one[0] != missing]
    report = audit(tell(delivered, *told, until=38), tmp_path)
    assert found(report) == {"clock"}
    assert f"{missing} of" in report.differences[0].why


@pytest.mark.parametrize("missing", ["relay-late", "delivery-late", "relay-failure"])
def test_a_delivery_that_did_not_come_and_nobody_said_so_is_found(
    hanging: PaperExchange, tmp_path: Path, missing: str
) -> None:
    told = [("relay-late", 1), ("delivery-late", 12), ("relay-failure", 12), ("non-delivery", 24)]
    report = audit(tell(hanging, *(one for one in told if one[0] != missing), until=26), tmp_path)
    assert found(report) == {"clock"}
    assert len(report.differences) == 1


def test_after_an_absence_all_is_said_at_once_and_is_no_difference(delivered: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(delivered)
    begun, exchange.now = exchange.now, exchange.now + timedelta(days=3)
    say(exchange, "retrieval-late", 24 * AN_HOUR, begun)
    say(exchange, "non-retrieval", 36 * AN_HOUR, begun)
    report = audit(exchange, tmp_path)
    assert report.ok, report.differences


def test_what_is_said_long_after_it_fell_is_found(delivered: PaperExchange, tmp_path: Path) -> None:
    exchange = tell(delivered, ("retrieval-late", 24), until=25, late=AN_HOUR * 1.2)
    assert found(audit(exchange, tmp_path)) == {"clock"}


@pytest.mark.parametrize(
    ("said", "hours"),
    [("non-delivery", 24), ("relay-late", 1), ("retrieval-late", 20), ("non-retrieval", 24), ("relay-failure", 12)],
)
def test_a_limit_that_was_not_missed_is_not_denied(
    delivered: PaperExchange, tmp_path: Path, said: str, hours: int
) -> None:
    exchange = copy_of(delivered)
    begun, exchange.now = exchange.now, exchange.now + hours * AN_HOUR
    say(exchange, said, hours * AN_HOUR, begun)
    assert found(audit(exchange, tmp_path)) == {"evidence"}


def test_a_limit_that_is_said_to_be_missed_for_another_reason_is_found(hanging: PaperExchange, tmp_path: Path) -> None:
    exchange = tell(hanging, ("relay-late", 1), ("delivery-late", 12), until=12)
    say(exchange, "relay-failure", 12 * AN_HOUR, hanging.now, code="refused-by-the-recipient")
    report = audit(exchange, tmp_path)
    assert found(report) == {"evidence"}
    assert "refused-by-the-recipient" in report.differences[0].why


def test_what_is_said_of_another_time_is_found(delivered: PaperExchange, tmp_path: Path) -> None:
    exchange = copy_of(delivered)
    begun, exchange.now = exchange.now, exchange.now + 30 * AN_HOUR
    say(exchange, "retrieval-late", 25 * AN_HOUR, begun)
    assert found(audit(exchange, tmp_path)) == {"evidence"}


def test_a_delivery_that_is_dated_before_its_denial_is_found(hanging: PaperExchange, tmp_path: Path) -> None:
    """Said not to have come within the hour, and then to have come within it."""
    exchange = copy_of(hanging)
    begun = exchange.now
    at_work(exchange, begun + AN_HOUR * 1.1)
    say(exchange, "relay-late", AN_HOUR, begun)
    [received] = exchange.envelopes.values()
    place = {"message": received.header.id, "dossier": received.header.dossier, "recipient": FR}
    exchange.add_leaf("evidence.delivery", **place, envelope_sha256=received.digest, at=begun + AN_HOUR * 0.9)
    report = audit(exchange, tmp_path)
    assert found(report) == {"evidence"}
    assert "relay-late was said of it" in report.differences[0].why
