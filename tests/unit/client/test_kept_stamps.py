"""Stamps that the exchange keeps: taken into bundles and copies, believed under the reader's own roots alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.audit_report import AuditReport
from client.auditor import verify_ledger
from client.ledger_export import export_ledger
from client.ledger_stamps import STAMPS, StampedDirectory, StampedExchange, export_stamps, judge_stamps
from client.proof_making import make_bundle
from client.proof_verification import verify_bundle
from shared.audit import time_stamps
from shared.audit.time_stamps import StampRoots, build_stamp_request
from shared.errors import LedgerInvalid, ProofStampInvalid
from shared.keys.trust import Trust, encode_trust, parse_trust
from tests.unit.client.auditors import AUDITOR, auditor_of, enrol_auditor
from tests.unit.client.letters import FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.stamping import LocalAuthority, local_authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return local_authority(tmp_path_factory.mktemp("time") / "authority")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return local_authority(tmp_path_factory.mktemp("other") / "authority")


def stamp(exchange: PaperExchange, authority: LocalAuthority, name: str = "tsa.example") -> None:
    exchange.keep_stamp(authority.reply(build_stamp_request(exchange.log.head()).der), name)


def trusting(exchange: PaperExchange, authority: LocalAuthority) -> Trust:
    return exchange.trust(stamp_roots=authority.roots.ders())


# --- bundles


def test_a_bundle_takes_the_earliest_stamp_that_covers_its_message(
    exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority, other: LocalAuthority
) -> None:
    trust = trusting(exchange, authority)
    stamp(exchange, authority)
    ma = exchange.correspond(MA, tmp_path, trust)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    assert make_bundle(ma, kept.message).bundle.time_stamp is None, "the one before the message says nothing of it"
    exchange.keep_stamp(b"no DER", "broken.example")
    stamp(exchange, other, "other.example")
    stamp(exchange, authority)
    size = len(exchange.log.entries)
    exchange.add_leaf("exchange.started", service="intake", version="0.1.0")
    stamp(exchange, authority)
    exchange.add_leaf("exchange.started", service="intake", version="0.1.0")
    bundle = make_bundle(ma, kept.message).bundle
    assert bundle.time_stamp is not None
    assert bundle.time_stamp.size == size
    proven = verify_bundle(bundle, trust)
    assert [(str(one.who), one.size) for one in proven.witnessed] == [
        ("the time-stamp authority CN=Stamps of Rabat", size)
    ]


def test_without_a_root_no_stamp_is_taken(exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority) -> None:
    """It could be anything, and a bundle with it would verify for nobody who has the root."""
    ma = exchange.correspond(MA, tmp_path)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    stamp(exchange, authority)
    assert make_bundle(ma, kept.message).bundle.time_stamp is None
    taken = make_bundle(ma, kept.message, roots=authority.roots).bundle
    assert taken.time_stamp is not None


def test_a_stamp_of_another_authority_than_the_trust_files_is_not_judged_until_its_root_is_given(
    exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority, other: LocalAuthority
) -> None:
    ma = exchange.correspond(MA, tmp_path)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    stamp(exchange, authority)
    bundle = make_bundle(ma, kept.message, roots=authority.roots).bundle
    believing_others = trusting(exchange, other)
    assert verify_bundle(bundle, believing_others).witnessed == ()
    assert len(verify_bundle(bundle, believing_others, roots=authority.roots).witnessed) == 1
    with pytest.raises(ProofStampInvalid):
        verify_bundle(bundle, exchange.trust(), roots=other.roots)


def test_without_the_library_a_trust_file_that_names_roots_makes_and_verifies_bundles_without_stamps(
    exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = trusting(exchange, authority)
    ma = exchange.correspond(MA, tmp_path, trust)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    stamp(exchange, authority)
    stamped = make_bundle(ma, kept.message).bundle
    assert stamped.time_stamp is not None
    monkeypatch.setattr(time_stamps, "find_spec", lambda name: None)
    assert make_bundle(ma, kept.message).bundle.time_stamp is None
    assert verify_bundle(stamped, trust).witnessed == ()


# --- copies


def source_of(exchange: PaperExchange) -> StampedExchange:
    if exchange.directory.party(AUDITOR) is None:
        enrol_auditor(exchange)
    return StampedExchange(auditor_of(exchange))


def copied(exchange: PaperExchange, folder: Path) -> int:
    source, trust = source_of(exchange), exchange.trust()
    export_ledger(source, folder, trust)
    return export_stamps(source, folder, trust)


def judged(exchange: PaperExchange, folder: Path, roots: StampRoots | None) -> AuditReport:
    source, trust = StampedDirectory(folder), exchange.trust()
    report = verify_ledger(source, trust, workers=0)
    assert report.ok
    judge_stamps(source, trust, roots, report)
    return report


def test_a_copy_gets_each_stamp_once_and_an_audit_judges_all(
    exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.ledger_stamps.STAMP_PAGE", 2)
    exchange.stamp_page = 2
    source_of(exchange)
    for _ in range(5):
        exchange.add_leaf("exchange.started", service="intake", version="0.1.0")
        stamp(exchange, authority)
    assert copied(exchange, tmp_path / "copy") == 5
    exchange.add_leaf("exchange.started", service="intake", version="0.1.0")
    assert copied(exchange, tmp_path / "copy") == 0
    stamp(exchange, authority, "second.example")
    stamp(exchange, authority)
    assert copied(exchange, tmp_path / "copy") == 2
    report = judged(exchange, tmp_path / "copy", authority.roots)
    assert (report.ok, report.stamps_found, report.stamps_judged) == (True, 7, 7)
    assert report.stamped_at is not None
    counted = judged(exchange, tmp_path / "copy", None)
    assert (counted.ok, counted.stamps_found, counted.stamps_judged) == (True, 7, 0)


def test_an_audit_names_a_stamp_that_is_changed_misplaced_or_of_a_stranger(
    exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority, other: LocalAuthority
) -> None:
    source_of(exchange)
    stamp(exchange, authority)
    exchange.add_leaf("exchange.started", service="intake", version="0.1.0")
    assert copied(exchange, tmp_path / "copy") == 1
    [file] = (tmp_path / "copy" / STAMPS).iterdir()
    report = judged(exchange, tmp_path / "copy", other.roots)
    assert [one.what for one in report.differences] == ["time-stamp"]
    size, _, rest = file.name.partition("-")
    moved = file.with_name(f"{int(size) - 1}-{rest}")
    file.rename(moved)
    assert not judged(exchange, tmp_path / "copy", authority.roots).ok
    (file.parent / file.name).write_bytes(moved.read_bytes()[:-1])
    moved.unlink()
    assert not judged(exchange, tmp_path / "copy", authority.roots).ok


def test_an_entry_that_was_logged_after_its_stamp_is_a_difference(
    exchange: PaperExchange, tmp_path: Path, authority: LocalAuthority
) -> None:
    source_of(exchange)
    exchange.now = datetime.now(UTC) + timedelta(days=300)  # the authority's clock is this machine's
    index = exchange.add_leaf("exchange.started", service="intake", version="0.1.0")
    stamp(exchange, authority)
    copied(exchange, tmp_path / "copy")
    report = judged(exchange, tmp_path / "copy", authority.roots)
    assert [(one.index, one.what) for one in report.differences] == [(index, "time-stamp")]


@pytest.mark.parametrize(
    "item",
    [
        {"size": 1, "authority": "../../../etc/cron.d/x", "token": ""},
        {"size": 1, "authority": "tsa.example", "token": "="},
        {"size": 0, "authority": "tsa.example", "token": ""},
    ],
    ids=["a path", "no base64", "not asked for"],
)
def test_an_exchange_that_shows_something_else_as_a_stamp_is_refused(
    exchange: PaperExchange, tmp_path: Path, item: dict[str, object]
) -> None:
    exchange.tamper = lambda path, body: json.dumps({"items": [item]}).encode() if "stamps" in path else body
    with pytest.raises(LedgerInvalid):
        copied(exchange, tmp_path / "copy")
    assert not (tmp_path / "copy" / STAMPS).exists()


def test_a_trust_file_names_roots_and_reads_without_them(exchange: PaperExchange, authority: LocalAuthority) -> None:
    trust = trusting(exchange, authority)
    assert parse_trust(encode_trust(trust)) == trust
    assert b"stamp_roots" not in encode_trust(exchange.trust())
