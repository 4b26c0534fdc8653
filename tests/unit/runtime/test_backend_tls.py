"""Where a CA is named, no connection of a process believes a server that it did not certify."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.certificates import make_certificates
from shared.adapters.keyfiles import init_exchange
from shared.errors import StoreUnavailable
from shared.keys.private import generate_ed25519
from shared.runtime.backends import open_backend
from shared.runtime.settings import Settings

SSL_REQUEST_BYTES = 8


@asynccontextmanager
async def impostor(certified: Path, believed: list[bytes]) -> AsyncIterator[int]:
    """Answers as a PostgreSQL with TLS does, under another authority's certificate; its port. What a caller says once
    it believes is kept.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified / "tls.crt", certified / "tls.key")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.readexactly(SSL_REQUEST_BYTES)
            writer.write(b"S")
            await writer.start_tls(context)
            believed.append(first + await reader.read(100))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("which", ["store", "probe"])
async def test_neither_the_store_nor_the_probe_of_readiness_speaks_to_an_impostor(which: str, tmp_path: Path) -> None:
    make_certificates(tmp_path / "ours", {"postgres": ["localhost"]})
    make_certificates(tmp_path / "theirs", {"postgres": ["localhost"]})
    init_exchange(tmp_path / "data", "tls.example/log", [generate_ed25519()], 1, datetime.now(UTC), "development")
    believed: list[bytes] = []
    async with impostor(tmp_path / "theirs" / "postgres", believed) as port:
        settings = Settings(
            data=tmp_path / "data",
            database=f"postgresql+asyncpg://somebody:secret@localhost:{port}/comity",
            broker="amqps://somebody:secret@localhost:1/",
            database_ca=tmp_path / "ours" / "ca.pem",
            broker_ca=tmp_path / "ours" / "ca.pem",
        )
        async with open_backend(settings, is_patient=True) as backend:
            with pytest.raises(StoreUnavailable):
                async with getattr(backend, which).read():
                    pass
    assert believed == []
