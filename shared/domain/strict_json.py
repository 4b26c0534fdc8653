"""JSON without the freedoms that let two readers see two documents (I-JSON, RFC 7493, and a little stricter)."""

from __future__ import annotations

import json
from typing import Any, Final

MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1


class NotStrictJson(ValueError):
    """These bytes are not strict JSON; the text says why."""


def parse_strict_json(raw: bytes) -> Any:
    """The document in these bytes.

    Refuses invalid UTF-8, duplicate members, lone surrogates, NUL, numbers that are no integer of 53 bits, and nesting
    deeper than 16. Raises NotStrictJson.
    """
    try:
        document = _DECODER.decode(raw.decode("utf-8"))
        if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH or b"\\u" in raw:  # only so a NUL or half a pair is spelt
            _check(document, MAX_DEPTH)
    except RecursionError:
        raise NotStrictJson(f"nested deeper than {MAX_DEPTH}") from None
    except UnicodeDecodeError as broken:
        raise NotStrictJson(f"byte {broken.start + 1} is no text in UTF-8") from None
    except json.JSONDecodeError as broken:
        raise NotStrictJson(_place(broken)) from None
    except ValueError as broken:
        raise NotStrictJson(str(broken)[:120]) from None
    return document


def _place(broken: json.JSONDecodeError) -> str:
    if not broken.doc.strip():
        return "it is empty"
    if broken.pos >= len(broken.doc.rstrip()) or broken.msg.startswith("Unterminated string"):
        why = f"it is no whole JSON: what begins before or in line {broken.lineno} does not end"
    else:
        why = f"it is no JSON from line {broken.lineno}, column {broken.colno}, on"
    return why


def encode_canonical_json(document: Any) -> bytes:
    """The one byte form that Comity gives a document: sorted members, no white space, UTF-8, few escapes."""
    return _CANONICAL.encode(document).encode()


def check_strict(document: Any) -> None:
    """Refuse a document of ours that `parse_strict_json` would refuse once written. Raises NotStrictJson."""
    try:
        _check(document, MAX_DEPTH)
    except ValueError as broken:
        raise NotStrictJson(str(broken)[:120]) from None


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _refuse_number(digits: str) -> float:
    raise ValueError(f"{digits[:20]} is not an integer")


def _bounded_integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise ValueError("an integer beyond 53 bits")
    return int(digits)


def _check_room(room: int) -> None:
    if room == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")


def _check(node: Any, room: int) -> None:
    """Raises ValueError for what no strict document holds; `room` is how much deeper it may be nested."""
    if isinstance(node, str):
        if not node.isascii():
            node.encode("utf-8")  # a lone surrogate raises UnicodeEncodeError
        if "\x00" in node:
            raise ValueError("a NUL character")
    elif isinstance(node, dict):
        _check_room(room)
        for name, member in node.items():
            if not isinstance(name, str):
                raise ValueError("a member's name is not a text")
            _check(name, room)
            _check(member, room - 1)
    elif isinstance(node, list):
        _check_room(room)
        for item in node:
            _check(item, room - 1)
    elif isinstance(node, int):
        if abs(node) > MAX_INTEGER:
            raise ValueError("an integer beyond 53 bits")
    elif node is not None:
        raise ValueError(f"a {type(node).__name__} has no place in JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique_members,
    parse_constant=_refuse_number,
    parse_float=_refuse_number,
    parse_int=_bounded_integer,
)
_CANONICAL: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
