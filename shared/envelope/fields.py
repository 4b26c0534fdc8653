"""Reading closed JSON objects: each function returns one member in its type, or refuses the envelope naming the member.

Rules: an object has exactly its named members; a list has a bound, checked before its items are read; a byte string is
canonical base64url. The document comes from `parse_strict_json`, so that no member stands twice.
"""

from __future__ import annotations

import re
from typing import Any

from shared.domain.ids import DIGEST_PATTERN
from shared.domain.strict_json import NotStrictJson, parse_strict_json
from shared.errors import EnvelopeMalformed, EnvelopeTooLarge
from shared.keys.base64url import parse_b64u

_DIGEST = re.compile(DIGEST_PATTERN[1:-1])


def read_document(raw: bytes, where: str) -> Any:
    """The strict JSON document in these bytes. Raises EnvelopeMalformed."""
    try:
        return parse_strict_json(raw)
    except NotStrictJson as broken:
        raise EnvelopeMalformed(why=f"{where} is not strict JSON: {broken}") from None


def read_object(node: object, members: tuple[str, ...], where: str) -> dict[str, Any]:
    """The node, an object with exactly these members."""
    if not isinstance(node, dict):
        raise EnvelopeMalformed(why=f"{where} is not an object")
    for member in members:
        if member not in node:
            raise EnvelopeMalformed(why=f"{where} lacks the member {member}")
    if len(node) != len(members):
        surplus = next(name for name in node if name not in members)
        raise EnvelopeMalformed(why=f"{where} has the unknown member {surplus[:64]}")
    return node


def read_list(node: object, most: int, where: str) -> list[Any]:
    """The node, a list of at most `most` items. Raises EnvelopeTooLarge beyond."""
    if not isinstance(node, list):
        raise EnvelopeMalformed(why=f"{where} is not a list")
    if len(node) > most:
        raise EnvelopeTooLarge(what=f"number of {where}", limit=most)
    return node


def read_text(node: object, where: str) -> str:
    if not isinstance(node, str):
        raise EnvelopeMalformed(why=f"{where} is not a text")
    return node


def read_bytes(node: object, where: str) -> bytes:
    """The bytes that this canonical base64url text stands for."""
    try:
        return parse_b64u(read_text(node, where))
    except ValueError as broken:
        raise EnvelopeMalformed(why=f"{where} is {broken}") from None


def read_digest(node: object, where: str) -> str:
    """The text of a SHA-256 digest, 43 characters of canonical base64url."""
    text = read_text(node, where)
    if _DIGEST.fullmatch(text) is None:
        raise EnvelopeMalformed(why=f"{where} is not a digest")
    return text


def read_size(node: object, where: str) -> int:
    """A number of bytes: a non-negative integer, and no boolean."""
    if type(node) is not int or node < 0:
        raise EnvelopeMalformed(why=f"{where} is not a size")
    return node
