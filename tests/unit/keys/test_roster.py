from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.ids import parse_time
from shared.domain.strict_json import encode_canonical_json
from shared.errors import RosterRefused
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer, generate_ed25519, generate_xwing
from shared.keys.roster import MAX_FORMER, Roster, ServiceKeys, draft_roster, sign_roster, verify_roster
from shared.keys.signed_document import encode_signed_document
from tests.unit.keys.parties import EXCHANGE, NOW

OPERATORS = [generate_ed25519() for _ in range(3)]
SERVICES = [
    ServiceKeys(service, generate_ed25519().public_key(), generate_xwing().public_key())
    for service in ("gateway", "intake", "routing", "notification", "ledger")
]
DRAFT = draft_roster(EXCHANGE, NOW, SERVICES)
LOG = (f"{EXCHANGE}+ed25519", f"{EXCHANGE}+mldsa44")


def signed(roster: bytes, operators: list[Ed25519Signer] | None = None) -> bytes:
    return encode_signed_document(roster, [sign_roster(roster, one) for one in operators or OPERATORS[:2]])


def verify(raw: bytes) -> Roster:
    return verify_roster(raw, [operator.public_key() for operator in OPERATORS], 2, EXCHANGE)


def test_a_roster_names_each_services_keys() -> None:
    roster = verify(signed(DRAFT))
    assert roster.issued_at == NOW
    for service in SERVICES:
        assert roster.signing_key(service.service) == service.sign
        assert roster.sealing_key(service.service) == service.seal
    assert roster.services["intake"].sealing_kid.startswith("exchange/intake#")
    assert roster.signing_key("mallory") is None
    assert roster.sealing_key("mallory") is None


@pytest.mark.parametrize(
    "operators", [OPERATORS[:1], OPERATORS[:1] * 2, [OPERATORS[0], generate_ed25519()]],
    ids=["one", "one twice", "a stranger"],
)  # fmt: skip
def test_a_roster_without_quorum_is_refused(operators: list[Ed25519Signer]) -> None:
    with pytest.raises(RosterRefused):
        verify(signed(DRAFT, operators))


def test_no_byte_of_a_signed_roster_can_change() -> None:
    raw = signed(DRAFT)
    for position in range(0, len(raw), 37):
        broken = bytearray(raw)
        broken[position] ^= 0x01
        with pytest.raises(RosterRefused):
            verify(bytes(broken))


def test_a_signature_over_a_key_event_signs_no_roster() -> None:
    wrong = [operator.sign(b"comity-key-event/1\x00" + DRAFT) for operator in OPERATORS[:2]]
    raw = signed(DRAFT)
    for operator, signature in zip(OPERATORS[:2], wrong, strict=True):
        raw = raw.replace(encode_b64u(sign_roster(DRAFT, operator).signature).encode(), encode_b64u(signature).encode())
    with pytest.raises(RosterRefused, match="does not verify"):
        verify(raw)


def former(**changes: object) -> dict[str, object]:
    """What a service had before, as written."""
    sign, seal = generate_ed25519().public_key().raw, generate_xwing().public_key().raw
    written = {"sign": encode_b64u(sign), "seal": encode_b64u(seal), "until": "2026-11-22T09:30:00Z"}
    return {**written, **changes}


def test_a_roster_names_the_keys_of_before_and_their_end() -> None:
    written = json.loads(DRAFT)
    written["services"][1]["former"] = [former(), former(until="2026-11-21T09:30:00Z")]
    roster = verify(signed(encode_canonical_json(written)))
    now, first, second = roster.services["intake"].sign, *(one.sign for one in roster.services["intake"].former)
    assert roster.signing_keys("intake", parse_time("2026-11-21T09:30:00Z")) == [now, first, second]
    assert roster.signing_keys("intake", parse_time("2026-11-22T09:30:00Z")) == [now, first]
    assert roster.signing_keys("intake", parse_time("2026-11-22T09:30:01Z")) == [now]
    assert roster.signing_keys("mallory", NOW) == []


FAULTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "unknown member": lambda r: r.update(extra=1),
    "other version": lambda r: r.update(v="comity-roster/2"),
    "another exchange": lambda r: r.update(exchange="other.test/log"),
    "no service": lambda r: r.update(services=[]),
    "a service twice": lambda r: r["services"].append(r["services"][0]),
    "a service renamed twice": lambda r: r["services"][0].update(service="intake"),
    "a signing key twice": lambda r: r["services"][0].update(sign=r["services"][1]["sign"]),
    "a sealing key twice": lambda r: r["services"][0].update(seal=r["services"][1]["seal"]),
    "a name of no service": lambda r: r["services"][0].update(service="MA.PGR"),
    "a small-order key": lambda r: r["services"][0].update(sign=encode_b64u((1).to_bytes(32, "little"))),
    "a short sealing key": lambda r: r["services"][0].update(seal="AAAA"),
    "too many services": lambda r: r.update(services=r["services"] * 3),
    "a former key that another has": lambda r: r["services"][0].update(former=[former(sign=r["services"][1]["sign"])]),
    "a former key that it has": lambda r: r["services"][0].update(former=[former(seal=r["services"][0]["seal"])]),
    "a former key without an end": lambda r: r["services"][0].update(former=[former(until=None)]),
    "a former key with a name": lambda r: r["services"][0].update(former=[former(service="intake")]),
    "a small-order former key": lambda r: r["services"][0].update(former=[former(sign=encode_b64u(bytes(32)))]),
    "too many former keys": lambda r: r["services"][0].update(former=[former() for _ in range(MAX_FORMER + 1)]),
    "former keys that are nothing": lambda r: r["services"][0].update(former=None),
    "keys of the log that are nothing": lambda r: r.update(log_vkeys=None),
    "one key of the log": lambda r: r.update(log_vkeys=LOG[:1]),
    "one key of the log twice": lambda r: r.update(log_vkeys=[LOG[0], LOG[0]]),
    "a key of another log": lambda r: r.update(log_vkeys=[LOG[0], "other.example+mldsa44"]),
    "a date of no calendar": lambda r: r.update(issued_at="2026-02-30T00:00:00Z"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_malformed_roster_is_refused_whoever_signed_it(fault: Callable[[dict[str, Any]], object]) -> None:
    written = json.loads(DRAFT)
    fault(written)
    with pytest.raises(RosterRefused):
        verify(signed(encode_canonical_json(written)))


def test_a_roster_may_name_the_logs_keys() -> None:
    assert verify(signed(draft_roster(EXCHANGE, NOW, SERVICES, LOG))).log_vkeys == LOG
    assert verify(signed(DRAFT)).log_vkeys is None
