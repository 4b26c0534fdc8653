"""How long the cryptography of one message takes at each stage: operations counted from the code, times measured here.

A count is what a message of a kilobyte to one recipient needs, batches apart; sizes are those of its submission and of
its frames. The ledger signs once a round, not once a message: its signatures are left to its process's own CPU time.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.figures import percentile, seconds_of
from shared.keys.private import generate_ed25519, generate_mldsa65

SUBMISSION_BYTES: Final = 12_000
SMALL_ITEM_BYTES: Final = 1_000
OPERATIONS: Final[Mapping[str, Mapping[str, int]]] = {
    "gateway": {"Ed25519 verify": 1, "Ed25519 sign": 1, "SHA-256 of 12 kB": 2, "AES-256-GCM of 12 kB": 1},
    "intake": {
        "Ed25519 verify": 1,
        "ML-DSA-65 verify": 1,
        "SHA-256 of 12 kB": 1,
        "SHA-256 of 1 kB": 2,
        "AES-256-GCM of 12 kB": 2,
    },
    "routing": {"AES-256-GCM of 12 kB": 1, "AES-256-GCM of 1 kB": 1, "SHA-256 of 1 kB": 2},
    "notification": {"AES-256-GCM of 1 kB": 1},
    "ledger": {"SHA-256 of 1 kB": 6},
}
"""Stage → operation → how many a message. An AES-256-GCM is a sealing or an opening: they take the same time."""
_TIMES: Final = 300


def operation_times() -> dict[str, float]:
    """Milliseconds of each operation, the median of some hundred."""
    ed25519, mldsa65 = generate_ed25519(), generate_mldsa65()
    text, large, small = bytes(8_000), bytes(SUBMISSION_BYTES), bytes(SMALL_ITEM_BYTES)
    signature, signature65 = ed25519.sign(text), mldsa65.sign(text)
    public, public65 = ed25519.public_key(), mldsa65.public_key()
    cipher, nonce = AESGCM(bytes(32)), bytes(12)
    operations: dict[str, Callable[[], object]] = {
        "Ed25519 sign": lambda: ed25519.sign(text),
        "Ed25519 verify": lambda: public.verify(signature, text),
        "ML-DSA-65 verify": lambda: public65.verify(signature65, text),
        "SHA-256 of 12 kB": lambda: hashlib.sha256(large).digest(),
        "SHA-256 of 1 kB": lambda: hashlib.sha256(small).digest(),
        "AES-256-GCM of 12 kB": lambda: cipher.encrypt(nonce, large, small),
        "AES-256-GCM of 1 kB": lambda: cipher.encrypt(nonce, small, small),
    }
    return {
        name: 1000 * percentile([seconds_of(run, time.perf_counter) for _ in range(_TIMES)], 50)
        for name, run in operations.items()
    }


def stage_times(times: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds of cryptography a message, by stage."""
    return {stage: sum(count * times[name] for name, count in counts.items()) for stage, counts in OPERATIONS.items()}
