"""A database as it stands in production: an owner that migrates it, and a role for each service."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local import PrivatePostgres
from shared.adapters.sql.engine import Store
from shared.adapters.sql.rights import apply_rights
from shared.adapters.sql.schema import migrate
from shared.contracts.topology import SERVICES

DENIED = "42501"  # SQLSTATE insufficient_privilege


@dataclass(frozen=True)
class Place:
    """A database of its own owner, migrated by it, with a role for each service."""

    server: PrivatePostgres
    name: str
    prefix: str

    def url(self, service: str) -> str:
        return self.server.dsn(self.name, f"{self.prefix}{service}")

    @asynccontextmanager
    async def store(self, service: str) -> AsyncIterator[Store]:
        store = Store(self.url(service), pool_size=2)
        yield store
        await store.close()

    @asynccontextmanager
    async def connection(self, url: str) -> AsyncIterator[AsyncConnection]:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:
            yield connection

    async def allows(self, service: str, statements: Sequence[str]) -> list[str]:
        """Those that the server does not refuse for want of a right; nothing of them stays."""
        allowed = []
        async with self.connection(self.url(service)) as connection:
            for statement in statements:
                try:
                    # The gateway's transactions begin read-only, which would be refused before any right is looked at.
                    await connection.execute(text("SET TRANSACTION READ WRITE"))
                    await connection.execute(text(statement))
                    allowed.append(statement)
                except DBAPIError as refused:
                    if getattr(refused.orig, "sqlstate", None) != DENIED:
                        allowed.append(f"{statement}: {refused.orig}")
                finally:
                    await connection.rollback()
        return allowed

    async def as_superuser(self, *statements: str) -> None:
        async with self.connection(self.server.dsn(self.name)) as connection:
            for statement in statements:
                await connection.execute(text(statement))
            await connection.commit()

    async def prepare(self) -> None:
        await migrate(self.url("owner"))
        async with self.store("owner") as store:
            changes = await apply_rights(store, self.prefix)
        assert changes.absent == ()
        assert {held.role for held in changes.granted} == {f"{self.prefix}{service}" for service in SERVICES}
