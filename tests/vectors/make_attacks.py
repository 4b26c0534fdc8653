"""Write the golden attacks of `tests/vectors/attacks/`: `python -m tests.vectors.make_attacks [NAME…]`.

Those on one envelope alone are `make_envelope`'s, in `tests/vectors/envelope/attacks/`. Ids, wraps and ML-DSA-65
signatures are new in every run, so that a file is made anew only when its attack or the format changes.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Iterator
from typing import Any

from shared.domain.ids import encode_time
from shared.errors import KeyRefused
from shared.keys.base64url import encode_b64u
from tests.unit.attacks import bad_keys, moves
from tests.unit.attacks.moves import Step
from tests.unit.envelope import attacks as envelopes
from tests.vectors.golden import HERE


def main(wanted: list[str]) -> None:
    (HERE / "attacks").mkdir(exist_ok=True)
    for name, document in _documents(wanted):
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        (HERE / "attacks" / f"{name}.json").write_text(text, encoding="utf-8")


def _documents(wanted: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    def is_wanted(name: str) -> bool:
        return not wanted or name in wanted

    for move in moves.CATALOGUE.values():
        if is_wanted(move.name):
            yield move.name, {"claim": move.claim, "steps": [_step(step) for step in move.make()]}
    for attack in envelopes.CATALOGUE.values():
        if not attack.golden and is_wanted(attack.name):
            code = attack.exchange_code or attack.refused_with.code
            step = Step(attack.make(), outcome=code, by="gateway", at=attack.now, is_attack=True)
            yield attack.name, {"claim": attack.claim, "steps": [_step(step, is_large=True)]}
    for bad in bad_keys.CATALOGUE:
        if is_wanted(bad.name):
            yield bad.name, _keys(bad)


def _step(step: Step, is_large: bool = False) -> dict[str, Any]:
    text = (
        {"deflated": encode_b64u(zlib.compress(step.submission, 9))}
        if is_large
        else {"submission": step.submission.decode()}
    )
    return {
        "at": encode_time(step.at),
        "caller": step.caller,
        "is_attack": step.is_attack,
        "outcome": step.outcome,
        "by": step.by,
        **({} if step.call == "own" else {"call": step.call}),
        **text,
    }


def _keys(bad: bad_keys.BadKeys) -> dict[str, Any]:
    return {
        "claim": bad.claim,
        "code": KeyRefused.code,
        "alg": bad.alg,
        "accepted": encode_b64u(bad_keys.GOOD[bad.alg]),
        "refused": [{"what": what, "public": encode_b64u(raw)} for what, raw in bad.keys.items()],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
