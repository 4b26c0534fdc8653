from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]  # it ships no types
from jwcrypto.jws import JWS  # type: ignore[import-untyped]  # it ships no types

from shared.apisig.receipts import Receipt, sign_receipt, verify_receipt
from shared.domain.strict_json import encode_canonical_json
from shared.errors import ReceiptInvalid
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import generate_ed25519

NOW = datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)
SIGNER = generate_ed25519()
PUBLIC = SIGNER.public_key()
RECEIPT = Receipt(
    exchange="comity.test/log",
    sender="MA.PGR",
    message="0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
    envelope_sha256=encode_b64u(bytes(32)),
    received_at=NOW,
    decide_by=NOW + timedelta(hours=1),
)
TEXT = sign_receipt(RECEIPT, SIGNER)


def test_a_receipt_comes_back_as_it_was() -> None:
    assert verify_receipt(TEXT, PUBLIC) == RECEIPT


@given(st.text(max_size=60), st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)))
def test_every_receipt_comes_back(text: str, moment: datetime) -> None:
    receipt = replace(RECEIPT, message=text.replace("\x00", ""), received_at=moment, decide_by=moment)
    assert verify_receipt(sign_receipt(receipt, SIGNER), PUBLIC) == receipt


def test_a_foreign_jws_library_verifies_it_and_reads_the_same() -> None:
    token = JWS()
    token.allowed_algs = ["Ed25519"]
    token.deserialize(TEXT, JWK(kty="OKP", crv="Ed25519", x=encode_b64u(SIGNER.public)))
    payload = json.loads(token.payload)
    assert payload == {
        "exchange": "comity.test/log",
        "sender": "MA.PGR",
        "message": RECEIPT.message,
        "envelope_sha256": "A" * 43,
        "received_at": "2026-11-22T09:00:00.123456Z",
        "decide_by": "2026-11-22T10:00:00.123456Z",
    }
    assert token.jose_header == {"alg": "Ed25519", "kid": SIGNER.kid("exchange/gateway"), "typ": "comity-receipt"}


def test_no_character_of_a_receipt_can_change() -> None:
    for position in range(len(TEXT)):
        for other in ("A", "B", "."):
            if TEXT[position] != other:
                with pytest.raises(ReceiptInvalid):
                    verify_receipt(TEXT[:position] + other + TEXT[position + 1 :], PUBLIC)


@pytest.mark.parametrize("text", [TEXT[:-1], TEXT + "=", TEXT + ".", "." + TEXT, TEXT + "A", " " + TEXT, "", "..", "é"])
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(ReceiptInvalid):
        verify_receipt(text, PUBLIC)


def test_an_endless_receipt_is_refused() -> None:
    with pytest.raises(ReceiptInvalid, match="more than 4096"):
        verify_receipt(TEXT + "A" * 4096, PUBLIC)


def test_a_receipt_of_another_key_is_refused() -> None:
    with pytest.raises(ReceiptInvalid, match="receipt key"):
        verify_receipt(TEXT, generate_ed25519().public_key())
    forged = generate_ed25519().sign(TEXT.rpartition(".")[0].encode())
    with pytest.raises(ReceiptInvalid, match="signature"):
        verify_receipt(f"{TEXT.rpartition('.')[0]}.{encode_b64u(forged)}", PUBLIC)


def resigned(protected: dict[str, Any] | None = None, payload: bytes | None = None) -> str:
    own_protected, own_payload, _ = TEXT.split(".")
    signed = f"{encode_b64u(encode_canonical_json(protected)) if protected else own_protected}."
    signed += encode_b64u(payload) if payload is not None else own_payload
    return f"{signed}.{encode_b64u(SIGNER.sign(signed.encode()))}"


HEADER = json.loads(parse_b64u(TEXT.split(".")[0]))
PAYLOAD = json.loads(parse_b64u(TEXT.split(".")[1]))


@pytest.mark.parametrize(
    "change", [{"alg": "EdDSA"}, {"alg": "none"}, {"typ": "JWT"}, {"kid": "x"}, {"crit": []}, {"b64": False}]
)
def test_another_header_is_refused_even_if_signed(change: dict[str, Any]) -> None:
    with pytest.raises(ReceiptInvalid, match="receipt key"):
        verify_receipt(resigned(protected={**HEADER, **change}), PUBLIC)


PAYLOADS: dict[str, Callable[[], bytes]] = {
    "white space": lambda: json.dumps(PAYLOAD, sort_keys=True).encode(),
    "other order": lambda: json.dumps(dict(sorted(PAYLOAD.items(), reverse=True)), separators=(",", ":")).encode(),
    "more": lambda: encode_canonical_json({**PAYLOAD, "more": ""}),
    "less": lambda: encode_canonical_json({n: v for n, v in PAYLOAD.items() if n != "sender"}),
    "a number": lambda: encode_canonical_json({**PAYLOAD, "sender": 1}),
    "seconds only": lambda: encode_canonical_json({**PAYLOAD, "decide_by": "2026-11-22T10:00:00Z"}),
    "a local time": lambda: encode_canonical_json({**PAYLOAD, "decide_by": "2026-11-22T10:00:00.000000+01:00"}),
    "a list": lambda: b"[]",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_another_payload_is_refused_even_if_signed(payload: Callable[[], bytes]) -> None:
    with pytest.raises(ReceiptInvalid):
        verify_receipt(resigned(payload=payload()), PUBLIC)


CHANGED = {
    "exchange": replace(RECEIPT, exchange="x"),
    "sender": replace(RECEIPT, sender="x"),
    "message": replace(RECEIPT, message="x"),
    "envelope_sha256": replace(RECEIPT, envelope_sha256="x"),
    "received_at": replace(RECEIPT, received_at=NOW + timedelta(microseconds=1)),
    "decide_by": replace(RECEIPT, decide_by=NOW),
}


def test_every_field_is_signed() -> None:
    assert CHANGED.keys() == {field.name for field in fields(Receipt)}
    for changed in CHANGED.values():
        swapped = TEXT.split(".")
        swapped[1] = sign_receipt(changed, SIGNER).split(".")[1]
        with pytest.raises(ReceiptInvalid, match="signature"):
            verify_receipt(".".join(swapped), PUBLIC)
