"""The exchange's own keys are changed: what was sealed and signed under those of before still counts, and no longer."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters import renewed_keys
from shared.adapters.keyfiles import init_exchange, load_roster, load_service_keys, load_trust
from shared.adapters.renewed_keys import FORMER_KEYS_COUNT, announce_log, renew_log, renew_services
from shared.apisig.directory_statements import DirectoryStatement, sign_statement
from shared.apisig.exchange_word import verify_own_receipt, verify_own_statement
from shared.apisig.receipts import Receipt, sign_receipt
from shared.contracts.topology import SERVICES
from shared.domain.ids import new_uuid7
from shared.errors import (
    DirectoryUndated,
    FrameRefused,
    ReceiptInvalid,
    RosterRefused,
    SettingsRefused,
)
from shared.frame.items import Item
from shared.frame.open import FrameOpener
from shared.frame.seal import FrameSealer
from shared.keys.private import Ed25519Signer, generate_ed25519
from shared.keys.roster import MAX_FORMER
from shared.keys.signed_document import MAX_SIGNED_DOCUMENT_BYTES

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
AFTERWARDS = LATER + FORMER_KEYS_COUNT + timedelta(hours=1)
OPERATORS = [generate_ed25519(), generate_ed25519()]
ORIGIN = "exchange.test/log"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    init_exchange(tmp_path, ORIGIN, OPERATORS, 2, NOW, "development")
    return tmp_path


def seal(data: Path, at: datetime, producer: str = "intake", consumer: str = "routing") -> bytes:
    """As a process of this producer does it with the files that are there."""
    roster = load_roster(data, load_trust(data))
    keys = load_service_keys(data, producer, roster)
    sealer = FrameSealer(producer, keys.signer, {consumer: roster.services[consumer].seal}, {consumer: consumer})
    return sealer.seal(consumer, [Item(new_uuid7(at), "a-message", 1, b"sealed")], at)


def opens(data: Path, frame: bytes, now: datetime, producer: str = "intake", consumer: str = "routing") -> bool:
    roster = load_roster(data, load_trust(data))
    own = load_service_keys(data, consumer, roster)
    opener = FrameOpener(consumer, own.openers, roster, {consumer: frozenset({producer})}, 14 * 86_400)
    try:
        return opener.open(frame, consumer, now).items[0].data == b"sealed"
    except FrameRefused:
        return False


def files(data: Path) -> dict[str, bytes]:
    return {str(file.relative_to(data)): file.read_bytes() for file in sorted(data.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("renewed", [{"intake"}, {"routing"}, {"intake", "routing"}])
def test_what_was_sealed_before_is_opened_after(data: Path, renewed: set[str]) -> None:
    before = seal(data, NOW)
    renew_services(data, renewed, OPERATORS, LATER)
    assert opens(data, before, LATER)
    assert opens(data, seal(data, LATER), LATER)


def test_keys_of_before_seal_nothing_that_counts_when_their_time_is_over(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stolen = tmp_path_factory.mktemp("before")
    for name, content in files(data).items():
        (stolen / name).parent.mkdir(exist_ok=True, mode=0o700)
        (stolen / name).write_bytes(content)
        (stolen / name).chmod(0o600)
    renew_services(data, {"intake"}, OPERATORS, LATER)
    assert opens(data, seal(stolen, LATER + timedelta(minutes=1)), AFTERWARDS), "processes are still to be restarted"
    assert not opens(data, seal(stolen, AFTERWARDS), AFTERWARDS)


def test_nothing_under_stolen_keys_is_opened(data: Path) -> None:
    before, to_stolen = seal(data, NOW), seal(data, NOW, "gateway", "intake")
    renew_services(data, {"intake"}, OPERATORS, LATER, stolen_since=NOW)
    assert not opens(data, before, LATER)
    assert not opens(data, to_stolen, LATER, "gateway", "intake")
    assert opens(data, seal(data, LATER), LATER)


def test_as_many_pairs_as_the_roster_holds_are_kept_and_it_still_fits_an_entry(data: Path) -> None:
    frames = []
    for number in range(MAX_FORMER + 2):
        at = NOW + timedelta(hours=number)
        frames.append(seal(data, at))
        renew_services(data, SERVICES, OPERATORS, at + timedelta(minutes=1))
    announce_log(data, OPERATORS, AFTERWARDS)
    assert len((data / "roster.json").read_bytes()) <= MAX_SIGNED_DOCUMENT_BYTES
    assert [opens(data, frame, NOW + timedelta(hours=9)) for frame in frames] == [False, False, True, True]


def test_who_is_no_quorum_of_operators_changes_nothing(data: Path) -> None:
    before = files(data)
    strangers: list[list[Ed25519Signer]] = [OPERATORS[:1], [OPERATORS[0], generate_ed25519()]]
    for operators in strangers:
        with pytest.raises(RosterRefused):
            renew_services(data, SERVICES, operators, LATER)
    with pytest.raises(SettingsRefused, match="mailroom does not stand"):
        renew_services(data, {"mailroom"}, OPERATORS, LATER)
    with pytest.raises(SettingsRefused, match="later than now"):
        renew_services(data, {"intake"}, OPERATORS, NOW)
    (data / "keys" / "routing.json").unlink()
    with pytest.raises(SettingsRefused, match=r"routing.json cannot be read"):
        renew_services(data, SERVICES, OPERATORS, LATER)
    assert files(data) == {name: content for name, content in before.items() if "routing" not in name}


def written_up_to(before: dict[str, bytes], after: dict[str, bytes]) -> Iterator[dict[str, bytes]]:
    """The files as they are when a process is killed after each write, in the order of the writes."""
    order = sorted((name for name in after if name.startswith("keys/")), key=lambda name: name)
    now = dict(before)
    for name in (*order, "trust.json"):
        now[name] = after[name]
        yield dict(now)


def test_a_death_between_two_files_leaves_an_exchange_that_starts(data: Path) -> None:
    before, frame = files(data), seal(data, NOW)
    renew_services(data, SERVICES, OPERATORS, LATER)
    after = files(data)
    for left in written_up_to(before, after):
        for name, content in left.items():
            (data / name).write_bytes(content)
        roster = load_roster(data, load_trust(data))
        for service in SERVICES:
            load_service_keys(data, service, roster)
        assert opens(data, frame, NOW)


_KILLED = """
import os, signal, sys
from pathlib import Path
from shared.adapters import renewed_keys
from tests.unit.adapters.test_renewed_keys import LATER, renew_services
from shared.keys.private import Ed25519Signer

write = renewed_keys.write_durably

def dies(file, *given):
    write(file, *given)
    if file.name == "trust.json":
        os.kill(os.getpid(), signal.SIGKILL)

renewed_keys.write_durably = dies
operators = [Ed25519Signer(bytes.fromhex(one)) for one in sys.argv[2:]]
renew_services(Path(sys.argv[1]), {"gateway", "intake"}, operators, LATER)
"""


def test_a_renewal_of_the_gateway_that_was_killed_before_its_roster_is_mended_by_the_next(tmp_path: Path) -> None:
    seeds = [bytes([number]) * 32 for number in (1, 2)]
    operators = [Ed25519Signer(seed) for seed in seeds]
    init_exchange(tmp_path, ORIGIN, operators, 2, NOW, "development")
    before, frame = load_trust(tmp_path), seal(tmp_path, NOW)
    command = [sys.executable, "-c", _KILLED, str(tmp_path), *(seed.hex() for seed in seeds)]
    died = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    left = load_trust(tmp_path)
    assert left.receipt_key != before.receipt_key, "the new trust file is there, and the old roster"
    assert renewed_keys.is_broken_off(tmp_path)
    assert opens(tmp_path, frame, LATER), "and the exchange works on"
    with pytest.raises(SettingsRefused, match="renew those of gateway, too"):
        renew_services(tmp_path, {"routing"}, operators, AFTERWARDS)
    with pytest.raises(SettingsRefused, match="renew those of gateway, too"):
        announce_log(tmp_path, operators, AFTERWARDS)
    with pytest.raises(SettingsRefused, match="renew those of gateway, too"):
        renew_log(tmp_path, 7)
    renew_services(tmp_path, {"gateway"}, operators, AFTERWARDS)
    trust = load_trust(tmp_path)
    assert not renewed_keys.is_broken_off(tmp_path)
    assert [one.key for one in trust.former_receipt_keys] == [before.receipt_key], "what never signed is not named"
    assert trust.receipt_key not in (left.receipt_key, before.receipt_key)
    roster = load_roster(tmp_path, trust)
    assert load_service_keys(tmp_path, "gateway", roster).signer.public == trust.receipt_key.raw
    assert opens(tmp_path, seal(tmp_path, AFTERWARDS, "gateway", "intake"), AFTERWARDS, "gateway", "intake")


def test_a_trust_file_and_a_roster_that_do_not_belong_together_renew_nothing(data: Path) -> None:
    roster = (data / "roster.json").read_bytes()
    for hour in (1, 2):
        renew_services(data, {"gateway"}, OPERATORS, NOW + timedelta(hours=hour))
    (data / "roster.json").write_bytes(roster)
    before = files(data)
    with pytest.raises(SettingsRefused, match="different times"):
        renew_services(data, {"gateway"}, OPERATORS, AFTERWARDS)
    assert files(data) == before


def test_receipts_and_statements_are_verified_by_the_key_that_the_gateway_had_then(data: Path) -> None:
    digest, old_trust = "A" * 43, load_trust(data)
    old = load_service_keys(data, "gateway", load_roster(data, old_trust)).signer
    renew_services(data, {"gateway"}, OPERATORS, LATER)
    trust = load_trust(data)
    new = load_service_keys(data, "gateway", load_roster(data, trust)).signer

    def receipt(at: datetime) -> Receipt:
        return Receipt(ORIGIN, "MA.PGR", new_uuid7(at), digest, at, at + timedelta(hours=1))

    for one, signer in ((receipt(NOW), old), (receipt(LATER), old), (receipt(LATER), new)):
        assert verify_own_receipt(sign_receipt(one, signer), trust) == one
    with pytest.raises(ReceiptInvalid):
        verify_own_receipt(sign_receipt(receipt(AFTERWARDS), old), trust)
    with pytest.raises(ReceiptInvalid):
        verify_own_receipt(sign_receipt(receipt(LATER), new), old_trust)
    said = DirectoryStatement(ORIGIN, 0, None, NOW)
    assert verify_own_statement(sign_statement(said, old), trust) == said
    with pytest.raises(DirectoryUndated):
        verify_own_statement(sign_statement(DirectoryStatement(ORIGIN, 0, None, AFTERWARDS), old), trust)


def test_of_a_stolen_receipt_key_what_it_signed_before_the_theft_stands(data: Path) -> None:
    old = load_service_keys(data, "gateway", load_roster(data, load_trust(data))).signer
    renew_services(data, {"gateway"}, OPERATORS, LATER, stolen_since=NOW)
    [former] = load_trust(data).former_receipt_keys
    assert (former.key.raw, former.until) == (old.public, NOW)
