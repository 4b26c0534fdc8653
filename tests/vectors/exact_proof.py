"""A proof bundle written from `docs/spec/proof-bundle.md`: entries, tree, checkpoint as texts, the same each time."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from dilithium_py.ml_dsa import ML_DSA_44  # type: ignore[import-untyped]  # it ships no types
from typing_extensions import override

from client.sealing import derive_part_key
from client.signing import SoftwareOpener
from shared.keys.base64url import encode_b64u
from tests.merkle import path_of, root_of
from tests.unit.envelope.workshop import FIXED_SECRET, party
from tests.vectors import exact_envelope
from tests.vectors.event_texts import OPERATORS, Key, Party, canonical, enrolment, event, operators, signed
from tests.vectors.exact_calls import CREATED, CallText
from tests.vectors.primitives import drawn, ed25519

ORIGIN = "comity.example/log"
DECIDED, LOGGED = "2026-11-22T09:30:01.000000Z", "2026-11-22T09:30:01.250000Z"
ENROLLED = "2026-11-01T00:00:00.000000Z"
PARTIES = ("MA.PGR", "BE.PF", "FR.BEPI")
USE = {"sign-ed25519": "ed25519", "sign-mldsa65": "mldsa65", "api-ed25519": "api"}
LOG, RECEIPTS = ed25519("proof log"), ed25519("proof receipts")
WITNESS, COSIGNED_S = ed25519("proof witness"), CREATED + 51 * 60
ASKED_S = CREATED + 39 * 60
LATTICE_PUBLIC, LATTICE_SECRET = ML_DSA_44.key_derive(drawn("proof log lattice"))


class _Workshop(Party):
    """A party with the keys that the envelope vector is signed with and sealed to."""

    @override
    def key(self, use: str) -> Key:
        keys = party(self.id)
        if use == "seal-xwing":
            assert isinstance(keys.sealing, SoftwareOpener)
            return keys.sealing.key
        found: Key = getattr(keys, USE[use])
        return found


def files() -> dict[str, object]:
    return {"proofs/bundle.json": _vector()}


def _vector() -> dict[str, Any]:
    bundle = _bundle()
    return {
        "trust": _trust(),
        "bundle": canonical(bundle).decode(),
        "proves": {
            "message": "019aaa00-0000-7000-8000-000000000001",
            "sender": "MA.PGR",
            "recipients": ["BE.PF", "FR.BEPI"],
            "decision": "accepted",
            "logged_at": LOGGED,
            "cosigned_at_s": COSIGNED_S,
            "evidences": [["delivery", "BE.PF"], ["delivery", "FR.BEPI"], ["retrieval", "FR.BEPI"]],
            "documents": {"p1": "commission rogatoire.pdf"},
        },
    }


def _trust() -> dict[str, Any]:
    witness = _vkey("witness.example/w", 0x04, WITNESS.public)
    return {
        "v": "comity-trust/1",
        "origin": ORIGIN,
        "log_vkeys": [_vkey(ORIGIN, 0x01, LOG.public), _vkey(ORIGIN, 0x06, LATTICE_PUBLIC)],
        "operator_keys": [encode_b64u(one.public) for one in OPERATORS.values()],
        "operator_quorum": 2,
        "receipt_key": encode_b64u(RECEIPTS.public),
        "witness_policy": f"witness w {witness}\nquorum w\n",
        "environment": "production",
        "pinned_keys": [],
    }


def _bundle() -> dict[str, Any]:
    jws = exact_envelope.sealed_jws()
    digest = encode_b64u(hashlib.sha256(jws).digest())
    message, dossier = "019aaa00-0000-7000-8000-000000000001", "019aaa00-0000-7000-8000-0000000000d0"
    about = {"message": message, "dossier": dossier, "envelope_sha256": digest}
    entries = [_entry(ENROLLED, "directory.key-event", seq=seq, event=text) for seq, text in enumerate(_events(), 1)]
    entries.append(
        _entry(
            LOGGED,
            "decision.accepted",
            at=DECIDED,
            **about,
            sender="MA.PGR",
            directory_index=len(PARTIES),
            decide_by="2026-11-22T10:30:00.000000Z",
            flags=[],
            jws=json.loads(jws),
            states=[{"measures": {"M1": "submitted"}}],
        )
    )
    for recipient in ("BE.PF", "FR.BEPI"):
        entries.append(_entry(LOGGED, "evidence.delivery", at=DECIDED, **about, recipient=recipient))
    entries.append(_entry("2026-11-22T09:40:00.000000Z", "evidence.retrieval", **about, **_asking(message)))
    entries.append(_entry("2026-11-22T09:50:00.000000Z", "exchange.started", service="all", version="0.1.0"))
    hashes = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    placed = [
        {"index": index, "entry": encode_b64u(entry), "path": [encode_b64u(one) for one in path_of(index, hashes)]}
        for index, entry in enumerate(entries)
    ]
    count = len(PARTIES)
    return {
        "v": "comity-proof/1",
        "origin": ORIGIN,
        "jws": jws.decode(),
        "receipt": _receipt(message, digest),
        "checkpoint": _checkpoint(hashes),
        "key_events": placed[:count],
        "decision": placed[count],
        "evidences": placed[count + 1 : -1],
        "parts": [_part("body"), _part("p1")],
        "time_stamp": None,
    }


def _events() -> list[dict[str, Any]]:
    found: list[bytes] = []
    for name in PARTIES:
        one = _Workshop(name)
        document = event("enrol", len(found) + 1, found[-1] if found else None, ENROLLED, name, **enrolment(one))
        found.append(document)
    return [json.loads(signed(document, operators(document))) for document in found]


def _entry(logged_at: str, type_: str, at: str | None = None, **fields: Any) -> bytes:
    own = {"v": 1, "type": type_, "at": at or logged_at, "nonce": encode_b64u(drawn(f"{type_} {fields}", 16))}
    return logged_at.encode() + b"\n" + canonical({**own, **fields})


def _asking(message: str) -> dict[str, str]:
    signer = party("FR.BEPI").api
    changes = {"keyid": f'"{signer.kid("FR.BEPI")}"', "created": str(ASKED_S), "expires": str(ASKED_S + 60)}
    call = CallText(url=f"https://exchange.example/v1/messages/{message}", changes=changes)
    text = f"{call.base()}\nsignature: {encode_b64u(signer.sign(call.base().encode()))}"
    return {"recipient": "FR.BEPI", "request": text}


def _receipt(message: str, digest: str) -> str:
    protected = {"alg": "Ed25519", "kid": RECEIPTS.kid("exchange/gateway"), "typ": "comity-receipt"}
    payload = {
        "exchange": ORIGIN,
        "sender": "MA.PGR",
        "message": message,
        "envelope_sha256": digest,
        "received_at": "2026-11-22T09:30:00.000000Z",
        "decide_by": "2026-11-22T10:30:00.000000Z",
    }
    text = f"{encode_b64u(canonical(protected))}.{encode_b64u(canonical(payload))}"
    return f"{text}.{encode_b64u(RECEIPTS.sign(text.encode()))}"


def _part(name: str) -> dict[str, str]:
    context, ct = exact_envelope.sealed_part(name)
    return {"name": name, "key": encode_b64u(derive_part_key(FIXED_SECRET, context, name)), "ct": encode_b64u(ct)}


# --- the checkpoint --------------------------------------------------------------------------------------------------


def _checkpoint(hashes: list[bytes]) -> str:
    size, root = len(hashes), root_of(hashes)
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n"
    name = ORIGIN.encode()
    structure = b"subtree/v1\n\x00" + bytes([len(name)]) + name + bytes(8) + bytes([len(name)]) + name
    structure += bytes(8) + size.to_bytes(8, "big") + root
    lattice: bytes = ML_DSA_44.sign(LATTICE_SECRET, structure, deterministic=True)
    cosigned = f"cosignature/v1\ntime {COSIGNED_S}\n{text}".encode()
    return "".join(
        [
            f"{text}\n",
            _line(ORIGIN, 0x01, LOG.public, LOG.sign(text.encode())),
            _line(ORIGIN, 0x06, LATTICE_PUBLIC, bytes(8) + lattice),
            _line("witness.example/w", 0x04, WITNESS.public, COSIGNED_S.to_bytes(8, "big") + WITNESS.sign(cosigned)),
        ]
    )


def _line(name: str, type_: int, public: bytes, signature: bytes) -> str:
    return f"— {name} {base64.b64encode(_key_id(name, type_, public) + signature).decode()}\n"


def _key_id(name: str, type_: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([type_]) + public).digest()[:4]


def _vkey(name: str, type_: int, public: bytes) -> str:
    material = base64.b64encode(bytes([type_]) + public).decode()
    return f"{name}+{_key_id(name, type_, public).hex()}+{material}"
