"""A key file and a re-wrap with all their secrets told: made in the steps of `docs/spec/keys.md`, sections 9 and 11."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.keys.base64url import encode_b64u
from tests.vectors.primitives import drawn, ed25519, hpke_seal, mldsa65, xwing

OWNER, PASSPHRASE = "MA.PGR", "phrase de passe d\u2019essai, e\u0301crite a\u0300 Rabat"
NFC = "phrase de passe d\u2019essai, \u00e9crite \u00e0 Rabat"
N = 32768
MADE_AT = ("2026-06-01T00:00:00Z", "2026-01-01T00:00:00Z")


def files() -> dict[str, object]:
    return {"keys/key-file.json": _key_file(), "keys/rewrap.json": _rewrap()}


def _key_file() -> dict[str, Any]:
    """Two generations: the newer renews three keys, one of them in a token, and is still to come."""
    in_token = ed25519("in a token")
    seeds = {
        "sign-ed25519": ed25519("key file ed25519").seed,
        "sign-mldsa65": mldsa65("key file mldsa65").seed,
        "seal-xwing": xwing("key file xwing").seed,
        "api-ed25519": ed25519("key file api").seed,
    }
    renewed = {"sign-mldsa65": mldsa65("renewed mldsa65").seed, "seal-xwing": xwing("renewed xwing").seed}
    token = {
        "token": "0123456789abcdef",
        "object_id": encode_b64u(drawn("object", 16)),
        "public": encode_b64u(in_token.public),
    }
    generations = [
        {
            "keys": [
                {"use": "sign-ed25519", **token},
                *({"use": use, "seed": encode_b64u(seed)} for use, seed in renewed.items()),
            ],
            "made_at": MADE_AT[0],
            "since": None,
        },
        {
            "keys": [{"use": use, "seed": encode_b64u(seed)} for use, seed in seeds.items()],
            "made_at": MADE_AT[1],
            "since": MADE_AT[1],
        },
    ]
    named: list[tuple[str, Any, int, str | None]] = [
        ("sign-ed25519", in_token, 0, token["token"]),
        ("sign-mldsa65", mldsa65("renewed mldsa65"), 0, None),
        ("seal-xwing", xwing("renewed xwing"), 0, None),
        ("sign-ed25519", ed25519("key file ed25519"), 1, None),
        ("sign-mldsa65", mldsa65("key file mldsa65"), 1, None),
        ("seal-xwing", xwing("key file xwing"), 1, None),
        ("api-ed25519", ed25519("key file api"), 1, None),
    ]
    kids = [
        {"use": use, "kid": key.kid(OWNER), "made_at": MADE_AT[of], "since": MADE_AT[of] if of else None, "token": lies}
        for use, key, of, lies in named
    ]
    salt, nonce = drawn("key file salt", 16), drawn("key file nonce", 12)
    clear = {
        "format": "comity-keys/2",
        "owner": OWNER,
        "kids": kids,
        "kdf": {"name": "scrypt", "n": N, "r": 8, "p": 1, "salt": encode_b64u(salt)},
        "cipher": {"name": "AES-256-GCM", "nonce": encode_b64u(nonce)},
    }
    key = hashlib.scrypt(NFC.encode(), salt=salt, n=N, r=8, p=1, maxmem=2**26, dklen=32)
    plaintext, bound = _canonical({"generations": generations}), _canonical(clear)
    sealed = encode_b64u(AESGCM(key).encrypt(nonce, plaintext, bound))
    told = {"key": encode_b64u(key), "plaintext": plaintext.decode(), "associated_data": bound.decode()}
    return {"passphrase": PASSPHRASE, **told, "file": {**clear, "sealed": sealed}}


def _rewrap() -> dict[str, str]:
    context, secret, acting = (
        b"comity-env/1\x00" + drawn("a header's digest"),
        drawn("a message's secret"),
        xwing("acting"),
    )
    info = b"comity-rewrap/1\x00" + context + b"\x00" + acting.kid(OWNER).encode()
    randomness = drawn("re-wrap", 64)
    return {
        "context": encode_b64u(context),
        "kid": acting.kid(OWNER),
        "seed": encode_b64u(acting.seed),
        "info": encode_b64u(info),
        "secret": encode_b64u(secret),
        "randomness": encode_b64u(randomness),
        "rewrap": encode_b64u(hpke_seal(acting.public, info, secret, randomness).wrap),
    }


def _canonical(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
