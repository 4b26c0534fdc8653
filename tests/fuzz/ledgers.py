"""Targets: what an auditor reads of a log that it does not trust: notes, tiles and bundles, proofs, entries."""

from __future__ import annotations

from functools import cache

from shared.audit.checkpoint import LogKeys, verify_checkpoint
from shared.audit.leaves import encode_entry, encode_leaf, parse_entry
from shared.audit.notes import VerifierKey, encode_note, parse_note, parse_vkey, verify_note
from shared.audit.proofs import TlogProof, encode_proof, parse_proof, verify_proof
from shared.audit.tiles import Bundle, check_tile, encode_bundle, parse_bundle, parse_path
from shared.audit.tree import prove_inclusion
from shared.audit.tree_head import encode_tree_head
from shared.errors import ComityError
from tests.fuzz.target import Target, require_genuine, require_same
from tests.unit.audit.known_notes import NEUMANN_NOTE, NEUMANN_TEXT, NEUMANN_VKEY
from tests.unit.audit.paper_log import PaperLog, keys_of, started_entries

_SIZE = 5
_PROVEN = 3


@cache
def _log() -> PaperLog:
    log = PaperLog()
    log.append(started_entries(_SIZE))
    return log


@cache
def _log_keys() -> LogKeys:
    return keys_of()


@cache
def _neumann() -> VerifierKey:
    return parse_vkey(NEUMANN_VKEY)


def _checkpoint() -> bytes:
    return _log().files["checkpoint"]


def _judge_note(data: bytes) -> None:
    note = parse_note(data)
    require_same(encode_note(note), data, "a note")
    try:
        text = verify_note(data, [_neumann()]).text
    except ComityError:
        text = encode_tree_head(verify_checkpoint(data, _log_keys()).head)
    require_genuine(text in (NEUMANN_TEXT, parse_note(_checkpoint()).text), "another note verifies")


def _judge_tile(data: bytes) -> None:
    """A path and, after a line break, what is served there."""
    path, _, content = data.partition(b"\n")
    place = parse_path(path.decode("utf-8", "surrogateescape"))
    require_same(place.path.encode(), path, "the path of a tile")
    if not isinstance(place, Bundle):
        check_tile(place, content)
        return
    entries = parse_bundle(content, place.width)
    require_same(encode_bundle(entries), content, "a bundle")
    for entry in entries:
        parse_entry(entry)


def _judge_proof(data: bytes) -> None:
    proof = parse_proof(data)
    require_same(encode_proof(proof), data, "a proof")
    index = verify_proof(data, _log().entries[_PROVEN], _log_keys()).index
    require_genuine((index, proof.hashes) == (_PROVEN, _hashes()), "another proof verifies")


def _judge_entry(data: bytes) -> None:
    logged_at, leaf = parse_entry(data)
    written = encode_leaf(leaf.type, leaf.at, leaf.nonce, **leaf.fields)
    require_same(encode_entry(logged_at, written), data, "an entry")


@cache
def _hashes() -> tuple[bytes, ...]:
    return tuple(prove_inclusion(_PROVEN, _SIZE, _log().reader(_SIZE)))


def _proofs() -> list[bytes]:
    return [encode_proof(TlogProof(_PROVEN, _hashes(), _checkpoint(), extra)) for extra in (b"", b"extra")]


def _tiles() -> list[bytes]:
    files = {path: data for path, data in _log().files.items() if path.startswith("tile/")}
    return [path.encode() + b"\n" + data for path, data in files.items()]


LEDGER_TARGETS = (
    Target("note", _judge_note, lambda: [NEUMANN_NOTE, _checkpoint()]),
    Target("tile", _judge_tile, _tiles),
    Target("proof", _judge_proof, _proofs),
    Target("entry", _judge_entry, lambda: started_entries(2)),
)
