"""What the store of sealed parts promises (`shared/ports/parts.py`), on SQLite and on PostgreSQL alike."""

import asyncio
import hashlib
import secrets

import pytest

from shared.adapters.sql.engine import Store
from shared.adapters.sql.parts import CHUNK_BYTES, SqlParts
from shared.errors import EnvelopePartMismatch, NotThere
from shared.keys.base64url import encode_b64u
from shared.ports.unit_of_work import Effects, SealedPart
from tests.conformance.stores import OpenStore, row_counts, units_of, write


def digest_of(data: bytes) -> str:
    return encode_b64u(hashlib.sha256(data).digest())


async def chunks_of(parts: SqlParts, data: bytes) -> list[bytes]:
    return [chunk async for chunk in parts.read(digest_of(data))]


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 5_000_001])
async def test_a_part_comes_back_in_chunks_as_it_was_stored(store: Store, size: int) -> None:
    parts, data = SqlParts(store), secrets.token_bytes(size)
    assert not await parts.holds(digest_of(data))
    await parts.store(digest_of(data), data)
    assert await parts.holds(digest_of(data))
    chunks = await chunks_of(parts, data)
    assert b"".join(chunks) == data
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)


async def test_bytes_under_a_digest_that_is_not_theirs_are_refused_and_not_kept(store: Store) -> None:
    parts = SqlParts(store)
    with pytest.raises(EnvelopePartMismatch):
        await parts.store(digest_of(b"what was announced"), b"what came")
    assert await row_counts(store) == {}


async def test_a_part_that_is_not_there_says_so_before_its_first_byte(store: Store) -> None:
    with pytest.raises(NotThere):
        await anext(SqlParts(store).read(digest_of(b"nothing")))


async def test_storing_the_same_part_again_is_no_error_and_changes_nothing(open_store: OpenStore) -> None:
    data = secrets.token_bytes(CHUNK_BYTES + 1)
    several = [SqlParts(open_store()) for _ in range(3)]
    await asyncio.gather(*(parts.store(digest_of(data), data) for parts in several))
    await several[0].store(digest_of(data), data)
    assert await row_counts(open_store()) == {"part": 1, "part_chunk": 2}
    assert b"".join(await chunks_of(several[0], data)) == data


async def test_parts_that_came_inside_a_message_are_read_like_uploaded_ones(store: Store) -> None:
    inside, known = secrets.token_bytes(CHUNK_BYTES + 7), b"uploaded before"
    parts = SqlParts(store)
    await parts.store(digest_of(known), known)
    await write(
        store, Effects(parts={digest_of(data): SealedPart(None, data) for data in (inside, known, b"")}), "routing"
    )
    for data in (inside, known, b""):
        assert b"".join(await chunks_of(parts, data)) == data


async def test_a_part_of_a_message_that_is_not_committed_is_not_there(store: Store) -> None:
    async with units_of(store, "routing").begin() as unit:
        await unit.write(Effects(parts={digest_of(b"sealed"): SealedPart(None, b"sealed")}))
        assert not await SqlParts(store).holds(digest_of(b"sealed"))
    assert await row_counts(store) == {}


async def test_a_slow_reader_holds_no_connection_between_chunks(store_url: str) -> None:
    store = Store(store_url, pool_size=1)
    parts, data = SqlParts(store), secrets.token_bytes(2 * CHUNK_BYTES)
    await parts.store(digest_of(data), data)
    reading = parts.read(digest_of(data))
    first = await anext(reading)
    async with asyncio.timeout(8):
        assert await parts.holds(digest_of(data)), "the only connection is with a reader that waits"
    assert first + await anext(reading) == data
    await store.close()
