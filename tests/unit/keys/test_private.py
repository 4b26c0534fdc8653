from __future__ import annotations

import hashlib
import pickle
import secrets
from dataclasses import FrozenInstanceError

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from shared.errors import KeyRefused
from shared.keys.private import (
    Ed25519Signer,
    MLDSA44Signer,
    MLDSA65Signer,
    XWingOpener,
    generate_ed25519,
    generate_mldsa44,
    generate_mldsa65,
    generate_xwing,
)
from shared.keys.public import XWING_BYTES, parse_xwing

KINDS = [Ed25519Signer, MLDSA65Signer, MLDSA44Signer, XWingOpener]


@pytest.mark.parametrize("kind", KINDS)
def test_a_private_half_never_prints_its_seed(kind: type[Ed25519Signer]) -> None:
    seed = secrets.token_bytes(32)
    key = kind(seed)
    for shown in (repr(key), str(key), f"{key}", repr([key]), repr({"k": key})):
        assert seed.hex() not in shown
        assert repr(seed) not in shown
        assert repr(seed)[2:-1] not in shown


@pytest.mark.parametrize("kind", KINDS)
def test_a_private_half_does_not_change_and_does_not_travel(kind: type[Ed25519Signer]) -> None:
    key = kind(secrets.token_bytes(32))
    with pytest.raises(FrozenInstanceError):
        key.seed = bytes(32)  # type: ignore[misc]  # the assignment under test
    with pytest.raises(TypeError):
        pickle.dumps(key)


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_is_the_whole_key(kind: type[Ed25519Signer]) -> None:
    seed = secrets.token_bytes(32)
    assert kind(seed).public == kind(seed).public == kind(seed).public_key().raw
    assert kind(seed).kid("MA.PGR") == kind(seed).public_key().kid("MA.PGR")
    assert kind(bytes(31) + b"\1").public != kind(bytes(32)).public


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_of_another_length_is_refused(kind: type[Ed25519Signer], length: int) -> None:
    with pytest.raises(KeyRefused, match="32 bytes"):
        kind(bytes(length))


@pytest.mark.parametrize("generate", [generate_ed25519, generate_mldsa65, generate_mldsa44, generate_xwing])
def test_two_generated_keys_differ(generate: object) -> None:
    assert callable(generate)
    assert generate().seed != generate().seed


def test_the_seed_expands_as_in_the_published_xwing_vectors() -> None:
    """draft-connolly-cfrg-xwing-kem, appendix C, first vector: the key's ends as printed there, and its digest."""
    public = XWingOpener(bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")).public
    assert len(public) == XWING_BYTES
    assert public.hex().startswith("e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5b19cfc3d")
    assert public.hex().endswith("859edb06eff389b27dce59844570216223593d4ba32d9abac8cd049040ef6534")
    assert hashlib.sha256(public).hexdigest() == "2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb"


def test_what_is_sealed_to_the_public_key_opens_with_the_private_one_alone() -> None:
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    opener = generate_xwing()
    sealed = suite.encrypt(b"secret", parse_xwing(opener.public).hpke_key, b"info")
    assert suite.decrypt(sealed, opener.hpke_key, b"info") == b"secret"
    assert suite.decrypt(sealed, XWingOpener(opener.seed).hpke_key, b"info") == b"secret"
    for private, info in [(generate_xwing(), b"info"), (opener, b"other")]:
        with pytest.raises(InvalidTag):
            suite.decrypt(sealed, private.hpke_key, info)
