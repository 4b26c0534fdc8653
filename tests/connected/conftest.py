"""Fixtures of the connected tests."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.local import PrivatePostgres
from tests.connected.roles import Place


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
