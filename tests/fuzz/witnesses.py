"""Targets: what logs and witnesses say to each other, policies of witnesses, and what time-stamp authorities answer."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from shared.audit.notes import encode_signature_lines, encode_vkey, parse_note, parse_signature_lines
from shared.audit.quorum import rule_of
from shared.audit.time_stamps import Stamped, StampRoots, verify_stamp
from shared.audit.tree import prove_consistency
from shared.audit.tree_head import TreeHead
from shared.audit.witness_protocol import (
    encode_add_checkpoint,
    encode_size,
    parse_add_checkpoint,
    parse_size,
)
from shared.domain.ids import parse_time
from shared.errors import LedgerInvalid
from shared.keys.base64url import parse_b64u
from shared.keys.trust import Trust
from tests.fuzz.target import Target, require_genuine, require_same
from tests.unit.audit.paper_log import PaperLog, cosign, keys_of, started_entries, witness_signer
from tests.unit.audit.test_quorum import trust
from witness.policy import Continued, WatchedLog, decide_checkpoint

_KNOWN, _SIZE = 3, 7
_GOLDEN = Path(__file__).parents[1] / "unit" / "audit" / "golden" / "stamp.json"


@cache
def _log() -> PaperLog:
    log = PaperLog(cosigners=())
    log.append(started_entries(_SIZE))
    return log


@cache
def _watched() -> WatchedLog:
    keys, head = keys_of(), _log().head(_KNOWN)
    return WatchedLog(head.origin, (keys.ed25519, keys.mldsa44), _KNOWN, head.root, b"what was cosigned last")


def _judge_request(data: bytes) -> None:
    request = parse_add_checkpoint(data)
    again = encode_add_checkpoint(request.old_size, request.proof, request.checkpoint)
    require_same(again, data, "a request to a witness")
    decided = decide_checkpoint(data, {_watched().origin: _watched()}.get)
    if not isinstance(decided, Continued):
        signed = (None, parse_note(_log().files["checkpoint"]).text)
        evidence = None if decided.evidence is None else parse_note(decided.evidence).text
        require_genuine(evidence in signed, "evidence that the log did not sign")
        raise LedgerInvalid(why=decided.why)
    require_genuine(decided.head == _log().head(), "a tree is cosigned that the log did not sign")


def _judge_answer(data: bytes) -> None:
    """Cosignatures, or the size that a witness knows."""
    if data[:1].isdigit():
        require_same(encode_size(parse_size(data)), data, "a size")
        return
    require_same(encode_signature_lines(parse_signature_lines(data)), data, "signature lines")


def _judge_policy(data: bytes) -> None:
    rule = rule_of(replace(_trust(), witness_policy=data.decode("utf-8", "replace")))
    policy = rule.policy
    require_genuine(policy.is_met_by(policy.witnesses), "a quorum that all witnesses together are not")
    require_genuine(not policy.is_met_by(()) or policy.quorum is None, "a quorum of nobody")
    require_genuine(rule.keys.keys() == policy.witnesses.keys(), "a witness without a key")


@cache
def _trust() -> Trust:
    return trust("none")


def _judge_stamp(data: bytes) -> None:
    golden = _stamp()
    head = TreeHead(golden["origin"], golden["size"], parse_b64u(golden["root"]))
    found = verify_stamp(data, head, StampRoots([golden["stamp_root"].encode()]))
    genuine = Stamped(parse_time(golden["at"]), golden["by"], golden["serial"])
    require_genuine(found == genuine, "a stamp that says something else")


@cache
def _stamp() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_GOLDEN.read_text(encoding="utf-8"))
    return document


def _requests() -> list[bytes]:
    proof = prove_consistency(_KNOWN, _SIZE, _log().reader(_SIZE))
    return [encode_add_checkpoint(_KNOWN, proof, _log().files["checkpoint"])]


def _refused_requests() -> list[bytes]:
    checkpoint = _log().files["checkpoint"]
    return [encode_add_checkpoint(0, [], checkpoint), encode_add_checkpoint(_KNOWN, [bytes(32)], checkpoint)]


def _answers() -> list[bytes]:
    head, checkpoint = _log().head(), _log().files["checkpoint"]
    cosigned = cosign(checkpoint, head, witness_signer())
    return [cosigned.removeprefix(checkpoint), encode_signature_lines(parse_note(checkpoint).signatures), b"20852163\n"]


def _policies() -> list[bytes]:
    names = ("w1", "w2", "w3")
    lines = [f"witness {one} {encode_vkey(witness_signer(f'{one}.example/w').vkey)} https://{one}" for one in names]
    groups = ["group pair any w1 w2", "group both all pair w3", "group two 2 w1 w2 w3"]
    texts = [[*lines, *groups[:2], "quorum both"], [*lines, groups[2], "", "# two are enough", "quorum two"]]
    return ["\n".join(one).encode() for one in (*texts, [lines[0], "quorum w1"], ["quorum none"])]


WITNESS_TARGETS = (
    Target("witness-request", _judge_request, _requests, _refused_requests),
    Target("witness-answer", _judge_answer, _answers),
    Target("witness-policy", _judge_policy, _policies),
    Target("time-stamp", _judge_stamp, lambda: [parse_b64u(_stamp()["token"])]),
)
