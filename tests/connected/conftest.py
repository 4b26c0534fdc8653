"""Fixtures of the connected tests."""

import asyncio
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.local import PrivatePostgres, PrivateRabbitMQ
from shared.adapters.amqp.definitions import broker_definitions
from shared.contracts.topology import SERVICES
from tests.connected.certificates import LocalAuthority
from tests.connected.roles import Place
from tests.connected.users import PASSWORD, QUEUE_PREFIX, USER_PREFIX


@pytest.fixture(scope="session")
def migrated_place(postgres: PrivatePostgres) -> Place:
    """A database that was migrated by its owner, with a role for each service."""
    postgres.start()
    here = Place(postgres, f"rights_{secrets.token_hex(6)}", f"r{secrets.token_hex(3)}_")
    postgres.make_roles(here.prefix, database=here.name)
    postgres.make_roles(here.prefix, database=here.name)  # what is there already is no reason to fail
    # In a thread of its own: asyncio.run closes its loop, and this thread's loops belong to the tests.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, here.prepare()).result()
    return here


@pytest.fixture
def place(migrated_place: Place) -> Place:
    """The same, started again if another module killed the server."""
    migrated_place.server.start()
    return migrated_place


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """A certification authority for the servers of this run."""
    return LocalAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def guarded_rabbitmq(
    server_programs: None, tmp_path_factory: pytest.TempPathFactory, authority: LocalAuthority
) -> Iterator[PrivateRabbitMQ]:
    """A RabbitMQ as it stands in production: it starts with the definitions, and answers TLS."""
    definitions = broker_definitions(dict.fromkeys(SERVICES, PASSWORD), QUEUE_PREFIX, USER_PREFIX)
    certificate = authority.certify("127.0.0.1")
    with PrivateRabbitMQ(tmp_path_factory.mktemp("guarded"), definitions, certificate) as server:
        yield server


@pytest.fixture(scope="session")
def guarded_postgres(
    server_programs: None, tmp_path_factory: pytest.TempPathFactory, authority: LocalAuthority
) -> Iterator[PrivatePostgres]:
    """A PostgreSQL that answers TLS."""
    with PrivatePostgres(tmp_path_factory.mktemp("tls"), authority.certify("127.0.0.1")) as server:
        server.create_database("guarded")
        yield server
