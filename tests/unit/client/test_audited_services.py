"""What the exchange tells of its services is judged: rosters that the operators signed, and processes under them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from client.audit_file import AuditFile
from client.auditor import verify_ledger
from client.ledger_source import DirectoryLedger
from shared.domain.ids import encode_time, new_uuid7
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer, generate_ed25519, generate_xwing
from shared.keys.roster import ServiceKeys, draft_roster, sign_roster
from shared.keys.signed_document import encode_signed_document, parse_signed_document
from tests.unit.audit.paper_log import ORIGIN
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import audit, copy_of, found

HOUR_S = 3600
SERVICES = [
    ServiceKeys(one, generate_ed25519().public_key(), generate_xwing().public_key()) for one in ("intake", "routing")
]
SEALING = generate_xwing().public_key()


@dataclass
class Operated:
    """A paper exchange whose services tell of themselves. `roster` is the digest of the one told last."""

    exchange: PaperExchange
    roster: str = ""
    processes: dict[str, str] = field(default_factory=dict)

    def sign(
        self,
        issued_at: datetime,
        exchange: str = ORIGIN,
        signers: tuple[Ed25519Signer, ...] = (),
        gateway: Ed25519Signer | None = None,
    ) -> bytes:
        gateway_key = (gateway or self.exchange.receipt_signer).public_key()
        draft = draft_roster(exchange, issued_at, [ServiceKeys("gateway", gateway_key, SEALING), *SERVICES])
        operators = signers or self.exchange.operators
        return encode_signed_document(draft, [sign_roster(draft, one) for one in operators])

    def announce(self, signed: bytes, **changes: Any) -> str:
        self.roster = encode_b64u(parse_signed_document(signed).digest())
        fields = {"roster_sha256": self.roster, "document": json.loads(signed)}
        self.exchange.add_leaf("directory.roster", **{**fields, **changes})
        return self.roster

    def start(self, service: str = "intake", **changes: Any) -> None:
        process = new_uuid7(self.exchange.now)
        self.processes[service] = process
        fields = {
            "service": service,
            "version": "0.1.0",
            "process": process,
            "started_at": encode_time(self.exchange.now),
            "roster_sha256": self.roster,
        }
        self.exchange.add_leaf("exchange.started", **{**fields, **changes})

    def stop(self, service: str = "intake", **changes: Any) -> None:
        at = encode_time(self.exchange.now)
        fields = {"service": service, "process": self.processes.get(service), "stopped_at": at}
        self.exchange.add_leaf("exchange.stopped", **{**fields, **changes})


@pytest.fixture
def operated(story: PaperExchange) -> Operated:
    made = Operated(copy_of(story))
    made.announce(made.sign(made.exchange.now))
    return made


def test_services_that_start_and_end_in_order_are_no_difference(operated: Operated, tmp_path: Path) -> None:
    for service in ("gateway", "intake", "routing"):
        operated.start(service)
    operated.exchange.pass_time(HOUR_S)
    for service in ("routing", "intake"):
        operated.stop(service)  # the gateway was killed
    operated.start("gateway")
    report = audit(operated.exchange, tmp_path)
    assert report.ok, report.differences
    assert (report.leaves["exchange.started"], report.leaves["exchange.stopped"]) == (4, 2)


def test_a_new_roster_is_followed_and_the_same_one_may_be_told_again(operated: Operated, tmp_path: Path) -> None:
    operated.start()
    operated.exchange.pass_time(HOUR_S)
    newer = operated.sign(operated.exchange.now)
    operated.announce(newer)
    operated.start()
    operated.exchange.pass_time(8 * 24 * HOUR_S)
    operated.announce(newer)
    operated.start()
    report = audit(operated.exchange, tmp_path)
    assert report.ok, report.differences


def test_a_roster_set_back_is_seen_when_it_is_told_again(operated: Operated, tmp_path: Path) -> None:
    older = operated.sign(operated.exchange.now)
    operated.exchange.pass_time(HOUR_S)
    operated.announce(operated.sign(operated.exchange.now))
    operated.announce(older)
    assert found(audit(operated.exchange, tmp_path)) == {"roster"}


def test_a_service_that_goes_back_to_an_older_roster_is_seen(operated: Operated, tmp_path: Path) -> None:
    older = operated.roster
    operated.exchange.pass_time(HOUR_S)
    operated.announce(operated.sign(operated.exchange.now))
    operated.start()
    operated.exchange.pass_time(2 * HOUR_S)
    operated.start(roster_sha256=older)
    report = audit(operated.exchange, tmp_path)
    assert found(report) == {"roster"}
    assert "after it had worked under that of" in report.differences[0].why


def test_while_a_new_roster_is_brought_to_all_machines_an_old_one_may_start_once_more(
    operated: Operated, tmp_path: Path
) -> None:
    older = operated.roster
    operated.exchange.pass_time(HOUR_S)
    operated.announce(operated.sign(operated.exchange.now))
    operated.start()
    operated.exchange.pass_time(HOUR_S / 2)
    operated.start(roster_sha256=older)
    operated.start("routing", roster_sha256=older)
    assert audit(operated.exchange, tmp_path).ok


def test_a_roster_of_strangers_or_for_another_exchange_is_seen(operated: Operated, tmp_path: Path) -> None:
    later = operated.exchange.now + timedelta(seconds=1)
    strangers = (generate_ed25519(), generate_ed25519())
    operated.announce(operated.sign(later, signers=strangers))
    operated.announce(operated.sign(later, signers=operated.exchange.operators[:1]))
    operated.announce(operated.sign(later, exchange="another.example/log"))
    operated.announce(operated.sign(later), roster_sha256=encode_b64u(bytes(32)))
    report = audit(operated.exchange, tmp_path)
    assert [one.what for one in report.differences] == ["roster"] * 4


def test_a_gateway_with_a_key_that_the_trust_file_does_not_name_is_seen(operated: Operated, tmp_path: Path) -> None:
    operated.exchange.pass_time(1)
    operated.announce(operated.sign(operated.exchange.now, gateway=generate_ed25519()))
    assert found(audit(operated.exchange, tmp_path)) == {"roster"}


UNTRUE: dict[str, tuple[str, dict[str, Any]]] = {
    "under a roster that nobody told": ("roster", {"roster_sha256": encode_b64u(bytes(32))}),
    "as a service that is not in the roster": ("service", {"service": "notification"}),
    "in time to come": ("service", {"started_at": "2031-01-01T00:00:00Z"}),
}


@pytest.mark.parametrize("how", UNTRUE)
def test_a_start_that_cannot_be_is_seen(operated: Operated, tmp_path: Path, how: str) -> None:
    what, changes = UNTRUE[how]
    operated.start(**changes)
    operated.exchange.pass_time(2 * HOUR_S)
    operated.start("routing")
    assert found(audit(operated.exchange, tmp_path)) == {what}


@pytest.mark.parametrize(("hours", "differences"), [(0.5, []), (1.5, ["roster"])])
def test_a_roster_is_told_within_the_hour_after_a_start_under_it(
    operated: Operated, tmp_path: Path, hours: float, differences: list[str]
) -> None:
    operated.exchange.pass_time(1)
    newer = operated.sign(operated.exchange.now)
    operated.start(roster_sha256=encode_b64u(parse_signed_document(newer).digest()))
    operated.exchange.pass_time(hours * HOUR_S)
    operated.announce(newer)
    operated.exchange.pass_time(2 * HOUR_S)
    operated.start()
    assert [one.what for one in audit(operated.exchange, tmp_path).differences] == differences


def test_an_end_may_be_told_before_the_start_and_within_the_hour(operated: Operated, tmp_path: Path) -> None:
    process, began = new_uuid7(operated.exchange.now), encode_time(operated.exchange.now)
    operated.exchange.pass_time(60)
    operated.stop(process=process)
    operated.start(process=process, started_at=began)
    operated.stop("gateway", process=new_uuid7(operated.exchange.now))
    operated.exchange.pass_time(2 * HOUR_S)
    operated.start("routing")
    assert [one.why for one in audit(operated.exchange, tmp_path).differences if "gateway" not in one.why] == []
    assert found(audit(operated.exchange, tmp_path)) == {"service"}


def test_a_process_begins_once(operated: Operated, tmp_path: Path) -> None:
    operated.start()
    first = operated.processes["intake"]
    operated.start()
    operated.start(process=first)
    assert [one.what for one in audit(operated.exchange, tmp_path).differences] == ["service"]


ENDED: dict[str, dict[str, Any]] = {
    "as a process that never began": {"process": "019aa8f3-2d4b-7c11-8e5a-0123456789ab"},
    "before it began": {"stopped_at": "2026-01-01T00:00:00Z"},
    "in time to come": {"stopped_at": "2031-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("how", ENDED)
def test_an_end_that_cannot_be_is_seen(operated: Operated, tmp_path: Path, how: str) -> None:
    operated.start()
    operated.exchange.pass_time(60)
    operated.stop(**ENDED[how])
    operated.exchange.pass_time(2 * HOUR_S)
    operated.start("routing")
    assert found(audit(operated.exchange, tmp_path)) == {"service"}


def test_a_process_ends_as_the_service_that_it_began_as(operated: Operated, tmp_path: Path) -> None:
    operated.start()
    operated.stop("routing", process=operated.processes["intake"])
    assert found(audit(operated.exchange, tmp_path)) == {"service"}


def test_a_process_ends_once(operated: Operated, tmp_path: Path) -> None:
    operated.start()
    operated.stop()
    operated.stop()
    assert [one.what for one in audit(operated.exchange, tmp_path).differences] == ["service"]


def test_what_was_read_of_rosters_and_processes_is_remembered_by_a_reading_that_goes_on(
    operated: Operated, tmp_path: Path
) -> None:
    exchange, older = operated.exchange, operated.roster
    exchange.pass_time(HOUR_S)
    operated.announce(operated.sign(exchange.now))
    operated.start()

    def read() -> list[str]:
        with AuditFile(tmp_path / "audit.sqlite3") as file:
            source = DirectoryLedger(exchange.write_ledger(tmp_path / "ledger"))
            return [one.what for one in verify_ledger(source, exchange.trust(), file=file, workers=0).differences]

    assert read() == []
    exchange.pass_time(2 * HOUR_S)
    operated.stop()
    operated.start("routing")
    assert read() == []
    operated.start(roster_sha256=older)
    assert read() == ["roster"]
