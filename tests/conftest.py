"""Fixtures for all tests: this run's private servers, started when first asked for and stopped at its end.

A test that stops or kills a server may leave it so: `database` and `queue_prefix` of the next module start it again.
Unit tests get none of these; asking for one in tests/unit is an error at collection.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from hypothesis import HealthCheck, settings

from deploy.local import PrivatePostgres, PrivateRabbitMQ, find_programs

_CONNECTED = {"rabbitmq", "postgres"}

# An example that takes long says that the machine is busy, and nothing of the code: speed is measured in bench/.
settings.register_profile("comity", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("comity")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not _CONNECTED.intersection(getattr(item, "fixturenames", ())):
            continue
        if item.nodeid.startswith("tests/unit/"):
            raise pytest.UsageError(f"{item.nodeid}: a unit test talks to no server; it belongs in tests/connected")
        item.add_marker(pytest.mark.connected)


@pytest.fixture(scope="session")
def server_programs() -> None:
    """Fails, with the line that says what to install, where the servers' programs are missing."""
    missing = find_programs().missing
    if missing:
        pytest.fail(missing, pytrace=False)


@pytest.fixture(scope="session")
def rabbitmq(server_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbitMQ]:
    """This run's RabbitMQ, with `url`, `start()`, `stop()`, `kill()`."""
    with PrivateRabbitMQ(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres(server_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    """This run's PostgreSQL, with `dsn(name)`, `create_database`, `drop_database`, `start()`, `stop()`, `kill()`."""
    with PrivatePostgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres: PrivatePostgres) -> str:
    """The name of a database with the newest schema and no rows, to be copied and never connected to."""
    from shared.adapters.sql.schema import migrate  # here, so that unit tests do not load SQLAlchemy

    name = "migrated_template"
    postgres.create_database(name)
    # In a thread of its own: asyncio.run closes its loop, and this thread's loops belong to the tests.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, migrate(postgres.dsn(name))).result()
    return name


@pytest.fixture(scope="module")
def new_database(postgres: PrivatePostgres, migrated_template: str) -> Iterator[Callable[[], str]]:
    """Makes a migrated, empty database and returns its URL (`postgresql+asyncpg://…`); dropped after the module."""
    made: list[str] = []

    def make() -> str:
        postgres.start()
        made.append(f"test_{secrets.token_hex(6)}")
        postgres.create_database(made[-1], template=migrated_template)
        return postgres.dsn(made[-1])

    yield make
    postgres.start()
    for name in made:
        postgres.drop_database(name)


@pytest.fixture(scope="module")
def database(new_database: Callable[[], str]) -> str:
    """The URL of the module's own database, migrated and empty when the module begins."""
    return new_database()


@pytest.fixture(scope="module")
def queue_prefix(rabbitmq: PrivateRabbitMQ, request: pytest.FixtureRequest) -> str:
    """What every queue and exchange name of the module begins with, so that modules never see each other's."""
    rabbitmq.start()
    module = re.sub(r"[^a-z0-9]+", "_", request.node.name.rpartition("/")[2].removesuffix(".py").lower())
    return f"{module}.{secrets.token_hex(4)}."


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """For tests that configure the logs of this process."""
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(False)
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)
