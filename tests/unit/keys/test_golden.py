"""What was signed once stays readable: the ledger keeps key events for ever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from shared.keys.directory import Directory
from shared.keys.events import verify_event
from shared.keys.private import Ed25519Signer, MLDSA65Signer, PrivateKey, XWingOpener

GOLDEN = json.loads((Path(__file__).parent / "golden" / "enrolment.json").read_text())
KINDS: dict[str, Callable[[bytes], PrivateKey]] = {
    "sign-ed25519": Ed25519Signer,
    "sign-mldsa65": MLDSA65Signer,
    "seal-xwing": XWingOpener,
    "api-ed25519": Ed25519Signer,
}


def seed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def test_the_kept_enrolment_still_verifies() -> None:
    operators = [Ed25519Signer(seed(text)).public_key() for text in GOLDEN["operator_seeds"]]
    directory = Directory.empty(GOLDEN["exchange"])
    event = verify_event(GOLDEN["document"].encode(), operators, 2, directory)
    assert event.digest == GOLDEN["digest"]
    assert {key.use: key.kid for key in event.keys} == GOLDEN["kids"]
    assert directory.apply(event).signing_keys("MA.PGR", datetime(2026, 11, 22, 9, 0, tzinfo=UTC)) is not None


def test_the_kept_seeds_still_give_the_kept_kids() -> None:
    for use, text in GOLDEN["seeds"].items():
        assert KINDS[use](seed(text)).kid("MA.PGR") == GOLDEN["kids"][use]
