"""JSON without the freedoms that let two readers see two documents (I-JSON, RFC 7493, and a little stricter)."""

from __future__ import annotations

import json
from typing import Any

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
        document = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique_members,
            parse_constant=_refuse_number,
            parse_float=_refuse_number,
            parse_int=_bounded_integer,
        )
        if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
            _check_depth(document, MAX_DEPTH)
        if b"\\u" in raw:  # no other spelling makes a NUL or half of a surrogate pair
            _check_text(document)
    except RecursionError:
        raise NotStrictJson(f"nested deeper than {MAX_DEPTH}") from None
    except ValueError as broken:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise NotStrictJson(str(broken)[:120]) from None
    return document


def encode_canonical_json(document: Any) -> bytes:
    """The one byte form that Comity gives a document: sorted members, no white space, UTF-8, few escapes."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


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


def _check_depth(node: Any, room: int) -> None:
    if isinstance(node, dict | list):
        if room == 0:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        for child in node.values() if isinstance(node, dict) else node:
            _check_depth(child, room - 1)


def _check_text(node: Any) -> None:
    if isinstance(node, str):
        node.encode("utf-8")  # a lone surrogate raises UnicodeEncodeError
        if "\x00" in node:
            raise ValueError("a NUL character")
    elif isinstance(node, dict):
        for name, member in node.items():
            _check_text(name)
            _check_text(member)
    elif isinstance(node, list):
        for item in node:
            _check_text(item)
