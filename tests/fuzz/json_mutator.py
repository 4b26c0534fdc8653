"""Changes inside JSON: a member taken out, put in twice, exchanged for another; or one text changed, through base64url
and through the JSON inside it, down to the header in the manifest in the signed payload.

A fuzzer that changes bytes alone breaks the outermost form nearly always, and never meets what is within.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

from shared.keys.base64url import encode_b64u, parse_b64u

Mutate = Callable[[bytes, int], bytes]
"""libFuzzer's own change of these bytes, to so many at most."""

_STRANGE: Final[tuple[Any, ...]] = (None, True, False, 0, -1, 1, 2**53, "", "body", [], {}, "\x00", "\u202e", [[]], 1.5)
_FORMS: Final = ((",", ":"), (", ", ": "))
_Place = tuple[Any, Any]
"""A list or an object, and the index or name in it."""


def mutate_json(data: bytes, max_size: int, seed: int, mutate: Mutate) -> bytes:
    """Another text. Half of the time, and where there is no JSON, it is libFuzzer's."""
    random = Random(seed)
    if random.random() < 0.3:
        return mutate(data, max_size)
    changed = _changed(data, random, lambda raw: mutate(raw, len(raw) + 16))
    return mutate(data, max_size) if changed is None or len(changed) > max_size else changed


def _changed(data: bytes, random: Random, mutate: Callable[[bytes], bytes]) -> bytes | None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    places = list(_places(document))
    if not places:
        return None
    inside, name = random.choice(places)
    match random.randrange(8):
        case 0:
            del inside[name]
        case 1:
            inside[name] = random.choice(_STRANGE)
        case 2:
            other, key = random.choice(places)
            inside[name], other[key] = other[key], inside[name]
        case 3 if isinstance(inside, list):
            inside.insert(random.randrange(len(inside) + 1), inside[name])
        case 3:
            inside[random.choice(("v", "alg", "kid", "header", "unknown"))] = inside[name]
        case 4:
            return _twice(data, document, random)
        case _:
            inside[name] = _changed_value(inside[name], random, mutate)
    try:
        return json.dumps(document, ensure_ascii=False, separators=random.choice(_FORMS)).encode()
    except (ValueError, RecursionError):  # half of a surrogate pair, or an object within itself
        return None


def _places(node: Any) -> Any:
    if isinstance(node, dict | list):
        for name in list(node) if isinstance(node, dict) else range(len(node)):
            yield node, name
            yield from _places(node[name])


def _changed_value(value: Any, random: Random, mutate: Callable[[bytes], bytes]) -> Any:
    if not isinstance(value, str):
        return random.choice((*_STRANGE, value))
    try:
        raw = parse_b64u(value)
    except ValueError:
        return mutate(value.encode("utf-8", "replace")).decode("utf-8", "replace")
    if len(raw) < 12:
        return mutate(value.encode()).decode("utf-8", "replace")
    changed = _changed(raw, random, mutate) if random.random() < 0.7 else None
    return encode_b64u(mutate(raw) if changed is None else changed)


def _twice(data: bytes, document: Any, random: Random) -> bytes | None:
    """One member of the outermost object stands twice."""
    if not isinstance(document, dict) or not document:
        return None
    name = random.choice(list(document))
    member = json.dumps({name: random.choice((document[name], *_STRANGE))}, separators=(",", ":")).encode()
    return data.rstrip()[:-1] + b"," + member[1:]
