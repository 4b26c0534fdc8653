"""Leaves and entries: their bytes, made and read by the catalogue (`leaf_catalogue.py`).

Rules:
1. A leaf is canonical JSON (`shared.domain.strict_json`), once, stored as such: each leaf has one byte form, and
   bytes that are not it are refused.
2. Every leaf has `v`, `type`, `at` (the writer's clock), `nonce` (16 random bytes, so that a hash tile confirms no
   guess), and the fields of its type. The catalogue is closed: an unknown or missing field refuses the leaf. What
   does not apply is absent, never null, but for a decision's `jws`.
3. An entry is `logged_at` (the sequencer's clock) as 27 characters, a newline, the leaf. It fits in 65,535 bytes.
4. No leaf holds a name, a fact or a file name: ids, codes, times, digests, and what authorities signed.

This module does not judge what leaves say: that the JWS verifies and the state follows is the auditor's replay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from shared.audit.leaf_catalogue import CATALOGUE, CATALOGUE_VERSION
from shared.audit.leaf_fields import HOLDS, is_number, is_time
from shared.audit.leaf_forms import LeafForm
from shared.audit.tiles import MAX_ENTRY_BYTES, check_entry
from shared.domain.ids import encode_time, parse_time
from shared.domain.strict_json import (
    NotStrictJson,
    check_strict,
    encode_canonical_json,
    parse_strict_json,
)
from shared.errors import LeafInvalid, LeafTooLarge
from shared.keys.base64url import encode_b64u, parse_b64u

NONCE_BYTES: Final = 16
TIME_CHARACTERS: Final = 27
_PREFIX_BYTES: Final = TIME_CHARACTERS + 1
MAX_LEAF_BYTES: Final = MAX_ENTRY_BYTES - _PREFIX_BYTES
_AT_MILLISECOND: Final = slice(len('{"at":"'), len('{"at":"') + TIME_CHARACTERS - len("000Z"))
"""Where a leaf tells its time, to the millisecond: no member comes before it."""
_NO_TIME: Final = datetime.fromtimestamp(0, UTC)
_TYPE_MEMBER: Final = b'"type":"'
_OWN_MEMBERS: Final = frozenset({"v", "type", "at", "nonce"})


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf as read: the fields of its type hold what the catalogue says. `at` is aware UTC, `nonce` 16 bytes."""

    type: str
    at: datetime
    nonce: bytes
    fields: Mapping[str, Any]


# --- its forms -------------------------------------------------------------------------------------------------------

_FORMS: Final = {type_: LeafForm(type_, CATALOGUE_VERSION, fields) for type_, fields in CATALOGUE.items()}
_NAMES_NO_SERVICE: Final = frozenset(
    type_ for type_, fields in CATALOGUE.items() if "service" not in {field.name for field in fields}
)


def _check_fields(type_: str, fields: Mapping[str, object]) -> None:
    if type_ not in CATALOGUE:
        raise LeafInvalid(why=f"version {CATALOGUE_VERSION} has no type {type_[:64]}")
    known = {field.name: field for field in CATALOGUE[type_]}
    for name in fields.keys() - known.keys():
        raise LeafInvalid(why=f"{type_} has no field {name[:64]}")
    for name, field in known.items():
        if name not in fields:
            if field.required:
                raise LeafInvalid(why=f"{type_} lacks its field {name}")
        elif not HOLDS[field.kind](fields[name]):
            raise LeafInvalid(why=f"the field {name} of {type_} is not: {field.kind}")


def leg_states(states: Mapping[str, Mapping[str, str]]) -> list[dict[str, object]]:
    """The field `states` of a decision from leg → measure → new state.

    Legs in the same states share one item; if all are in the same states, the item names none, and means every leg of
    the message. So a message that opens 199 legs beside the largest envelope still fits an entry. One order only.
    """
    legs_in: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for leg in sorted(states):
        legs_in.setdefault(tuple(sorted(states[leg].items())), []).append(leg)
    if len(legs_in) == 1:
        return [{"measures": dict(measures)} for measures in legs_in]
    return [{"legs": legs, "measures": dict(measures)} for measures, legs in legs_in.items()]


# --- leaves ----------------------------------------------------------------------------------------------------------


def encode_leaf(type_: str, at: datetime, nonce: bytes, /, **fields: object) -> bytes:
    """The bytes of a leaf. `at` is aware; `nonce` is 16 bytes fresh from `secrets`.

    An optional field may be given as None, which leaves it out. Raises LeafInvalid, or LeafTooLarge
    when no entry could hold it.
    """
    if len(nonce) != NONCE_BYTES:
        raise LeafInvalid(why=f"its nonce has {len(nonce)} bytes, not {NONCE_BYTES}")
    optional = {field.name for field in CATALOGUE.get(type_, ()) if not field.required}
    present = {name: value for name, value in fields.items() if value is not None or name not in optional}
    own = {"v": CATALOGUE_VERSION, "type": type_, "at": encode_time(at), "nonce": encode_b64u(nonce)}
    document = {**present, **own}
    try:  # nothing enters the ledger that its readers would refuse
        check_strict(document)
    except NotStrictJson as broken:
        raise LeafInvalid(why=f"it cannot be written as JSON: {broken}") from None
    _check_fields(type_, present)
    raw = encode_canonical_json(document)
    if len(raw) > MAX_LEAF_BYTES:
        raise LeafTooLarge(size=len(raw), limit=MAX_LEAF_BYTES)
    return raw


def parse_leaf(raw: bytes) -> Leaf:
    """The leaf in these bytes. Raises LeafInvalid unless they are the canonical form of a leaf of the catalogue."""
    return _read_usual(raw) or _parse_any(raw)


def check_leaf(raw: bytes) -> tuple[str, str | None]:
    """The type of the leaf in these bytes and the service that it names, if it does. Raises LeafInvalid as `parse_leaf`
    does, and takes a third of its time: it makes nothing of what it has judged."""
    type_ = _usual_type(raw)
    if type_ in _NAMES_NO_SERVICE and _FORMS[type_].holds(raw):
        return type_, None
    leaf = parse_leaf(raw)
    return leaf.type, leaf.fields.get("service")


def _read_usual(raw: bytes) -> Leaf | None:
    """Of a leaf in the usual form of its type."""
    type_ = _usual_type(raw)
    read = _FORMS[type_].read(raw) if type_ in _FORMS else None
    return None if read is None else Leaf(type_, *read)


def _usual_type(raw: bytes) -> str:
    start = raw.rfind(_TYPE_MEMBER) + len(_TYPE_MEMBER)
    return raw[start : raw.find(b'"', start)].decode("ascii", "replace")


def _parse_any(raw: bytes) -> Leaf:
    try:
        document = parse_strict_json(raw)
    except NotStrictJson as broken:
        raise LeafInvalid(why=f"it is not strict JSON: {broken}") from None
    if not isinstance(document, dict) or encode_canonical_json(document) != raw:
        raise LeafInvalid(why="it is not a JSON object in canonical form")
    own = {name: document.pop(name, None) for name in _OWN_MEMBERS}
    if own["v"] != CATALOGUE_VERSION or not is_number(own["v"]):
        raise LeafInvalid(why=f"its version is not {CATALOGUE_VERSION}")
    if not isinstance(own["type"], str):
        raise LeafInvalid(why="it has no type")
    _check_fields(own["type"], document)
    return Leaf(own["type"], _parse_full_time(own["at"]), _parse_nonce(own["nonce"]), document)


def _parse_full_time(value: object) -> datetime:
    if not isinstance(value, str) or len(value) != TIME_CHARACTERS or not is_time(value):
        raise LeafInvalid(why="its time is not RFC 3339 in UTC with microseconds")
    return parse_time(value)


def _parse_nonce(value: object) -> bytes:
    try:
        return parse_b64u(value if isinstance(value, str) else "", NONCE_BYTES)
    except ValueError:
        raise LeafInvalid(why=f"its nonce is not {NONCE_BYTES} bytes in base64url") from None


def digest_of_leaf(leaf: bytes) -> bytes:
    """By which its writer finds a leaf again: its time in milliseconds since 1970, in 6 bytes, then its SHA-256.

    The time comes first as in a UUIDv7, so that an index of them grows at its end [SQLite, 1,000 leaves more behind
    600,000: 4 ms of CPU instead of 20].
    """
    return _time_in_digest(leaf[_AT_MILLISECOND]) + hashlib.sha256(leaf).digest()


@lru_cache(256)
def _time_in_digest(millisecond: bytes) -> bytes:
    """Remembered: what waits in one frame was mostly written in one moment."""
    try:
        at = datetime.fromisoformat(millisecond.decode("ascii") + "Z")
    except ValueError:
        at = _NO_TIME
    return max(0, (at - _NO_TIME) // timedelta(milliseconds=1)).to_bytes(6, "big")


# --- entries ---------------------------------------------------------------------------------------------------------


def encode_entry(logged_at: datetime, leaf: bytes) -> bytes:
    """The entry that the sequencer makes of a leaf. `logged_at` is aware. Raises LeafTooLarge."""
    return encode_entries(logged_at, [leaf])[0]


def encode_entries(logged_at: datetime, leaves: Iterable[bytes]) -> list[bytes]:
    """Those of the leaves of one round."""
    stamp = encode_time(logged_at).encode() + b"\n"
    return [check_entry(stamp + leaf) for leaf in leaves]


def parse_entry(entry: bytes) -> tuple[datetime, Leaf]:
    """`logged_at` (aware, UTC) and the leaf. Raises LeafInvalid."""
    logged_at, leaf = split_entry(entry)
    return logged_at, parse_leaf(leaf)


def split_entry(entry: bytes) -> tuple[datetime, bytes]:
    """`logged_at` (aware, UTC) and the bytes of the leaf, which are not looked at. Raises LeafInvalid."""
    if len(entry) > MAX_ENTRY_BYTES:
        raise LeafInvalid(why=f"its entry has {len(entry)} bytes")
    stamp, newline, leaf = entry[:TIME_CHARACTERS], entry[TIME_CHARACTERS:_PREFIX_BYTES], entry[_PREFIX_BYTES:]
    if newline != b"\n":
        raise LeafInvalid(why="its entry does not begin with 27 characters of time and a newline")
    return _parse_full_time(stamp.decode("ascii", "replace")), leaf
