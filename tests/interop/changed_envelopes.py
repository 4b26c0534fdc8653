"""Envelopes with one thing changed, by chance and by seed: before two readers that must say the same of each.

A change strikes the bytes of a submission as they travel, or one member of one of its documents, with everything that
follows made anew: a header changed so is sealed to and signed as it stands, so that the fault lies there alone.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from shared.keys.base64url import encode_b64u
from tests.interop.envelopes import outcome_in_javascript, outcome_in_python
from tests.interop.javascript import JavaScript
from tests.unit.envelope.workshop import Forgery, header_document

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 63, 2**53 - 1, 2**53, 1.5, 1e3, "", "x", "MA.PGR", "be.pf", "ES.SGCJI", "\u0000",
    "é", "\ud800", "a\u202eb", " ", ".", "p1", "body", "2026-02-30T00:00:00Z", "2026-11-22T24:00:00Z",
    "2026-11-22T09:30:00.123Z", "2026-11-22T09:30:00.123456Z", "2026-11-22T09:30:00+00:00", "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "019aaa00-0000-7000-8000-0000000000ff", "019aaa00-0000-4000-8000-0000000000ff",
    "019AAA00-0000-7000-8000-0000000000FF", "A" * 43, "A" * 42 + "B", "A" * 42, "comity-env/1", "comity-env/2",
    "Ed25519", "EdDSA", [], [[]], ["Ed25519"], {}, {"a": 1}, {"M1": "bank-data"}, {"M0": "bank-data"},
    {"__proto__": 1}, ["BE.PF"], ["BE.PF", "BE.PF"], ["MA.PGR"], "routine", "text/plain", "Text/Plain",
    "text/plain; charset=utf-8", "a/b", "..", "a" * 64, "a" * 65, "é" * 100, "é" * 101, "x" * 128, "x" * 129,
)  # fmt: skip
CHARACTERS = b'{}[]",:\\ \n\t0123456789abcdefxyzABC-_=+/.eE\x00\x1f\x7f\x80\xc3\xff'


def differences(there: JavaScript, submission: bytes, count: int, seed: int) -> Iterator[str]:
    """What two readers say differently of `count` changed envelopes, each with what repeats it."""
    for number in range(count):
        changed = changed_envelope(submission, random.Random(f"{seed}/{number}"))
        here, outcome = outcome_in_python(changed), outcome_in_javascript(there, changed)
        if here != outcome:
            yield f"seed {seed}, number {number}: here {here}, there {outcome}"


def changed_bytes(submission: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(submission))
    if chance.random() < 0.5:  # near its documents rather than in its long texts
        at = min(at, 400) if chance.random() < 0.5 else max(at, len(submission) - 400)
    kind = chance.randrange(5)
    if kind == 0:
        return submission[:at] + bytes([submission[at] ^ 1 << chance.randrange(8)]) + submission[at + 1 :]
    if kind == 1:
        return submission[:at] + bytes([chance.choice(CHARACTERS)]) + submission[at + 1 :]
    if kind == 2:
        return submission[:at] + bytes([chance.choice(CHARACTERS)]) + submission[at:]
    if kind == 3:
        return submission[:at] + submission[at + chance.randrange(1, 50) :]
    return submission[:at]


def change_member(document: Any, chance: random.Random) -> None:
    """One value anywhere in it, replaced, removed, doubled, or joined by a member of another name."""
    holders = list(_holders(document))
    holder = chance.choice(holders)
    kind = chance.randrange(6)
    if isinstance(holder, list):
        at = chance.randrange(len(holder)) if holder else 0
        if kind == 0 and holder:
            del holder[at]
        elif kind == 1 and holder:
            holder.insert(at, holder[at])
        elif kind == 2:
            holder.reverse()
        elif holder:
            holder[at] = chance.choice(VALUES)
        else:
            holder.append(chance.choice(VALUES))
        return
    name = chance.choice(list(holder)) if holder else "none"
    if kind == 0 and holder:
        del holder[name]
    elif kind == 1 or not holder:
        holder[chance.choice(("surplus", "__proto__", "constructor", "é", "m"))] = chance.choice(VALUES)
    elif kind == 2 and isinstance(holder[name], str) and holder[name]:
        text = holder[name]
        at = chance.randrange(len(text))
        holder[name] = text[:at] + chance.choice("aA0_-=+ é\u0000") + text[at + 1 :]
    else:
        holder[name] = chance.choice(VALUES)


def changed_envelope(submission: bytes, chance: random.Random) -> bytes:
    """`submission` with its bytes changed, or another with one member of a document changed."""
    make: Callable[[random.Random], bytes] = chance.choice(
        (_with_header, _with_header, _with_body, _with_manifest, _with_protected, _with_jws, _with_submission)
    )
    return changed_bytes(submission, chance) if chance.random() < 0.3 else make(chance)


def _holders(node: Any) -> Iterator[Any]:
    if isinstance(node, dict | list):
        yield node
        for child in node.values() if isinstance(node, dict) else node:
            yield from _holders(child)


def _with_header(chance: random.Random) -> bytes:
    forgery = Forgery().seal()
    header = header_document()
    change_member(header, chance)
    raw = json.dumps(header, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    forgery.manifest["header"] = encode_b64u(raw)
    return forgery.sign().submission()


def _with_body(chance: random.Random) -> bytes:
    forgery = Forgery()
    body = json.loads(json.dumps(forgery.body()))
    change_member(body, chance)
    return forgery.seal(body=body).sign().submission()


def _with_manifest(chance: random.Random) -> bytes:
    forgery = Forgery().seal()
    change_member(forgery.manifest, chance)
    return forgery.sign().submission()


def _with_protected(chance: random.Random) -> bytes:
    name = chance.choice(("alg", "kid", "typ", "crv"))
    alg = chance.choice(("Ed25519", "ML-DSA-65"))
    return Forgery().seal().sign(protected={alg: {name: chance.choice(VALUES)}}).submission()


def _with_jws(chance: random.Random) -> bytes:
    forgery = Forgery().seal().sign()
    change_member(forgery.jws, chance)
    return forgery.submission()


def _with_submission(chance: random.Random) -> bytes:
    document = Forgery().seal().sign().document()
    document["jws"] = dict(document["jws"])
    change_member(document, chance)
    return json.dumps(document).encode()
