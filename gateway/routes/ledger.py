"""The ledger as C2SP tlog-tiles: checkpoint and hash tiles for every enrolled party, entries for auditors with the full
mandate.

Nothing beyond the newest signed checkpoint is served: what nobody signed yet is nobody's statement.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import IMMUTABLE, REVALIDATED, answer_bytes, answer_model
from gateway.auth import Call, admitted
from gateway.description import gives, signed
from gateway.gateway import gateway_of
from shared.audit.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile, encode_bundle, parse_path
from shared.contracts.api import STAMP_PAGE, StampItem, StampPage
from shared.errors import LedgerInvalid, NotThere
from shared.keys.base64url import encode_b64u

router = APIRouter(tags=["ledger"])
SignedCall = Annotated[Call, Depends(admitted())]
Size = Annotated[int, Query(ge=1, le=2**53, description="Entries that the stamped tree has at least")]

_OCTETS: Final = "application/octet-stream"
_NOTE: Final = "text/plain; charset=utf-8"
_PLACE: Final = "Number in groups of three digits, all but the last marked `x`; `.p/<W>` after a partial one"


@router.get(
    "/log/checkpoint",
    summary="The newest signed checkpoint",
    **signed(304, 404, **gives("text/plain", "A signed note")),
)
async def checkpoint(request: Request, call: SignedCall) -> Response:
    note = await gateway_of(request).ports.ledger.checkpoint()
    if note is None:
        raise NotThere()
    return answer_bytes(request, note, _NOTE, REVALIDATED)


@router.get("/log/stamps", summary="Time-stamps over checkpoints", **signed(304, 400, model=StampPage))
async def stamps(request: Request, call: SignedCall, size: Size = 1) -> Response:
    """Those over trees of `size` entries and more, the smallest tree first; fewer than 32 at the end."""
    found = await gateway_of(request).ports.stamps.covering(size, STAMP_PAGE)
    items = [StampItem(size=one.size, authority=one.authority, token=encode_b64u(one.token)) for one in found]
    return answer_model(request, StampPage(items=tuple(items)))


@router.get(
    "/log/tile/entries/{place:path}", summary="A bundle of entries", **signed(304, 404, **gives(_OCTETS, _PLACE))
)
async def entries(request: Request, place: str, call: SignedCall) -> Response:
    """For auditors with the full mandate: entries name who wrote to whom, in every country. Parties get their own with
    proofs, under their messages."""
    bundle = _parsed(f"tile/entries/{place}")
    if not isinstance(bundle, Bundle):
        raise NotThere()
    await gateway_of(request).accounts.note_reading(call)
    ledger = gateway_of(request).ports.ledger
    first = bundle.index * TILE_WIDTH
    if first + bundle.width > await ledger.checkpoint_size():
        raise NotThere()
    found = await ledger.entries(first, bundle.width)
    return answer_bytes(request, encode_bundle(found), _OCTETS, IMMUTABLE)


@router.get("/log/tile/{level}/{place:path}", summary="A tile of hashes", **signed(304, 404, **gives(_OCTETS, _PLACE)))
async def tile(request: Request, level: str, place: str, call: SignedCall) -> Response:
    """1 to 256 hashes of 32 bytes."""
    named = _parsed(f"tile/{level}/{place}")
    if not isinstance(named, Tile):
        raise NotThere()
    ledger = gateway_of(request).ports.ledger
    entries_below = (named.index * TILE_WIDTH + named.width) << (TILE_HEIGHT * named.level)
    if entries_below > await ledger.checkpoint_size():
        raise NotThere()
    hashes = await ledger.tile(named.level, named.index, named.width)
    if hashes is None:
        raise NotThere()
    return answer_bytes(request, hashes, _OCTETS, IMMUTABLE)


def _parsed(path: str) -> Tile | Bundle:
    try:
        return parse_path(path)
    except LedgerInvalid:
        raise NotThere() from None
