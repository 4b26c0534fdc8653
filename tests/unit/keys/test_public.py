from __future__ import annotations

import hashlib
import secrets

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import KeyIdMalformed, KeyRefused
from shared.keys.curve25519 import P, check_x25519_point
from shared.keys.private import generate_ed25519, generate_mldsa44, generate_mldsa65, generate_xwing
from shared.keys.public import (
    MLKEM768_BYTES,
    kid,
    parse_ed25519,
    parse_kid,
    parse_mldsa44,
    parse_mldsa65,
    parse_xwing,
    service_owner,
)


def encode(coordinate: int, sign: int = 0) -> bytes:
    return (coordinate | sign << 255).to_bytes(32, "little")


# The published list of small-order Ed25519 encodings: eight points, and the other spellings that sloppy parsers accept.
ORDER_8_A = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
ORDER_8_B = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


def flip_sign(raw: bytes) -> bytes:
    return raw[:31] + bytes([raw[31] ^ 0x80])


SMALL_ORDER_ED25519 = {
    "identity": encode(1),
    "identity, sign bit": encode(1, 1),
    "order 2": encode(P - 1),
    "order 2, sign bit": encode(P - 1, 1),
    "order 4": encode(0),
    "order 4, other": encode(0, 1),
    "order 8 a": ORDER_8_A,
    "order 8 a, other": flip_sign(ORDER_8_A),
    "order 8 b": ORDER_8_B,
    "order 8 b, other": flip_sign(ORDER_8_B),
    "y = p for 0": encode(P),
    "y = p for 0, sign bit": encode(P, 1),
    "y = p + 1 for 1": encode(P + 1),
    "y = p + 1 for 1, sign bit": encode(P + 1, 1),
}

SMALL_ORDER_X25519 = {
    "u = 0": encode(0),
    "u = 1": encode(1),
    "order 8 a": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    "order 8 b": bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    "u = p - 1": encode(P - 1),
    "u = p": encode(P),
    "u = p + 1": encode(P + 1),
}


@pytest.mark.parametrize("raw", SMALL_ORDER_ED25519.values(), ids=SMALL_ORDER_ED25519)
def test_a_small_order_ed25519_key_is_refused(raw: bytes) -> None:
    with pytest.raises(KeyRefused):
        parse_ed25519(raw)


def test_under_a_small_order_key_one_signature_would_verify_every_message() -> None:
    """Why they are refused: the library alone accepts the key and the forgery."""
    key = Ed25519PublicKey.from_public_bytes(encode(1))
    signature = encode(1) + bytes(32)
    key.verify(signature, b"extradite")
    key.verify(signature, b"do not extradite")


@pytest.mark.parametrize("y", range(P, 2**255), ids=lambda y: f"p + {y - P}")
@pytest.mark.parametrize("sign", [0, 1])
def test_every_ed25519_encoding_with_y_not_below_p_is_refused(y: int, sign: int) -> None:
    with pytest.raises(KeyRefused, match="canonical"):
        parse_ed25519(encode(y, sign))


def test_bytes_that_are_no_point_of_the_curve_are_refused() -> None:
    with pytest.raises(KeyRefused, match="not on the curve"):
        parse_ed25519(encode(2))


@settings(max_examples=40)
@given(st.binary(min_size=32, max_size=32))
def test_every_honest_ed25519_key_is_accepted(seed: bytes) -> None:
    signer = type(generate_ed25519())(seed)
    key = parse_ed25519(signer.public)
    key.verify(signer.sign(b"text"), b"text")


def xwing_with_u(u: bytes) -> bytes:
    return generate_xwing().public[:MLKEM768_BYTES] + u


@pytest.mark.parametrize("u", SMALL_ORDER_X25519.values(), ids=SMALL_ORDER_X25519)
def test_a_sealing_key_with_a_small_order_x25519_half_is_refused(u: bytes) -> None:
    with pytest.raises(KeyRefused):
        parse_xwing(xwing_with_u(u))
    with pytest.raises(KeyRefused):
        parse_xwing(xwing_with_u(flip_sign(u)))


@pytest.mark.parametrize("u", SMALL_ORDER_X25519.values(), ids=SMALL_ORDER_X25519)
def test_the_library_agrees_that_these_give_no_secret(u: bytes) -> None:
    with pytest.raises(ValueError, match="shared key"):
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(u))


@settings(max_examples=60)
@given(st.integers(min_value=2, max_value=P - 2))
def test_small_order_as_computed_is_what_the_library_finds(u: int) -> None:
    """On the curve and on its twist alike, the point is refused exactly when no secret can be made with it."""
    X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(encode(u)))
    check_x25519_point(encode(u))


@pytest.mark.parametrize("u", [P, 2**255 - 1, 2**255, 2**255 + 9, 2**256 - 1])
def test_an_x25519_half_in_another_spelling_is_refused(u: int) -> None:
    with pytest.raises(KeyRefused, match="canonical"):
        parse_xwing(xwing_with_u(u.to_bytes(32, "little")))


@pytest.mark.parametrize("position", [0, 1, 383, 766, 767])
@pytest.mark.parametrize("value", [3329, 4095])
def test_an_mlkem_coefficient_beyond_the_modulus_is_refused(position: int, value: int) -> None:
    raw = generate_xwing().public
    packed = int.from_bytes(raw[:1152], "little")
    packed = packed & ~(0xFFF << 12 * position) | value << 12 * position
    with pytest.raises(KeyRefused, match="modulo q"):
        parse_xwing(packed.to_bytes(1152, "little") + raw[1152:])


def test_the_largest_reduced_coefficient_is_accepted() -> None:
    raw = generate_xwing().public
    packed = int.from_bytes(raw[:1152], "little") | 0xFFF
    parse_xwing((packed - 0xFFF + 3328).to_bytes(1152, "little") + raw[1152:])


@pytest.mark.parametrize(
    ("parse", "length"), [(parse_ed25519, 32), (parse_mldsa65, 1952), (parse_mldsa44, 1312), (parse_xwing, 1216)]
)
def test_a_key_of_another_length_is_refused(parse: object, length: int) -> None:
    assert callable(parse)
    for other in (0, length - 1, length + 1):
        with pytest.raises(KeyRefused, match=f"{length} bytes"):
            parse(bytes(other))


@pytest.mark.parametrize("generate", [generate_ed25519, generate_mldsa65, generate_mldsa44])
def test_a_signature_verifies_over_its_bytes_alone(generate: object) -> None:
    assert callable(generate)
    signer = generate()
    signature = signer.sign(b"text")
    key = signer.public_key()
    key.verify(signature, b"text")
    for wrong, data in [(signature, b"Text"), (signature[:-1], b"text"), (b"", b"text"), (signature + b"\0", b"text")]:
        with pytest.raises(InvalidSignature):
            key.verify(wrong, data)
    with pytest.raises(InvalidSignature):
        generate().public_key().verify(signature, b"text")


@pytest.mark.parametrize("owner", ["MA.PGR", "operator", service_owner("intake")])
def test_a_key_id_names_owner_and_digest(owner: str) -> None:
    named = parse_kid(kid(owner, b"raw key"))
    assert named.owner == owner
    assert named.digest == hashlib.sha256(b"raw key").digest()


@pytest.mark.parametrize("owner", ["", "ma.pgr", "MA.PGR\n", "MA", "Operator", "exchange/", "exchange/In", "MA.PGR#"])
def test_a_key_cannot_be_named_for_somebody_else(owner: str) -> None:
    with pytest.raises(KeyIdMalformed):
        kid(owner, secrets.token_bytes(32))


GOOD_KID = kid("MA.PGR", b"raw key")


@pytest.mark.parametrize(
    "text",
    ["", "MA.PGR", "MA.PGR#", GOOD_KID[:-1], GOOD_KID + "A", GOOD_KID.replace("#", "##"), GOOD_KID + "=",
     "#" + GOOD_KID, GOOD_KID[:-1] + chr(ord(GOOD_KID[-1]) + 1), GOOD_KID + "\n", " " + GOOD_KID],
)  # fmt: skip
def test_a_malformed_key_id_is_refused(text: str) -> None:
    with pytest.raises(KeyIdMalformed):
        parse_kid(text)
