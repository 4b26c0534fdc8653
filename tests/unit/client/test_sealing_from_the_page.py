"""An opener written from `docs/spec/envelope.md` alone reads what the client seals.

Nothing of `client` or `shared` is used below the line of imports but to make the envelope: HKDF, HPKE with X-Wing and
Cobblestone-256 are spelled out here from single primitives, so that a parameter which the page states wrongly shows.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode
from hashlib import sha3_256, sha256, shake_256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.sealing import Attachment
from tests.unit.envelope.workshop import CONTENT, seal

FILES = Path(__file__).parents[2] / "vectors" / "envelope"
CHUNK = 16 * 1024
XWING_LABEL = bytes.fromhex("5c2e2f2f5e5c")  # a small X-wing, draft-connolly-cfrg-xwing-kem


def b64u(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def extract(salt: bytes, ikm: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.digest(salt, ikm, algorithm)


def expand(prk: bytes, info: bytes, length: int, algorithm: str = "sha256") -> bytes:
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(prk, block + info + bytes([counter]), algorithm)
        output, counter = output + block, counter + 1
    return output[:length]


def xwing_decapsulate(seed: bytes, encapsulated: bytes) -> bytes:
    expanded = shake_256(seed).digest(96)
    lattice, curve = (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
        X25519PrivateKey.from_private_bytes(expanded[64:]),
    )
    lattice_ct, curve_share = encapsulated[:1088], encapsulated[1088:]
    lattice_secret = lattice.decapsulate(lattice_ct)
    curve_secret = curve.exchange(X25519PublicKey.from_public_bytes(curve_share))
    own_public = curve.public_key().public_bytes_raw()
    return sha3_256(lattice_secret + curve_secret + curve_share + own_public + XWING_LABEL).digest()


def hpke_open(seed: bytes, wrap: bytes, info: bytes) -> bytes:
    suite = b"HPKE" + bytes.fromhex("647a 0001 0002")

    def labeled_extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return extract(salt, b"HPKE-v1" + suite + label + ikm)

    def labeled_expand(prk: bytes, label: bytes, context: bytes, length: int) -> bytes:
        return expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context, length)

    shared = xwing_decapsulate(seed, wrap[:1120])
    schedule = b"\x00" + labeled_extract(b"", b"psk_id_hash", b"") + labeled_extract(b"", b"info_hash", info)
    secret = labeled_extract(shared, b"secret", b"")
    key, nonce = labeled_expand(secret, b"key", schedule, 32), labeled_expand(secret, b"base_nonce", schedule, 12)
    return AESGCM(key).decrypt(nonce, wrap[1120:], b"")


def cobblestone_open(key: bytes, ct: bytes, context: bytes) -> bytes:
    salt, commitment, chunks = ct[:24], ct[24:56], ct[56:]
    derived = expand(
        key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + context, 32 + 12 + 32, "sha512"
    )
    assert derived[44:] == commitment
    aead, base = AESGCM(derived[:32]), int.from_bytes(derived[32:44], "big")
    plaintext, counter = b"", 0
    while True:
        chunk, chunks = chunks[: CHUNK + 16], chunks[CHUNK + 16 :]
        opened = aead.decrypt((base ^ counter).to_bytes(12, "big"), chunk, b"")
        plaintext, counter = plaintext + opened, counter + 1
        if len(opened) < CHUNK:
            assert chunks == b""
            return plaintext


def open_from_the_page(submission: bytes, sender: dict[str, bytes], own_kid: str, own_seed: bytes) -> Any:
    """The content and the documents of an envelope, in the steps of the page."""
    document = json.loads(submission)
    jws = document["jws"]
    for signature, alg in zip(jws["signatures"], ("Ed25519", "ML-DSA-65"), strict=True):
        assert json.loads(b64u(signature["protected"]))["alg"] == alg
        covered = f"{signature['protected']}.{jws['payload']}".encode()
        verifier = Ed25519PublicKey if alg == "Ed25519" else MLDSA65PublicKey
        verifier.from_public_bytes(sender[alg]).verify(b64u(signature["signature"]), covered)
    manifest = json.loads(b64u(jws["payload"]))
    context = b"comity-env/1\x00" + sha256(b64u(manifest["header"])).digest()

    wrap = next(b64u(one["wrap"]) for one in document["wraps"] if one["kid"] == own_kid)
    secret = hpke_open(own_seed, wrap, context + b"\x00" + own_kid.encode())
    prk = extract(bytes(32), secret)
    assert expand(prk, context + b"\x00commit", 32) == b64u(manifest["key_commit"])

    opened = {}
    for part in document["parts"]:
        name = part["name"].encode()
        padded = cobblestone_open(
            expand(prk, context + b"\x00part\x00" + name, 32), b64u(part["ct"]), context + b"\x00" + name
        )
        length = int.from_bytes(padded[:8], "big")
        opened[part["name"]] = padded[8 : 8 + length]
    body = json.loads(opened["body"])
    return body["content"], [opened[entry["part"]] for entry in body["attachments"]]


def keys_of(authority: str) -> dict[str, Any]:
    parties = json.loads((FILES / "parties.json").read_text(encoding="utf-8"))
    listed = next(one for one in parties if one["authority"] == authority)
    return {key["alg"]: key for key in listed["keys"]}


@pytest.mark.parametrize("reader", ["BE.PF", "FR.BEPI", "MA.PGR"])
def test_the_vector_opens_for_an_implementation_made_from_the_page(reader: str) -> None:
    complete = json.loads((FILES / "complete.json").read_text(encoding="utf-8"))
    sender = {alg: b64u(key["public"]) for alg, key in keys_of("MA.PGR").items()}
    own = keys_of(reader)["X-Wing"]
    content, documents = open_from_the_page(complete["submission"].encode(), sender, own["kid"], b64u(own["seed"]))
    assert content == complete["content"]
    assert documents == [b64u(one["data"]) for one in complete["attachments"]]


def test_an_envelope_of_several_chunks_opens_too() -> None:
    data = bytes(range(256)) * 300
    sealed = seal(attachments=[Attachment("long.bin", "application/octet-stream", data)])
    sender = {alg: b64u(key["public"]) for alg, key in keys_of("MA.PGR").items()}
    own = keys_of("BE.PF")["X-Wing"]
    content, documents = open_from_the_page(sealed.submission, sender, own["kid"], b64u(own["seed"]))
    assert content == CONTENT
    assert documents == [data]
