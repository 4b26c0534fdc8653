"""Keys with their ids, a chain of key events, who counts by it, and events to refuse (`docs/spec/keys.md`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from shared.keys.base64url import encode_b64u
from shared.keys.private import MLDSA44Signer
from tests.vectors.event_texts import END, EXCHANGE, MA, OPERATORS, SECOND_BEGIN, USES, chain, key_of
from tests.vectors.primitives import drawn, ed25519
from tests.vectors.refused_events import refused

Generations = Mapping[str, Sequence[int]]
SIGNING = ("sign-ed25519", "sign-mldsa65", "api-ed25519")
BOTH: Generations = dict.fromkeys(USES, (2, 1))
FIRST: Generations = dict.fromkeys(USES, (1,))
SECOND: Generations = dict.fromkeys(USES, (2,))
NONE: Generations = dict.fromkeys(USES, ())
COUNTING: tuple[tuple[str, int, str, Generations], ...] = (
    ("MA.PGR", 4, "2026-05-31T23:59:59.999999Z", FIRST),
    ("MA.PGR", 4, SECOND_BEGIN, BOTH),
    ("MA.PGR", 4, "2026-06-07T23:59:59.999999Z", BOTH),
    ("MA.PGR", 4, "2026-06-08T00:00:00Z", SECOND),
    ("MA.PGR", 4, END, NONE),
    ("BE.PF", 4, "2026-06-09T00:00:00Z", FIRST),
    ("BE.PF", 5, "2026-06-10T00:00:00Z", NONE),
    ("BE.PF", 6, "2026-06-11T00:00:00Z", FIRST),
    ("MA.AUDIT", 8, "2026-06-13T00:00:00Z", {**NONE, "api-ed25519": (1,)}),
    ("MA.PGR", 8, "2026-06-07T00:00:00Z", {**BOTH, "sign-ed25519": (2,)}),
    ("ES.SGCJI", 8, "2026-06-13T00:00:00Z", NONE),
)
"""A party, how many events are known, the time that is asked for, and of which generation the accepted keys are, that
which counts first: by the page, not by ours."""
SEALING: Generations = {**NONE, "seal-xwing": (2,)}
RENEWED_SEALING: Generations = {**NONE, "seal-xwing": (3, 2)}
RENEWED: Generations = dict.fromkeys(USES, (3, 2))
RECOVERED = 7
LOGGED = "2026-06-12T00:00:30Z"
WAITING: tuple[tuple[int, str, str | None, tuple[int, ...], Generations], ...] = (
    (7, "2026-07-12T00:00:00Z", None, (), SEALING),
    (7, "2026-06-12T00:00:30Z", LOGGED, (), SEALING),
    (7, "2026-06-15T00:00:29.999999Z", LOGGED, (), SEALING),
    (7, "2026-06-15T00:00:30Z", LOGGED, (), SECOND),
    (7, "2026-06-12T00:00:30Z", None, (2,), SECOND),
    (9, "2026-06-13T00:00:00Z", LOGGED, (), RENEWED_SEALING),
    (9, "2026-06-15T00:00:29.999999Z", LOGGED, (), RENEWED_SEALING),
    (9, "2026-06-15T00:00:30Z", LOGGED, (), RENEWED),
    (9, "2026-06-13T00:00:00Z", LOGGED, (2,), RENEWED),
    (9, "2026-06-13T00:00:00Z", LOGGED, (3,), {**RENEWED_SEALING, **dict.fromkeys(SIGNING, (3,))}),
)
"""Of BE.PF, whom event 7 recovered: how many events are known, the time that is asked for, when the ledger logged the
recovery, which generations a person compared, and the accepted keys."""


def files() -> dict[str, object]:
    return {"keys/kids.json": _kids(), "keys/events.json": _events(), "keys/refused.json": refused()}


def _kids() -> list[dict[str, str]]:
    ml44 = MLDSA44Signer(drawn("log"))
    listed = [("Ed25519", "operator", OPERATORS["operator 1"]), ("Ed25519", "exchange/gateway", ed25519("gateway"))]
    pairs: list[tuple[str, str, Any]] = [*listed, ("ML-DSA-44", "exchange/ledger", ml44)]
    algs = {"sign-ed25519": "Ed25519", "sign-mldsa65": "ML-DSA-65", "seal-xwing": "X-Wing", "api-ed25519": "Ed25519"}
    pairs += [(algs[use], "MA.PGR", MA.key(use)) for use in USES]
    return [
        {
            "alg": alg,
            "owner": owner,
            "seed": encode_b64u(key.seed),
            "public": encode_b64u(key.public),
            "kid": key.kid(owner),
        }
        for alg, owner, key in pairs
    ]


def _events() -> dict[str, Any]:
    return {
        "exchange": EXCHANGE,
        "operators": [encode_b64u(one.public) for one in OPERATORS.values()],
        "quorum": 2,
        "events": [
            {"event": text, "digest": encode_b64u(hashlib.sha256(document).digest())} for document, text in chain()
        ],
        "accepted": [
            *(_accepted(party, index, at, generations) for party, index, at, generations in COUNTING),
            *(
                _accepted("BE.PF", index, at, generations, logged, compared)
                for index, at, logged, compared, generations in WAITING
            ),
        ],
    }


def _accepted(
    party: str,
    index: int,
    at: str,
    generations: Generations,
    logged: str | None = None,
    compared: Sequence[int] = (),
) -> dict[str, Any]:
    def kids(use: str, numbers: Sequence[int]) -> list[str]:
        return [key_of(party, use, generation).kid(party) for generation in numbers]

    return {
        "party": party,
        "index": index,
        "at": at,
        "logged": [] if logged is None else [{"seq": RECOVERED, "at": logged}],
        "compared": [kid for use in USES for kid in kids(use, compared)],
        "kids": {use: kids(use, generations[use]) for use in USES},
    }
