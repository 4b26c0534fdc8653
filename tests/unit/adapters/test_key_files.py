"""The exchange's private keys are for the process that they were given to, and for nobody else on its machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.adapters.keyfiles import init_exchange, load_log_signers, load_roster, load_service_keys
from shared.errors import SettingsRefused
from shared.keys.private import generate_ed25519
from shared.keys.roster import Roster
from shared.keys.trust import Trust

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trust, Roster]:
    data = tmp_path_factory.mktemp("exchange")
    trust = init_exchange(data, "exchange.test/log", [generate_ed25519()], 1, NOW, "development")
    return data, trust, load_roster(data, trust)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666])
def test_keys_that_others_may_use_are_refused_with_what_to_do(made: tuple[Path, Trust, Roster], mode: int) -> None:
    data, trust, roster = made
    service, log = data / "keys" / "intake.json", data / "keys" / "log.json"
    for file in (service, log):
        file.chmod(mode)
    try:
        with pytest.raises(SettingsRefused, match=rf"mode {mode:04o}.*chmod 600 {service}"):
            load_service_keys(data, "intake", roster)
        with pytest.raises(SettingsRefused, match=f"chmod 600 {log}"):
            load_log_signers(data, trust)
    finally:
        for file in (service, log):
            file.chmod(0o600)


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o602, 0o610, 0o644, 0o666, 0o777, 0o440, 0o444, 0o400])
def test_keys_that_a_platform_mounts_may_be_read_by_others_and_written_by_nobody_else(
    made: tuple[Path, Trust, Roster], mode: int
) -> None:
    data, trust, roster = made
    service, log = data / "keys" / "intake.json", data / "keys" / "log.json"
    for file in (service, log):
        file.chmod(mode)
    try:
        if mode & 0o033:
            with pytest.raises(SettingsRefused, match=rf"others may change .*mode {mode:04o}.*mode 440"):
                load_service_keys(data, "intake", roster, are_mounted=True)
            with pytest.raises(SettingsRefused, match="others may change"):
                load_log_signers(data, trust, are_mounted=True)
        else:
            assert load_service_keys(data, "intake", roster, are_mounted=True).service == "intake"
            assert load_log_signers(data, trust, are_mounted=True)
    finally:
        for file in (service, log):
            file.chmod(0o600)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_keys_of_their_owner_alone_are_read(made: tuple[Path, Trust, Roster], mode: int) -> None:
    data, trust, roster = made
    for file in (data / "keys").iterdir():
        file.chmod(mode)
    assert load_service_keys(data, "intake", roster).service == "intake"
    assert load_log_signers(data, trust)
