"""TLS to database and broker: the server proves itself by a CA of ours and by its name, or nothing is said."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from comity.main import app
from deploy.local import PrivatePostgres, PrivateRabbitMQ
from shared.adapters.amqp import AmqpBus
from shared.adapters.sql.engine import Store
from shared.adapters.tls import trusting
from shared.errors import BusUnavailable, SettingsRefused, StoreUnavailable
from tests.connected.certificates import LocalAuthority
from tests.connected.users import QUEUE_PREFIX, url_of


@pytest.fixture(scope="session")
def another_authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """One that would certify the same servers, and that nobody asked."""
    return LocalAuthority(tmp_path_factory.mktemp("another"))


async def ask_database(url: str, ca: Path) -> bool:
    """Whether the connection is encrypted."""
    store = Store(url, ssl_context=trusting(ca))
    try:
        async with store.read() as connection:
            asked = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            return bool((await connection.execute(asked)).scalar_one())
    finally:
        await store.close()


async def ask_broker(url: str, ca: Path) -> bool:
    """Whether it counted what waits, over a connection that is encrypted, or there would be none."""
    bus = AmqpBus(url, QUEUE_PREFIX, ssl_context=trusting(ca))
    try:
        await bus.open()
        return await bus.depth("routing") == 0
    finally:
        await bus.close()


@pytest.fixture(params=["database", "broker"])
def asked(
    request: pytest.FixtureRequest, guarded_postgres: PrivatePostgres, guarded_rabbitmq: PrivateRabbitMQ
) -> tuple[str, Callable[[str, Path], Awaitable[bool]]]:
    """A server that answers TLS, by its address, and how to ask it something."""
    if request.param == "database":
        return guarded_postgres.dsn("guarded"), ask_database
    return url_of(guarded_rabbitmq, "gateway", tls=True), ask_broker


Asked = tuple[str, Callable[[str, Path], Awaitable[bool]]]
REFUSED = (StoreUnavailable, BusUnavailable)


async def test_a_server_that_our_ca_certified_is_believed(asked: Asked, authority: LocalAuthority) -> None:
    url, ask = asked
    assert await ask(url, authority.file)


async def test_a_server_that_another_ca_certified_is_refused(asked: Asked, another_authority: LocalAuthority) -> None:
    url, ask = asked
    with pytest.raises(REFUSED, match="certificate verify failed"):
        await ask(url, another_authority.file)


async def test_a_server_certified_for_another_name_is_refused(asked: Asked, authority: LocalAuthority) -> None:
    url, ask = asked
    with pytest.raises(REFUSED, match="Hostname mismatch"):
        await ask(url.replace("@127.0.0.1:", "@localhost:"), authority.file)


async def test_a_database_without_tls_is_refused(postgres: PrivatePostgres, authority: LocalAuthority) -> None:
    postgres.start()
    with pytest.raises(StoreUnavailable, match="rejected SSL upgrade"):
        await ask_database(postgres.dsn("postgres"), authority.file)


async def test_a_broker_without_tls_is_refused(guarded_rabbitmq: PrivateRabbitMQ, authority: LocalAuthority) -> None:
    plain = url_of(guarded_rabbitmq, "gateway")
    with pytest.raises(BusUnavailable, match="SSL"):
        await ask_broker(plain.replace("amqp://", "amqps://"), authority.file)
    with pytest.raises(SettingsRefused, match="amqps"):
        await ask_broker(plain, authority.file)


def test_a_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(SettingsRefused, match=name):
            trusting(tmp_path / name)


def test_the_command_migrates_over_tls_or_not_at_all(
    guarded_postgres: PrivatePostgres, authority: LocalAuthority, another_authority: LocalAuthority
) -> None:
    command = ["database", "migrate", "--json", "--database", guarded_postgres.dsn("guarded")]
    command += ["--role-prefix", "nobody_", "--database-ca"]
    refused = CliRunner().invoke(app, [*command, str(another_authority.file)])
    assert refused.exit_code == 3
    assert "certificate verify failed" in json.loads(refused.stdout)["error"]["sentence"]
    assert CliRunner().invoke(app, [*command, str(authority.file)]).exit_code == 0
