"""Write the test vectors of comity-env/1 into `tests/vectors/envelope/`: `python -m tests.vectors.make_envelope`.

With names of attacks, only their files: `python -m tests.vectors.make_envelope a-part-is-cut`.

Keys and the message secret are fixed. Wraps, sealed parts and ML-DSA-65 signatures hold randomness of their own, so
that every run writes other files: they are vectors for reading, and are made anew only when the format changes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from client.sealing import derive_key_commit, derive_part_key, seal_message
from client.signing import SoftwareOpener
from shared.domain.header import encode_header
from shared.domain.ids import encode_time
from shared.envelope.container import parse_submission
from shared.envelope.encoding import commit_info, header_context, part_context, part_info, wrap_info
from shared.envelope.padding import pad_part, padded_length
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer, MLDSA65Signer
from tests.unit.envelope.attacks import CATALOGUE
from tests.unit.envelope.workshop import (
    ATTACHMENTS,
    CONTENT,
    EXCHANGE,
    FIXED_SECRET,
    NOW,
    PARTIES,
    make_header,
    party,
    sealing_keys_of,
)

HERE = Path(__file__).parent / "envelope"
LENGTHS = (0, 1, 1016, 1017, 2000, 4096, 65528, 65529, 100_000, 1_000_000, 2**31, 2**40)


def main(wanted: list[str]) -> None:
    (HERE / "attacks").mkdir(parents=True, exist_ok=True)
    if not wanted:
        _write_envelopes()
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


def _write_envelopes() -> None:
    _write("parties.json", _parties())
    _write("padding.json", [{"length": length, "padded_length": padded_length(length)} for length in LENGTHS])
    complete = _complete()
    _write("complete.json", complete)
    _write("steps.json", _steps(complete))


def _parties() -> list[dict[str, Any]]:
    listed = []
    for authority in PARTIES:
        keys = party(authority)
        assert isinstance(keys.ed25519, Ed25519Signer)
        assert isinstance(keys.mldsa65, MLDSA65Signer)
        assert isinstance(keys.sealing, SoftwareOpener)
        held = (("Ed25519", keys.ed25519), ("ML-DSA-65", keys.mldsa65), ("X-Wing", keys.sealing.key))
        listed.append(
            {
                "authority": authority,
                "keys": [
                    {
                        "alg": alg,
                        "kid": key.kid(authority),
                        "seed": encode_b64u(key.seed),
                        "public": encode_b64u(key.public),
                    }
                    for alg, key in held
                ],
            }
        )
    return listed


def _complete() -> dict[str, Any]:
    """One whole envelope: everything that a reader is given, and everything that it must come to."""
    sealed = seal_message(
        make_header(),
        CONTENT,
        ATTACHMENTS,
        party("MA.PGR"),
        sealing_keys_of("BE.PF", "FR.BEPI"),
        randomness=lambda count: FIXED_SECRET[:count],
    )
    return {
        "exchange": EXCHANGE,
        "now": encode_time(NOW),
        "sender": "MA.PGR",
        "recipients": ["BE.PF", "FR.BEPI"],
        "secret": encode_b64u(FIXED_SECRET),
        "submission": sealed.submission.decode(),
        "digest": sealed.digest,
        "content": CONTENT,
        "attachments": [
            {"name": one.name, "media_type": one.media_type, "data": encode_b64u(one.data)} for one in ATTACHMENTS
        ],
    }


def _steps(complete: dict[str, Any]) -> dict[str, Any]:
    """What lies between: each derived value of the same envelope, with its inputs."""
    received = parse_submission(complete["submission"].encode())
    header = encode_header(make_header())
    context = header_context(header)
    return {
        "header": header.decode(),
        "context": encode_b64u(context),
        "commit_info": encode_b64u(commit_info(context)),
        "key_commit": encode_b64u(derive_key_commit(FIXED_SECRET, context)),
        "manifest": received.manifest.encoded.decode(),
        "jws": received.jws_bytes.decode(),
        "digest": received.digest,
        "wraps": [
            {"kid": kid, "info": encode_b64u(wrap_info(context, kid)), "wrap": encode_b64u(wrap)}
            for kid, wrap in received.wraps.items()
        ],
        "parts": [
            {
                "name": name,
                "info": encode_b64u(part_info(context, name)),
                "key": encode_b64u(derive_part_key(FIXED_SECRET, context, name)),
                "context": encode_b64u(part_context(context, name)),
                "ct": encode_b64u(ct),
                **({"padded": encode_b64u(pad_part(ATTACHMENTS[int(name[1:]) - 1].data))} if name != "body" else {}),
            }
            for name, ct in received.parts.items()
        ],
    }


def _write(name: str, document: object) -> None:
    (HERE / name).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
