"""The log's keys are changed: announced by the operators, then taken into use; no death in between loses them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters import renewed_keys
from shared.adapters.durable_file import write_durably
from shared.adapters.keyfiles import init_exchange, load_log_signers, load_roster, load_trust
from shared.adapters.renewed_keys import announce_log, renew_log, renew_services
from shared.audit.notes import encode_vkey
from shared.errors import RosterRefused, SettingsRefused, TrustFileInvalid
from tests.unit.adapters.test_renewed_keys import AFTERWARDS, LATER, NOW, OPERATORS, ORIGIN, files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    init_exchange(tmp_path, ORIGIN, OPERATORS, 2, NOW, "development")
    return tmp_path


def test_keys_of_the_log_are_announced_before_they_are_taken_into_use(data: Path) -> None:
    before = load_trust(data)
    roster = announce_log(data, OPERATORS, LATER)
    assert load_trust(data) == before
    assert load_log_signers(data, before), "it goes on signing with the keys of before"
    assert roster.log_vkeys is not None
    assert load_roster(data, before).log_vkeys == roster.log_vkeys
    assert renew_services(data, {"intake"}, OPERATORS, AFTERWARDS).log_vkeys == roster.log_vkeys
    assert renew_log(data, 7).log_vkeys == roster.log_vkeys
    with pytest.raises(SettingsRefused, match="announces no new keys"):
        renew_log(data, 8)


def test_an_announcement_by_no_quorum_changes_nothing(data: Path) -> None:
    before = files(data)
    with pytest.raises(RosterRefused):
        announce_log(data, OPERATORS[:1], LATER)
    with pytest.raises(SettingsRefused, match="later than now"):
        announce_log(data, OPERATORS, NOW)
    with pytest.raises(SettingsRefused, match="announces no new keys"):
        renew_log(data, 7)
    assert files(data) == before


def test_the_log_has_new_keys_and_the_trust_file_tells_how_far_those_of_before_count(data: Path) -> None:
    before = load_trust(data)
    announce_log(data, OPERATORS, LATER)
    announce_log(data, OPERATORS, AFTERWARDS)  # the pair that was announced first is given up
    trust = renew_log(data, 7)
    assert load_trust(data) == trust
    assert [(one.vkeys, one.size) for one in trust.former_log_keys] == [(before.log_vkeys, 7)]
    assert {encode_vkey(one.vkey) for one in load_log_signers(data, trust)} == set(trust.log_vkeys)
    with pytest.raises(SettingsRefused, match=r"not those of trust\.json"):
        load_log_signers(data, before)  # they are not kept
    announce_log(data, OPERATORS, AFTERWARDS + timedelta(hours=1))
    with pytest.raises(TrustFileInvalid, match="newest first"):
        renew_log(data, 6)
    assert load_trust(data) == trust


def test_a_death_between_the_files_of_the_log_leaves_a_ledger_that_starts(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_trust(data)
    announce_log(data, OPERATORS, LATER)

    def dies(*_: object) -> None:
        raise OSError("the power fails")

    with monkeypatch.context() as patched:
        patched.setattr(renewed_keys, "write_durably", dies)
        with pytest.raises(OSError, match="power"):
            renew_log(data, 7)
    assert load_log_signers(data, before), "the trust file is the one of before"

    def writes_and_dies(*given: Any) -> None:
        write_durably(*given)
        raise OSError("the power fails")

    with monkeypatch.context() as patched:
        patched.setattr(renewed_keys, "write_durably", writes_and_dies)
        with pytest.raises(OSError, match="power"):
            renew_log(data, 7)
    assert load_log_signers(data, load_trust(data))
    assert load_trust(data).log_vkeys != before.log_vkeys


def test_a_death_before_the_roster_is_there_announces_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_trust(data)

    def dies(*_: object) -> None:
        raise OSError("the power fails")

    with monkeypatch.context() as patched:
        patched.setattr(renewed_keys, "write_durably", dies)
        with pytest.raises(OSError, match="power"):
            announce_log(data, OPERATORS, LATER)
    assert load_log_signers(data, before)
    announced = announce_log(data, OPERATORS, LATER)
    assert renew_log(data, 7).log_vkeys == announced.log_vkeys
