from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.strict_json import encode_canonical_json
from shared.errors import TrustFileInvalid
from shared.keys.base64url import encode_b64u
from shared.keys.private import generate_ed25519
from shared.keys.trust import FormerReceiptKey, Trust, encode_trust, parse_trust
from tests.unit.keys.parties import EXCHANGE, NOW, PartyOnTest

OPERATOR_KEYS = tuple(generate_ed25519().public_key() for _ in range(3))
SOME = generate_ed25519().public_key()
TRUST = Trust(
    origin=EXCHANGE,
    log_vkeys=(f"{EXCHANGE}+0102abcd+AQID", f"{EXCHANGE}+ffeeddcc+BgID"),
    operator_keys=OPERATOR_KEYS,
    operator_quorum=2,
    receipt_key=generate_ed25519().public_key(),
    witness_policy="witness w1 the-key\nquorum w1\n",
    environment="production",
    pinned_keys=(PartyOnTest("MA.PGR").kid("api-ed25519"),),
)


def test_a_trust_file_comes_back_as_it_was() -> None:
    assert parse_trust(encode_trust(TRUST)) == TRUST


def test_pinned_keys_may_be_absent() -> None:
    written = json.loads(encode_trust(TRUST))
    del written["pinned_keys"]
    assert parse_trust(encode_canonical_json(written)).pinned_keys == ()


def test_former_receipt_keys_come_back_with_their_ends_and_may_be_absent() -> None:
    assert "former_receipt_keys" not in json.loads(encode_trust(TRUST))
    known = replace(TRUST, former_receipt_keys=(FormerReceiptKey(SOME, NOW),))
    assert parse_trust(encode_trust(known)) == known


def former(key: str) -> dict[str, str]:
    return {"key": key, "until": "2026-11-22T09:30:00Z"}


def test_development_may_go_without_witnesses_and_with_one_operator() -> None:
    written = json.loads(encode_trust(TRUST))
    written.update(environment="development", witness_policy="none", operator_quorum=1)
    assert parse_trust(encode_canonical_json(written)).witness_policy == "none"


FAULTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no witnesses in production": lambda t: t.update(witness_policy="none"),
    "one operator decides in production": lambda t: t.update(operator_quorum=1),
    "no witnesses in production, in other words": lambda t: t.update(witness_policy="witness w1 key\nquorum none\n"),
    "an empty witness policy": lambda t: t.update(witness_policy=""),
    "a witness policy that is none": lambda t: t.update(witness_policy="quorum w1\n"),
    "an unknown environment": lambda t: t.update(environment="test"),
    "a quorum that cannot be met": lambda t: t.update(operator_quorum=4),
    "a quorum of none": lambda t: t.update(environment="development", operator_quorum=0),
    "a quorum that is true": lambda t: t.update(environment="development", operator_quorum=True),
    "an operator twice": lambda t: t.update(operator_keys=t["operator_keys"][:1] * 2),
    "no operator": lambda t: t.update(operator_keys=[]),
    "an operator as receipt key": lambda t: t.update(receipt_key=t["operator_keys"][0]),
    "a small-order operator key": lambda t: t["operator_keys"].append(encode_b64u((1).to_bytes(32, "little"))),
    "a small-order receipt key": lambda t: t.update(receipt_key=encode_b64u(bytes(32))),
    "a key with padding": lambda t: t.update(receipt_key=t["receipt_key"] + "="),
    "one log key": lambda t: t.update(log_vkeys=t["log_vkeys"][:1]),
    "one log key twice": lambda t: t.update(log_vkeys=t["log_vkeys"][:1] * 2),
    "a log key of another log": lambda t: t.update(log_vkeys=[t["log_vkeys"][0], "other.test/log+ffeeddcc+BgID"]),
    "an origin with a plus": lambda t: t.update(origin="a+b"),
    "an origin with a space": lambda t: t.update(origin="a b"),
    "another version": lambda t: t.update(v="comity-trust/2"),
    "an unknown member": lambda t: t.update(extra=1),
    "a former receipt key twice": lambda t: t.update(former_receipt_keys=[former(t["receipt_key"])]),
    "an operator as former receipt key": lambda t: t.update(former_receipt_keys=[former(t["operator_keys"][0])]),
    "a former receipt key without an end": lambda t: t.update(former_receipt_keys=[{"key": encode_b64u(SOME.raw)}]),
    "too many former receipt keys": lambda t: t.update(
        former_receipt_keys=[former(encode_b64u(generate_ed25519().public)) for _ in range(9)]
    ),
    "a pinned key of nobody": lambda t: t.update(pinned_keys=["abc"]),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_an_unsound_trust_file_is_refused(fault: Callable[[dict[str, Any]], object]) -> None:
    written = json.loads(encode_trust(TRUST))
    fault(written)
    with pytest.raises(TrustFileInvalid):
        parse_trust(encode_canonical_json(written))


@pytest.mark.parametrize("member", sorted(set(json.loads(encode_trust(TRUST))) - {"pinned_keys"}))
def test_no_member_may_be_missing_or_of_another_type(member: str) -> None:
    written = json.loads(encode_trust(TRUST))
    without = {name: value for name, value in written.items() if name != member}
    for spoilt in (without, {**written, member: None}, {**written, member: {}}):
        with pytest.raises(TrustFileInvalid):
            parse_trust(encode_canonical_json(spoilt))


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b"{}", b"\xff", b'{"v":1,"v":2}', b" " * 70_000])
def test_what_is_no_trust_file_is_refused(raw: bytes) -> None:
    with pytest.raises(TrustFileInvalid):
        parse_trust(raw)
