"""Evidences keep signed calls, senders keep receipts: both must verify as long as anybody asks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from shared.apisig.receipts import Receipt, sign_receipt, verify_receipt
from shared.apisig.request_text import verify_signed_request_text
from shared.apisig.verify import verify_request
from shared.domain.ids import parse_time
from shared.keys.private import Ed25519Signer


def golden(name: str) -> Any:
    return json.loads((Path(__file__).parent / "golden" / name).read_text())


def signer(text: str) -> Ed25519Signer:
    return Ed25519Signer(hashlib.sha256(text.encode()).digest())


def test_the_kept_call_still_verifies_and_so_does_its_text() -> None:
    kept = golden("call.json")
    keys = {kept["keyid"]: signer(kept["seed"]).public_key()}
    created = parse_time(kept["created"])
    call = verify_request(kept["method"], kept["url"], kept["headers"], kept["body"].encode(), keys.get, created)
    assert call.signature_text == kept["text"]
    request = verify_signed_request_text(kept["text"], keys.get)
    assert (request.method, request.target_uri, request.created) == (kept["method"], kept["url"], created)


def test_the_kept_receipt_still_verifies_and_is_made_again() -> None:
    kept = golden("receipt.json")
    members = dict(kept["members"])
    times = {name: parse_time(members.pop(name)) for name in ("received_at", "decide_by")}
    receipt = Receipt(**members, received_at=times["received_at"], decide_by=times["decide_by"])
    assert verify_receipt(kept["receipt"], signer(kept["seed"]).public_key()) == receipt
    assert sign_receipt(receipt, signer(kept["seed"])) == kept["receipt"], "Ed25519 is deterministic"
