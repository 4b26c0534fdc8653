"""Settings: where they come from, what is refused, and that one directory has one embedded exchange."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.adapters.keyfiles import init_exchange
from shared.contracts.topology import SERVICES
from shared.errors import SettingsRefused
from shared.keys.private import generate_ed25519
from shared.runtime.backends import open_backend
from shared.runtime.crash_points import GATEWAY_POINTS, PUMP_POINTS, RELAY_POINTS, SEQUENCER_POINTS, crash_at
from shared.runtime.settings import DEFAULT_PORTS, Settings, load_settings, refuse_embedded, refuse_unsafe

POSTGRES, BROKER = "postgresql+asyncpg://db.example/comity", "amqp://broker.example/"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"COMITY_{name.upper()}", raising=False)
    monkeypatch.setenv("COMITY_DATA", str(tmp_path))


def new_exchange(directory: Path) -> None:
    operators = [generate_ed25519(), generate_ed25519()]
    init_exchange(directory, "comity.test/log", operators, 2, datetime.now(UTC), "development")


# --- where they come from


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "comity.toml").write_text('name = "from the file"\nport = 1001\nhost = "10.0.0.1"\n')
    monkeypatch.setenv("COMITY_PORT", "1002")
    monkeypatch.setenv("COMITY_HOST", "10.0.0.2")
    settings = load_settings(host="10.0.0.3", port=None)
    assert (settings.name, settings.port, settings.host) == ("from the file", 1002, "10.0.0.3")


def test_the_file_is_that_of_the_directory_which_the_command_line_names(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "comity.toml").write_text('name = "one"\n')
    (other / "comity.toml").write_text('name = "other"\n')
    assert load_settings().name == "one"
    assert load_settings(data=other).name == "other"


def test_without_a_database_the_exchange_is_embedded_in_its_directory(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.is_embedded
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path.resolve()}/exchange.sqlite3"
    apart = load_settings(database=POSTGRES, broker=BROKER)
    assert not apart.is_embedded
    assert apart.database_url == POSTGRES


def test_the_address_that_callers_sign_is_the_public_one_where_there_is_one() -> None:
    assert load_settings(host="127.0.0.1", port=9000).url_of("gateway") == "http://127.0.0.1:9000"
    public = load_settings(public_url="https://exchange.example")
    assert public.url_of("gateway") == public.url_of("all") == "https://exchange.example"
    assert public.url_of("intake") == "http://127.0.0.1:8471"


def test_every_process_has_a_port_of_its_own_unless_one_is_named() -> None:
    assert set(DEFAULT_PORTS) == {*SERVICES, "all"}
    assert len({load_settings().port_of(service) for service in SERVICES}) == len(SERVICES)
    assert load_settings(port=0).port_of("intake") == 0


def test_a_secret_comes_from_a_file_and_the_environment_wins_over_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "comity_database").write_text(POSTGRES + "\n")
    (tmp_path / "comity_broker").write_text(BROKER)
    monkeypatch.setenv("COMITY_SECRETS", str(tmp_path))
    assert (load_settings().database, load_settings().broker) == (POSTGRES, BROKER)
    monkeypatch.setenv("COMITY_BROKER", "amqp://other.example/")
    assert load_settings().broker == "amqp://other.example/"


def test_one_service_alone_needs_what_it_shares_with_the_others() -> None:
    with pytest.raises(SettingsRefused, match="comity serve all"):
        refuse_embedded(load_settings(), "intake")
    refuse_embedded(load_settings(database=POSTGRES, broker=BROKER), "intake")


# --- what is refused


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"database": POSTGRES}, "both a database and a broker"),
        ({"broker": BROKER}, "both a database and a broker"),
        ({"port": 70000}, "port"),
        ({"port": "many"}, "port"),
        ({"inbox_retention_s": 60}, "inbox_retention_s"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(given: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsRefused, match=named):
        load_settings(**given)


def test_a_word_in_the_file_that_is_no_setting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "comity.toml").write_text('databse = "typed wrong"\n')
    with pytest.raises(SettingsRefused, match="databse"):
        load_settings()


def test_a_refusal_does_not_show_what_may_be_a_password() -> None:
    with pytest.raises(SettingsRefused) as refused:
        load_settings(database="postgresql+asyncpg://comity:hunter2@db.example/comity")
    assert "hunter2" not in str(refused.value)


def test_a_dangerous_setting_is_refused_outside_development() -> None:
    armed = load_settings(unsafe_crash_at="intake:committed")
    refuse_unsafe(armed, "development")
    for environment in ("production", "staging", ""):
        with pytest.raises(SettingsRefused, match="development"):
            refuse_unsafe(armed, environment)
        refuse_unsafe(load_settings(), environment)


def test_a_crash_point_that_is_not_armed_is_passed() -> None:
    for armed in ("", "intake:committed", "committed", "routing:*"):
        reach = crash_at("routing", armed)
        for point in (*PUMP_POINTS, *RELAY_POINTS, *SEQUENCER_POINTS, *GATEWAY_POINTS):
            reach(point)


def test_a_ca_without_a_server_behind_it_is_refused(tmp_path: Path) -> None:
    for name in ("database_ca", "broker_ca"):
        with pytest.raises(SettingsRefused, match="CA"):
            load_settings(**{name: tmp_path / "ca.pem"})
        given = load_settings(database=POSTGRES, broker=BROKER, **{name: tmp_path / "ca.pem"})
        assert getattr(given, name) == tmp_path / "ca.pem"


# --- one directory, one embedded exchange


async def test_a_second_process_on_the_same_directory_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    new_exchange(tmp_path)
    settings = load_settings()
    async with open_backend(settings) as backend:
        await backend.bus.ping()
        with pytest.raises(SettingsRefused, match="another process"):
            async with open_backend(settings):
                pass
        await backend.bus.ping()
    async with open_backend(settings) as again:
        await again.bus.ping()
