"""The checked-in vectors of comity-env/1, read as another implementation would: from the files alone."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from client.opening import open_message, open_part, open_with_secret
from client.sealing import derive_key_commit, derive_part_key
from client.signing import WRAP_SUITE, SoftwareOpener
from shared.domain.ids import parse_time
from shared.envelope.container import ReceivedEnvelope, parse_envelope, parse_submission
from shared.envelope.encoding import commit_info, header_context, part_context, part_info, wrap_info
from shared.envelope.padding import padded_length, unpad_part
from shared.envelope.signed_text import SigningKey
from shared.envelope.verify import VerifiedEnvelope, verify_envelope
from shared.errors import ComityError
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import XWingOpener
from shared.keys.public import kid as kid_of
from shared.keys.public import parse_ed25519, parse_mldsa65
from tests.unit.envelope.attacks import CATALOGUE

FILES = Path(__file__).parents[2] / "vectors" / "envelope"
ATTACKS = sorted((FILES / "attacks").glob("*.json"))


def load(name: str) -> Any:
    return json.loads((FILES / name).read_text(encoding="utf-8"))


class Parties:
    """The keys of `parties.json`, each checked against its kid."""

    def __init__(self) -> None:
        self.signing: dict[str, SigningKey] = {}
        self.sealing_kids: dict[str, str] = {}
        self.openers: dict[str, SoftwareOpener] = {}
        for listed in load("parties.json"):
            for key in listed["keys"]:
                raw, authority = parse_b64u(key["public"]), listed["authority"]
                assert key["kid"] == kid_of(authority, raw)
                if key["alg"] == "X-Wing":
                    self.sealing_kids[authority] = key["kid"]
                    self.openers[authority] = SoftwareOpener(XWingOpener(parse_b64u(key["seed"])))
                    assert self.openers[authority].public == raw
                else:
                    self.signing[key["kid"]] = parse_ed25519(raw) if key["alg"] == "Ed25519" else parse_mldsa65(raw)

    def verify(self, received: ReceivedEnvelope, now: datetime) -> VerifiedEnvelope:
        return verify_envelope(
            received,
            exchange=load("complete.json")["exchange"],
            now=now,
            signing_keys=self.signing,
            sealing_kids=self.sealing_kids,
        )


@pytest.fixture(scope="module")
def parties() -> Parties:
    return Parties()


@pytest.mark.parametrize("reader", ["BE.PF", "FR.BEPI", "MA.PGR"])
def test_the_complete_envelope_opens_for_each_recipient_and_the_sender(parties: Parties, reader: str) -> None:
    complete = load("complete.json")
    received = parse_submission(complete["submission"].encode())
    assert received.digest == complete["digest"]
    opened = open_message(
        received,
        opener=parties.openers[reader],
        own_kid=parties.sealing_kids[reader],
        exchange=complete["exchange"],
        now=parse_time(complete["now"]),
        signing_keys=parties.signing,
        sealing_kids=parties.sealing_kids,
    )
    assert opened.content == complete["content"]
    assert [
        {"name": one.name, "media_type": one.media_type, "data": encode_b64u(one.data)} for one in opened.attachments
    ] == complete["attachments"]


def test_every_derived_value_is_the_vectors() -> None:
    steps, secret = load("steps.json"), parse_b64u(load("complete.json")["secret"])
    context = header_context(steps["header"].encode())
    assert encode_b64u(context) == steps["context"]
    assert encode_b64u(commit_info(context)) == steps["commit_info"]
    assert encode_b64u(derive_key_commit(secret, context)) == steps["key_commit"]
    for part in steps["parts"]:
        assert encode_b64u(part_info(context, part["name"])) == part["info"]
        assert encode_b64u(part_context(context, part["name"])) == part["context"]
        assert encode_b64u(derive_part_key(secret, context, part["name"])) == part["key"]


def test_every_wrap_opens_to_the_secret_under_its_info_alone(parties: Parties) -> None:
    steps, secret = load("steps.json"), parse_b64u(load("complete.json")["secret"])
    context = parse_b64u(steps["context"])
    openers = {parties.sealing_kids[authority]: opener for authority, opener in parties.openers.items()}
    for wrap in steps["wraps"]:
        assert encode_b64u(wrap_info(context, wrap["kid"])) == wrap["info"]
        key = openers[wrap["kid"]].key.hpke_key
        assert WRAP_SUITE.decrypt(parse_b64u(wrap["wrap"]), key, parse_b64u(wrap["info"])) == secret


def test_one_disclosed_part_key_proves_one_document(parties: Parties) -> None:
    complete, steps = load("complete.json"), load("steps.json")
    part = next(part for part in steps["parts"] if part["name"] == "p1")
    received = parse_envelope(steps["jws"].encode(), {}, {"p1": parse_b64u(part["ct"])})
    assert received.digest == steps["digest"]
    verified = verify_envelope(
        received,
        exchange=complete["exchange"],
        now=parse_time(complete["now"]),
        signing_keys=parties.signing,
        sealing_kids=parties.sealing_kids,
        wraps_for=(),
    )
    document = open_part(verified, "p1", parse_b64u(part["key"]))
    assert encode_b64u(document) == complete["attachments"][0]["data"]
    assert document == unpad_part(parse_b64u(part["padded"]))


def test_padded_lengths_are_the_vectors() -> None:
    for vector in load("padding.json"):
        assert padded_length(vector["length"]) == vector["padded_length"]


@pytest.mark.parametrize("file", ATTACKS, ids=lambda file: file.stem)
def test_a_golden_attack_is_refused_as_its_file_says(parties: Parties, file: Path) -> None:
    golden = load(f"attacks/{file.name}")
    now, stage, code = parse_time(golden["now"]), "parse", "none"
    try:
        received = parse_submission(golden["submission"].encode())
        stage = "verify"
        verified = parties.verify(received, now)
        stage = "open"
        kid = parties.sealing_kids["BE.PF"]
        secret = parties.openers["BE.PF"].open_wrap(verified.wraps[kid], wrap_info(verified.context, kid))
        open_with_secret(verified, secret)
    except ComityError as refused:
        code = refused.code
    assert (stage, code) == (golden["stage"], golden["code"])


def test_each_attack_of_the_catalogue_has_its_golden_file() -> None:
    assert {file.stem for file in ATTACKS} == {name for name, attack in CATALOGUE.items() if attack.golden}
