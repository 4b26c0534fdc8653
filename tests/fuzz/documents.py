"""Targets: what operators and parties sign and others keep: key events, rosters, trust files, receipts, proofs of
asking."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from shared.apisig.receipts import verify_receipt
from shared.apisig.request_text import verify_signed_request_text
from shared.keys.directory import Directory
from shared.keys.events import verify_event
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public
from shared.keys.roster import Roster, verify_roster
from shared.keys.trust import Trust, encode_trust, parse_trust
from tests.fuzz.target import Target, require_genuine, require_same

_UNIT = Path(__file__).parents[1] / "unit"


@cache
def _golden(file: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((_UNIT / file).read_text(encoding="utf-8"))
    return document


def _event() -> dict[str, Any]:
    return _golden("keys/golden/enrolment.json")


def _frame() -> dict[str, Any]:
    return _golden("frame/golden/frame.json")


def _call() -> dict[str, Any]:
    return _golden("apisig/golden/call.json")


def _receipt() -> dict[str, Any]:
    return _golden("apisig/golden/receipt.json")


@cache
def _key_of(seed: str) -> Ed25519Public:
    return Ed25519Signer(hashlib.sha256(seed.encode()).digest()).public_key()


def _operators(golden: dict[str, Any]) -> list[Ed25519Public]:
    return [_key_of(seed) for seed in golden["operator_seeds"]]


def _judge_event(data: bytes) -> None:
    event = verify_event(data, _operators(_event()), 2, Directory.empty(_event()["exchange"]))
    require_genuine(event.digest == _event()["digest"], "another key event verifies")


def _judge_roster(data: bytes) -> None:
    require_genuine(_verified_roster(data) == _genuine_roster(), "another roster verifies")


def _verified_roster(raw: bytes) -> Roster:
    return verify_roster(raw, _operators(_frame()), 2, _frame()["exchange"])


@cache
def _genuine_roster() -> Roster:
    return _verified_roster(_frame()["roster"].encode())


def _judge_trust(data: bytes) -> None:
    trust = parse_trust(data)
    require_same(parse_trust(encode_trust(trust)), trust, "a trust file")


def _trust() -> bytes:
    origin = "comity.example/log"
    return encode_trust(
        Trust(
            origin=origin,
            log_vkeys=(f"{origin}+0102abcd+AQID", f"{origin}+ffeeddcc+BgID"),
            operator_keys=tuple(_operators(_event())),
            operator_quorum=2,
            receipt_key=_key_of(_receipt()["seed"]),
            witness_policy="none",
            environment="development",
        )
    )


def _judge_receipt(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    verify_receipt(text, _key_of(_receipt()["seed"]))
    require_genuine(text == _receipt()["receipt"], "another receipt verifies")


def _judge_asking(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    verify_signed_request_text(text, {_call()["keyid"]: _key_of(_call()["seed"])}.get)
    require_genuine(text == _call()["text"], "another proof of asking verifies")


DOCUMENT_TARGETS = (
    Target("key-event", _judge_event, lambda: [_event()["document"].encode()], is_json=True),
    Target("roster", _judge_roster, lambda: [_frame()["roster"].encode()], is_json=True),
    Target("trust-file", _judge_trust, lambda: [_trust()], is_json=True),
    Target("receipt", _judge_receipt, lambda: [_receipt()["receipt"].encode()]),
    Target("proof-of-asking", _judge_asking, lambda: [_call()["text"].encode()]),
)
