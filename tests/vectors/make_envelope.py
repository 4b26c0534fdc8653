"""Write the golden attacks on envelopes, `tests/vectors/envelope/attacks/`: `python -m tests.vectors.make_envelope`.

With names of attacks, only their files: `python -m tests.vectors.make_envelope a-part-is-cut`.

Keys and the message secret are fixed. Wraps, sealed parts and ML-DSA-65 signatures hold randomness of their own, so
that every run writes other files: they are for reading, and made anew only when the format changes. What is made again
byte for byte is made by `python -m tests.vectors`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from shared.domain.ids import encode_time
from tests.unit.envelope.attacks import CATALOGUE

HERE = Path(__file__).parent / "envelope"


def main(wanted: list[str]) -> None:
    (HERE / "attacks").mkdir(parents=True, exist_ok=True)
    for attack in CATALOGUE.values():
        if attack.golden and (not wanted or attack.name in wanted):
            _write(
                f"attacks/{attack.name}.json",
                {
                    "claim": attack.claim,
                    "now": encode_time(attack.now),
                    "stage": attack.stage,
                    "code": attack.refused_with.code,
                    **({"exchange_code": attack.exchange_code} if attack.exchange_code else {}),
                    "submission": attack.make().decode(),
                },
            )


def _write(name: str, document: object) -> None:
    (HERE / name).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
