"""The proof bundle that was written from the page, judged by the code."""

from __future__ import annotations

import json

import pytest

from client.proof_bundle import encode_bundle, parse_bundle
from client.proof_verification import verify_bundle
from shared.domain.ids import encode_time
from shared.domain.strict_json import encode_canonical_json
from shared.errors import ProofCheckpointInvalid
from shared.keys.trust import parse_trust
from tests.vectors.__main__ import HERE

VECTOR = json.loads((HERE / "proofs" / "bundle.json").read_text(encoding="utf-8"))


def test_it_proves_what_the_vector_says() -> None:
    raw, said = VECTOR["bundle"].encode(), VECTOR["proves"]
    bundle = parse_bundle(raw)
    assert encode_bundle(bundle) == raw
    proven = verify_bundle(bundle, parse_trust(encode_canonical_json(VECTOR["trust"])))
    assert (proven.header.id, proven.header.sender) == (said["message"], said["sender"])
    assert list(proven.header.recipients) == said["recipients"]
    assert proven.decision is not None
    assert (proven.decision.code, encode_time(proven.decision.logged_at)) == (None, said["logged_at"])
    assert [int(one.at.timestamp()) for one in proven.witnessed] == [said["cosigned_at_s"]]
    assert [[one.kind, one.recipient] for one in proven.evidences] == said["evidences"]
    assert {one.part: one.name for one in proven.documents if one.part != "body"} == said["documents"]


def test_it_is_not_believed_without_its_witness() -> None:
    without = VECTOR["bundle"].replace("witness.example/w ", "witness.example/v ")
    with pytest.raises(ProofCheckpointInvalid):
        verify_bundle(parse_bundle(without.encode()), parse_trust(encode_canonical_json(VECTOR["trust"])))
