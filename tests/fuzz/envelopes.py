"""Targets: the submission, the signed manifest around and inside, the header, and what is sealed in a part."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import permutations
from typing import Any, Final

from shared.domain.header import encode_header, parse_header
from shared.domain.profiles import check_header
from shared.envelope.body import encode_body, parse_body
from shared.envelope.container import ReceivedEnvelope, parse_submission
from shared.envelope.jws import JwsSignature, encode_jws, parse_jws, read_jws
from shared.envelope.manifest import encode_manifest, parse_manifest
from shared.envelope.padding import pad_part, unpad_part
from shared.envelope.signed_text import SigningKey
from shared.envelope.verify import verify_envelope, verify_signatures
from shared.errors import ComityError, EnvelopeCannotOpen
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.public import parse_ed25519, parse_mldsa65
from tests.fuzz.target import Target, require_genuine, require_same
from tests.vectors.golden import HERE, golden_attacks, submission_of

_SMALL_BYTES: Final = 40_000


@cache
def _complete() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((HERE / "envelope" / "complete.json").read_text(encoding="utf-8"))
    return document


@cache
def _original() -> ReceivedEnvelope:
    return parse_submission(submission_of(_complete()))


@cache
def _keys() -> tuple[dict[str, SigningKey], dict[str, str]]:
    """Signing keys by kid, and the kid of each party's sealing key."""
    signing: dict[str, SigningKey] = {}
    sealing: dict[str, str] = {}
    for party in json.loads((HERE / "envelope" / "parties.json").read_text(encoding="utf-8")):
        for key in party["keys"]:
            if key["alg"] == "X-Wing":
                sealing[party["authority"]] = key["kid"]
            else:
                parse = parse_ed25519 if key["alg"] == "Ed25519" else parse_mldsa65
                signing[key["kid"]] = parse(parse_b64u(key["public"]))
    return signing, sealing


def _judge_submission(data: bytes) -> None:
    received, original = parse_submission(data), _original()
    signing, sealing = _keys()
    header = original.header
    verified = verify_envelope(
        received, exchange=header.exchange, now=header.sent, signing_keys=signing, sealing_kids=sealing
    )
    require_genuine(verified.digest in _signed_digests(), "another signed manifest verifies")
    if verified.digest == original.digest:
        require_genuine(verified.wraps == original.wraps, "another wrap verifies")
        require_genuine(verified.parts.items() <= original.parts.items(), "another part verifies")


def _judge_jws(data: bytes) -> None:
    require_same(parse_jws(data).encoded, data, "a signed manifest")
    verify_signatures(data, _keys()[0])
    require_genuine(data == _original().jws_bytes, "another signed manifest verifies")


def _judge_manifest(data: bytes) -> None:
    manifest = parse_manifest(data)
    again = encode_manifest(manifest.header, manifest.key_commit, manifest.parts, manifest.recipients)
    require_same(parse_manifest(again).recipients, manifest.recipients, "a manifest")
    verify_signatures(_signed_as_before(data), _keys()[0])
    require_genuine(data == _original().manifest.encoded, "another manifest verifies")


def _judge_header(data: bytes) -> None:
    header, original = parse_header(data), _original().manifest
    require_same(parse_header(encode_header(header)), header, "a header")
    with suppress(ComityError):  # a kind or an act that no profile has; the signatures are asked all the same
        check_header(header)
    manifest = encode_manifest(data, original.key_commit, original.parts, original.recipients)
    verify_signatures(_signed_as_before(manifest), _keys()[0])
    require_genuine(data == original.header, "another header verifies")


def _judge_body(data: bytes) -> None:
    body = parse_body(data)
    require_same(parse_body(encode_body(body)), body, "a body")


def _judge_padded(data: bytes) -> None:
    """A part as it is decrypted."""
    try:
        plaintext = unpad_part(data)
    except ValueError as refused:
        raise EnvelopeCannotOpen(why=refused) from None
    require_same(pad_part(plaintext), data, "a padded part")


def _signed_as_before(manifest: bytes) -> bytes:
    """This manifest under the genuine signatures of the other."""
    signatures: Sequence[JwsSignature] = _original().jws.signatures
    return encode_jws(encode_b64u(manifest), signatures)


def _body() -> bytes:
    body = {"v": 1, "kind": "request", "act": {"deadline": "2027-01-31"}, "content": {"summary": "Faits — وقائع"}}
    entry = {"part": "p1", "name": "a.pdf", "media_type": "application/pdf", "size": 3, "sha256": "A" * 43}
    return json.dumps({**body, "attachments": [entry]}).encode()


@cache
def _others() -> list[ReceivedEnvelope]:
    """Genuine envelopes of other messages, of each kind that golden files hold: what the original must not become."""
    steps = [step for golden in golden_attacks() for step in golden.document.get("steps", ())]
    accepted = [submission_of(step) for step in steps if step["outcome"] == "accepted"]
    return [parse_submission(submission) for submission in accepted]


def _attacking_submissions() -> list[bytes]:
    """Those that no reader takes, of a size that a fuzzer can work with."""
    golden = [one for one in golden_attacks() if one.document.get("stage") in ("parse", "verify")]
    refused = [submission_of(one.document) for one in golden if "expired" not in one.code]
    return [one for one in refused if len(one) < _SMALL_BYTES]


def _signed_by_hand(other: ReceivedEnvelope) -> bytes:
    """The other's manifest under the original's signatures."""
    return _signed_as_before(other.manifest.encoded)


@cache
def _signed_digests() -> frozenset[str]:
    """Of all that the sender did sign: some attacks alter what lies beside a genuine manifest, or add to it, and become
    genuine when the fuzzer takes that back. Two signatures of an attack are enough, whatever else is wrong with it."""
    signed = {_original().digest}
    for submission in _attacking_submissions():
        with suppress(ValueError, LookupError, TypeError, RecursionError):  # no JSON, or of another shape
            jws = json.loads(submission)["jws"]
            bare = [{name: one[name] for name in ("protected", "signature")} for one in jws["signatures"]]
            for pair in permutations(bare, 2):
                with suppress(ComityError):
                    alone = read_jws({"payload": jws["payload"], "signatures": list(pair)})
                    signed.add(verify_signatures(alone.encoded, _keys()[0]).digest)
    return frozenset(signed)


ENVELOPE_TARGETS = (
    Target(
        "submission",
        _judge_submission,
        lambda: [submission_of(_complete())],
        _attacking_submissions,
        is_json=True,
    ),
    Target(
        "signed-manifest",
        _judge_jws,
        lambda: [_original().jws_bytes],
        lambda: [_signed_by_hand(one) for one in _others()],
        is_json=True,
    ),
    Target(
        "manifest",
        _judge_manifest,
        lambda: [_original().manifest.encoded],
        lambda: [one.manifest.encoded for one in _others()],
        is_json=True,
    ),
    Target(
        "header",
        _judge_header,
        lambda: [_original().manifest.header],
        lambda: [one.manifest.header for one in _others()],
        is_json=True,
    ),
    Target("body", _judge_body, lambda: [_body()], is_json=True),
    Target("padded-part", _judge_padded, lambda: [pad_part(_body()), pad_part(b"")]),
)
