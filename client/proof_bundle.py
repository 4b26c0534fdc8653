"""The file that proves one message years later: its format, `comity-proof/1`. `docs/spec/proof-bundle.md` is its page.

Rules:
1. Canonical JSON, closed: a bundle has one byte form, and any other spelling of it is refused.
2. Entries of the ledger stand whole, each with its index and its path to the root of the one checkpoint: with it they
   are tlog-proofs (C2SP).
3. A disclosed part is its key, and its sealed bytes here or, where `ct` is null, in a file beside.

Order, places and signatures are not looked at here: `proof_verification` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from shared.audit.proofs import MAX_PROOF_HASHES, TlogProof, encode_proof
from shared.audit.tiles import MAX_ENTRY_BYTES
from shared.domain.strict_json import MAX_INTEGER, NotStrictJson, encode_canonical_json, parse_strict_json
from shared.envelope.encoding import MAX_PARTS, part_name
from shared.errors import ProofMalformed, ProofTooLarge
from shared.keys.base64url import encode_b64u, parse_b64u

VERSION: Final = "comity-proof/1"
MAX_BUNDLE_BYTES: Final = 128 * 1024 * 1024
MAX_STAMP_BYTES: Final = 64 * 1024
PART_KEY_BYTES: Final = 32
_HASH_BYTES: Final = 32
PART_NAMES: Final = tuple(part_name(number) for number in range(MAX_PARTS))
"""In their order."""


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """An entry of the ledger, its index, and its inclusion path, from the leaf's sibling to the root's child."""

    index: int
    path: tuple[bytes, ...]
    entry: bytes

    def as_tlog_proof(self, checkpoint: bytes) -> bytes:
        """The same as a C2SP tlog-proof, the entry as its extra data. Raises LedgerInvalid."""
        return encode_proof(TlogProof(self.index, self.path, checkpoint, self.entry))


@dataclass(frozen=True, slots=True)
class DisclosedPart:
    """A part's name in the manifest, its key, and its sealed bytes unless they lie beside the bundle."""

    name: str
    key: bytes = field(repr=False)
    ct: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class StampedHead:
    """An RFC 3161 token over the text of an earlier or equal tree head, and the consistency of the two trees."""

    size: int
    root: bytes
    consistency: tuple[bytes, ...]
    token: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """As read: nothing in it is proven. `jws` is the canonical bytes of the signed manifest."""

    origin: str
    jws: bytes
    receipt: str | None
    checkpoint: bytes
    key_events: tuple[PlacedEntry, ...]
    decision: PlacedEntry | None
    evidences: tuple[PlacedEntry, ...]
    parts: tuple[DisclosedPart, ...] = ()
    time_stamp: StampedHead | None = None

    @property
    def entries(self) -> tuple[PlacedEntry, ...]:
        """Every entry of the ledger that it holds, in the order of the ledger."""
        decision = () if self.decision is None else (self.decision,)
        return tuple(sorted((*self.key_events, *decision, *self.evidences), key=lambda one: one.index))


def encode_bundle(bundle: Bundle) -> bytes:
    """The bytes of the file. Raises ProofTooLarge, and ProofMalformed for what would not be read back the same."""
    raw = encode_canonical_json(
        {
            "v": VERSION,
            "origin": bundle.origin,
            "jws": bundle.jws.decode("ascii"),
            "receipt": bundle.receipt,
            "checkpoint": bundle.checkpoint.decode(),
            "key_events": [_placed(one) for one in bundle.key_events],
            "decision": None if bundle.decision is None else _placed(bundle.decision),
            "evidences": [_placed(one) for one in bundle.evidences],
            "parts": [
                {"name": one.name, "key": encode_b64u(one.key), "ct": None if one.ct is None else encode_b64u(one.ct)}
                for one in bundle.parts
            ],
            "time_stamp": None if bundle.time_stamp is None else _stamped(bundle.time_stamp),
        }
    )
    if parse_bundle(raw) != bundle:
        raise ProofMalformed(why="it would be read back otherwise")
    return raw


def parse_bundle(raw: bytes) -> Bundle:
    """Raises ProofTooLarge, ProofMalformed."""
    if len(raw) > MAX_BUNDLE_BYTES:
        raise ProofTooLarge(limit=MAX_BUNDLE_BYTES)
    try:
        document = parse_strict_json(raw)
        if not isinstance(document, dict) or document.get("v") != VERSION:
            raise ValueError(f"it is not {VERSION}")
        if encode_canonical_json(document) != raw:
            raise ValueError("it is not in canonical form")
        return _read(document)
    except NotStrictJson as broken:
        raise ProofMalformed(why=f"it is not strict JSON: {broken}") from None
    except ValueError as broken:
        raise ProofMalformed(why=broken) from None


def _placed(one: PlacedEntry) -> dict[str, object]:
    return {"index": one.index, "path": [encode_b64u(part) for part in one.path], "entry": encode_b64u(one.entry)}


def _stamped(one: StampedHead) -> dict[str, object]:
    return {
        "size": one.size,
        "root": encode_b64u(one.root),
        "consistency": [encode_b64u(part) for part in one.consistency],
        "token": encode_b64u(one.token),
    }


# --- reading; each raises ValueError, its text without full stop -----------------------------------------------------


def _read(document: dict[str, Any]) -> Bundle:
    names = (
        *("v", "origin", "jws", "receipt", "checkpoint", "key_events"),
        *("decision", "evidences", "parts", "time_stamp"),
    )
    members = _members(document, names, "the bundle")
    decision, receipt, stamp = members["decision"], members["receipt"], members["time_stamp"]
    jws = _text(members["jws"], "jws")
    if not jws.isascii():
        raise ValueError("jws is not ASCII")
    return Bundle(
        origin=_text(members["origin"], "origin"),
        jws=jws.encode(),
        receipt=None if receipt is None else _text(receipt, "receipt"),
        checkpoint=_text(members["checkpoint"], "checkpoint").encode(),
        key_events=_read_entries(members["key_events"], "key_events"),
        decision=None if decision is None else _read_placed(decision, "decision"),
        evidences=_read_entries(members["evidences"], "evidences"),
        parts=_read_parts(members["parts"]),
        time_stamp=None if stamp is None else _read_stamp(stamp),
    )


def _read_entries(node: object, where: str) -> tuple[PlacedEntry, ...]:
    return tuple(_read_placed(item, f"an item of {where}") for item in _list(node, where))


def _read_placed(node: object, where: str) -> PlacedEntry:
    members = _members(node, ("index", "path", "entry"), where)
    entry = _bytes(members["entry"], f"the entry of {where}")
    if len(entry) > MAX_ENTRY_BYTES:
        raise ValueError(f"the entry of {where} has more than {MAX_ENTRY_BYTES} bytes")
    return PlacedEntry(_number(members["index"], where), _hashes(members["path"], where), entry)


def _read_parts(node: object) -> tuple[DisclosedPart, ...]:
    parts = []
    for item in _list(node, "parts"):
        members = _members(item, ("name", "key", "ct"), "a part")
        if members["name"] not in PART_NAMES:
            raise ValueError("a part has no name of a part")
        ct = None if members["ct"] is None else _bytes(members["ct"], "the ct of a part")
        parts.append(DisclosedPart(members["name"], _bytes(members["key"], "the key of a part", PART_KEY_BYTES), ct))
    return tuple(parts)


def _read_stamp(node: object) -> StampedHead:
    members = _members(node, ("size", "root", "consistency", "token"), "time_stamp")
    token = _bytes(members["token"], "the token of time_stamp")
    if len(token) > MAX_STAMP_BYTES:
        raise ValueError(f"the token of time_stamp has more than {MAX_STAMP_BYTES} bytes")
    return StampedHead(
        size=_number(members["size"], "time_stamp"),
        root=_bytes(members["root"], "the root of time_stamp", _HASH_BYTES),
        consistency=_hashes(members["consistency"], "time_stamp"),
        token=token,
    )


def _members(node: object, names: tuple[str, ...], where: str) -> dict[str, Any]:
    if not isinstance(node, dict) or node.keys() != set(names):
        raise ValueError(f"{where} has exactly the members {', '.join(names)}")
    return node


def _list(node: object, where: str) -> list[Any]:
    if not isinstance(node, list):
        raise ValueError(f"{where} is not a list")
    return node


def _text(node: object, where: str) -> str:
    if not isinstance(node, str):
        raise ValueError(f"{where} is not a text")
    return node


def _number(node: object, where: str) -> int:
    if type(node) is not int or not 0 <= node <= MAX_INTEGER:
        raise ValueError(f"a number of {where} is none")
    return node


def _bytes(node: object, where: str, length: int | None = None) -> bytes:
    try:
        return parse_b64u(_text(node, where), length)
    except ValueError as broken:
        raise ValueError(f"{where} is {broken}") from None


def _hashes(node: object, where: str) -> tuple[bytes, ...]:
    items = _list(node, f"the path of {where}")
    if len(items) > MAX_PROOF_HASHES:
        raise ValueError(f"the path of {where} has more than {MAX_PROOF_HASHES} hashes")
    return tuple(_bytes(item, f"a hash of {where}", _HASH_BYTES) for item in items)
