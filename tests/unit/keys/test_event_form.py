"""(1) and (2) of an event's verification: it has one signed form and a closed format, whoever signed it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.ids import encode_time
from shared.domain.strict_json import encode_canonical_json
from shared.keys.event_document import MAX_VALIDITY, Use
from shared.keys.events import draft_event
from shared.keys.signed_document import MAX_SIGNED_DOCUMENT_BYTES
from tests.unit.keys.parties import NOW, ExchangeOnTest, PartyOnTest, renew
from tests.unit.keys.refused_events import Edit, edited, first_key, refused

# --- (1) the signed form


def test_no_byte_of_a_signed_event_can_change(exchange: ExchangeOnTest) -> None:
    document = exchange.decide(exchange.draft_enrolment(PartyOnTest("MA.PGR")))
    for position in range(0, len(document), 61):
        broken = bytearray(document)
        broken[position] ^= 0x01
        refused(exchange, bytes(broken))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: b" " + raw,
        lambda raw: raw + b"\n",
        lambda raw: raw.replace(b'{"document":', b'{"document": '),
        lambda raw: raw.replace(b'"signatures":', b'"more":1,"signatures":'),
        lambda raw: raw[:-1] + b',"signatures":[]}',
        lambda raw: b"[]",
        lambda raw: b"",
        lambda raw: b'{"document":"AAAA","signatures":[]}',
        lambda raw: b'{"document":1,"signatures":[{"kid":"","sig":""}]}',
        lambda raw: b'{"document":"AAAA","signatures":[{"kid":"operator#","sig":5}]}',
        lambda raw: b'{"document":"AAAA","signatures":[{"kid":"operator#"}]}',
        lambda raw: b'{"document":"AAAA","signatures":[' + b",".join([b'{"kid":"a","sig":"AA"}'] * 9) + b"]}",
        lambda raw: raw + b" " * MAX_SIGNED_DOCUMENT_BYTES,
    ],
)
def test_another_form_is_refused(exchange: ExchangeOnTest, spoil: Callable[[bytes], bytes]) -> None:
    refused(exchange, spoil(exchange.decide(exchange.draft_enrolment(PartyOnTest("MA.PGR")))))


# --- (2) the closed format, signed by a full quorum and refused all the same


FORMAT_FAULTS: dict[str, Edit] = {
    "unknown member": lambda e: e.update(extra=1),
    "other version": lambda e: e.update(v="comity-key-event/2"),
    "unknown type": lambda e: e.update(type="promote"),
    "missing member": lambda e: e.pop("mandate"),
    "text for number": lambda e: e.update(seq="1"),
    "party is none": lambda e: e.update(party="operator"),
    "country of another": lambda e: e.update(country="FR"),
    "no country": lambda e: e.update(country=None),
    "no name": lambda e: e.update(name=None),
    "no role": lambda e: e.update(role=None),
    "unknown role": lambda e: e.update(role="operator"),
    "authority with a mandate": lambda e: e.update(mandate="full"),
    "auditor with sealing key": lambda e: e.update(role="auditor", mandate="full"),
    "a key too few": lambda e: e["keys"].pop(),
    "a use twice": lambda e: e["keys"][1].update(use=e["keys"][0]["use"]),
    "unknown use": lambda e: first_key(e).update(use="sign-rsa"),
    "key with unknown member": lambda e: first_key(e).update(note=""),
    "window reversed": lambda e: first_key(e).update(not_after=first_key(e)["not_before"]),
    "window too long": lambda e: first_key(e).update(
        not_after=encode_time(NOW + MAX_VALIDITY + timedelta(microseconds=1))
    ),
    "time without zone": lambda e: first_key(e).update(not_before="2026-11-22T09:00:00"),
    "public key of no alphabet": lambda e: first_key(e).update(public="!" * 43),
    "proof missing": lambda e: first_key(e).update(proof=[]),
    "three proofs": lambda e: first_key(e).update(proof=first_key(e)["proof"] * 3),
    "invisible direction in a name": lambda e: e["name"].update(official="MA\u202ePGR"),
    "empty name": lambda e: e["name"].update(official=""),
    "name of spaces": lambda e: e["name"].update(official=" "),
    "language of no code": lambda e: e["name"]["languages"].update(french="x"),
}


@pytest.mark.parametrize("fault", FORMAT_FAULTS.values(), ids=FORMAT_FAULTS)
def test_a_malformed_event_is_refused_whoever_signed_it(exchange: ExchangeOnTest, fault: Edit) -> None:
    event = edited(exchange.draft_enrolment(PartyOnTest("MA.PGR")), fault)
    assert "possession" not in refused(exchange, exchange.decide(event)), "only the proof caught it, not the format"


def test_a_member_that_stands_twice_is_refused(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR")).replace(b'"seq":1', b'"seq":1,"seq":1')
    refused(exchange, exchange.decide(event), "twice")


def test_a_rotation_names_keys_each_use_once_and_a_suspension_names_none(exchange: ExchangeOnTest) -> None:
    party = exchange.enrol("MA.PGR")
    api: tuple[Use, ...] = ("api-ed25519",)
    one, other = (renew(party, *api).entries(uses=api)[0] for _ in range(2))
    rotation = draft_event("rotate", exchange.directory, NOW, party.id, keys=[one])
    document = json.loads(rotation)
    again = one.model_dump(mode="json")
    for keys, type_, why in (
        ([], "rotate", "names keys"),
        ([again, other.model_dump(mode="json")], "rotate", "use stands twice"),
        ([again], "suspend", "names none"),
        ([again], "reinstate", "names none"),
    ):
        event = encode_canonical_json({**document, "keys": keys, "type": type_})
        refused(exchange, party.sign(event), why)
        refused(exchange, exchange.decide(event), why)


@pytest.mark.parametrize("more", [{"role": "authority"}, {"mandate": "full"}, {"country": "MA"}, {"name": {}}])
def test_who_a_party_is_is_said_at_its_enrolment_only(exchange: ExchangeOnTest, more: dict[str, Any]) -> None:
    party = exchange.enrol("MA.PGR")
    event = edited(draft_event("suspend", exchange.directory, NOW, party.id), lambda e: e.update(more))
    refused(exchange, exchange.decide(event))


def test_a_signed_event_has_a_greatest_size(exchange: ExchangeOnTest) -> None:
    """A well-formed one, so that size alone refuses it: it must fit a ledger entry."""
    languages = {f"{a}{b}": "\u0639" * 200 for a in "abcdefgh" for b in "abcde"}
    event = edited(exchange.draft_enrolment(PartyOnTest("MA.PGR")), lambda e: e["name"].update(languages=languages))
    refused(exchange, exchange.decide(event), f"more than {MAX_SIGNED_DOCUMENT_BYTES}")
