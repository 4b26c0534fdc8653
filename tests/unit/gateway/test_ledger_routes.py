"""The published ledger: a verifier gets a whole log from these routes, and nothing that is not signed yet."""

from __future__ import annotations

import pytest

from shared.audit.checkpoint import verify_checkpoint
from shared.audit.notes import parse_vkey
from shared.audit.tiles import parse_bundle, root_from_tiles, tile_at
from shared.audit.tree import hash_leaf
from shared.keys.base64url import encode_b64u
from shared.ports.time_stamps import KeptStamp
from tests.unit.audit.paper_log import keys_of, started_entries
from tests.unit.gateway.fakes import NOW
from tests.unit.gateway.world import World, code_of

ENTRIES = started_entries(600)


async def test_the_checkpoint_is_the_signed_note(world: World) -> None:
    world.ledger.paper.append(ENTRIES)
    response = await world.get("BE.PF", "/log/checkpoint")
    assert response.headers["cache-control"] == "private, no-cache"
    assert verify_checkpoint(response.content, keys_of()).head.size == 600
    again = await world.get("BE.PF", "/log/checkpoint", {"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


async def test_the_keys_that_are_published_verify_the_checkpoint(world: World) -> None:
    world.ledger.paper.append(ENTRIES[:3])
    vkeys = (await world.bare("GET", "/.well-known/comity")).json()["log_vkeys"]
    assert {parse_vkey(vkey) for vkey in vkeys} == {keys_of().ed25519, keys_of().mldsa44}


async def test_there_is_no_checkpoint_before_the_first(world: World) -> None:
    assert code_of(await world.get("BE.PF", "/log/checkpoint")) == "call.not-there"


async def test_an_auditor_recomputes_the_root_from_what_it_fetches(world: World) -> None:
    world.ledger.paper.append(ENTRIES)
    size, tiles, leaves = 600, {}, []
    for level, number in ((0, 0), (0, 1), (0, 2), (1, 0)):
        tile = tile_at(level, number, size)
        response = await world.get("MA.AUDIT", f"/log/{tile.path}")
        assert response.headers["cache-control"] == "private, max-age=31536000, immutable"
        tiles[tile] = response.content
    for path, width in (("000", 256), ("001", 256), ("002.p/88", 88)):
        response = await world.get("MA.AUDIT", f"/log/tile/entries/{path}")
        leaves += parse_bundle(response.content, width)
    assert leaves == ENTRIES
    assert root_from_tiles(size, tiles.__getitem__) == world.ledger.paper.head().root
    assert b"".join(hash_leaf(leaf) for leaf in leaves[:256]) == tiles[tile_at(0, 0, size)]


async def test_a_partial_tile_of_an_earlier_size_is_still_served(world: World) -> None:
    world.ledger.paper.append(ENTRIES)
    assert len((await world.get("BE.PF", "/log/tile/0/001.p/7")).content) == 7 * 32


NOT_TILES = [
    "/log/tile/0/003",
    "/log/tile/0/002",
    "/log/tile/0/002.p/89",
    "/log/tile/0/000.p/0",
    "/log/tile/0/000.p/256",
    "/log/tile/0/0",
    "/log/tile/0/x000/000",
    "/log/tile/1/000",
    "/log/tile/1/000.p/3",
    "/log/tile/64/000",
    "/log/tile/63/000.p/1",
    "/log/tile/-1/000",
    "/log/tile/0/x999/x999/x999/x999/x999/x999/999",
    "/log/tile/0/000/000",
    "/log/tile/data/000",
    "/log/tile/0/",
]


@pytest.mark.parametrize("path", NOT_TILES)
async def test_what_is_no_tile_of_this_tree_is_not_there(world: World, path: str) -> None:
    world.ledger.paper.append(ENTRIES)
    assert code_of(await world.get("BE.PF", path)) == "call.not-there"


@pytest.mark.parametrize("place", ["002", "002.p/89", "003", "1"])
async def test_what_is_no_bundle_of_this_tree_is_not_there(world: World, place: str) -> None:
    world.ledger.paper.append(ENTRIES)
    assert code_of(await world.get("MA.AUDIT", f"/log/tile/entries/{place}")) == "call.not-there"


async def test_the_auditor_of_one_country_reads_no_entries_of_all(world: World) -> None:
    world.ledger.paper.append(ENTRIES[:5])
    world.parties = {**world.parties, "ES.TC": world.exchange.enrol_auditor("ES.TC", "country")}
    assert code_of(await world.get("ES.TC", "/log/tile/entries/000.p/5")) == "call.not-permitted"
    assert (await world.get("ES.TC", "/log/tile/0/000.p/5")).status_code == 200


async def test_entries_without_a_signed_checkpoint_are_not_served(world: World) -> None:
    world.ledger.paper.append(ENTRIES[:5])
    world.ledger.unsigned = ENTRIES[5:9]
    assert (await world.get("MA.AUDIT", "/log/tile/entries/000.p/5")).status_code == 200
    assert code_of(await world.get("MA.AUDIT", "/log/tile/entries/000.p/6")) == "call.not-there"


async def test_hashes_without_a_signed_checkpoint_are_not_served(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ledger.paper.append(ENTRIES)

    async def signed_size() -> int:
        return 300

    monkeypatch.setattr(world.ledger, "checkpoint_size", signed_size)
    for path, status in (
        ("0/001.p/44", 200),
        ("0/001.p/45", 404),
        ("0/001", 404),
        ("1/000.p/1", 200),
        ("1/000.p/2", 404),
    ):
        assert (await world.get("BE.PF", f"/log/tile/{path}")).status_code == status, path


async def test_time_stamps_are_listed_from_a_size_on(world: World) -> None:
    for size in range(1, 41):
        await world.stamps.add(KeptStamp(size, "tsa.example", NOW, b"%d" % size))
    first = (await world.get("BE.PF", "/log/stamps")).json()["items"]
    assert [one["size"] for one in first] == list(range(1, 33))
    assert first[1] == {"size": 2, "authority": "tsa.example", "token": encode_b64u(b"2")}
    rest = await world.get("MA.AUDIT", "/log/stamps?size=33")
    assert [one["size"] for one in rest.json()["items"]] == list(range(33, 41))
    for wrong in ("0", "-1", "all"):
        assert (await world.get("BE.PF", f"/log/stamps?size={wrong}")).status_code == 400
