from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.ids import encode_time
from shared.domain.strict_json import encode_canonical_json
from shared.errors import KeyEventRefused
from shared.keys.base64url import encode_b64u
from shared.keys.directory import Directory
from shared.keys.event_document import EVENT_DOMAIN, MAX_VALIDITY, Use
from shared.keys.events import draft_event, encode_event, replay_events, sign_event
from shared.keys.possession import possession_statement, prove_keys
from shared.keys.private import Ed25519Signer, generate_ed25519, generate_xwing
from shared.keys.signed_document import MAX_SIGNED_DOCUMENT_BYTES, parse_signed_document
from tests.unit.keys.parties import EXCHANGE, NOW, YEAR, ExchangeOnTest, PartyOnTest, new_keys, renew

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def exchange() -> ExchangeOnTest:
    return ExchangeOnTest()


def edited(event: bytes, edit: Edit) -> bytes:
    written = json.loads(event)
    edit(written)
    return encode_canonical_json(written)


def refused(exchange: ExchangeOnTest, document: bytes, why: str | None = None, quorum: int = 2) -> str:
    with pytest.raises(KeyEventRefused, match=why) as caught:
        exchange.verify(document, quorum)
    return caught.value.sentence()


def test_an_enrolment_makes_a_party(exchange: ExchangeOnTest) -> None:
    party = PartyOnTest("MA.PGR")
    document = exchange.decide(exchange.draft_enrolment(party))
    event = exchange.admit(document)
    assert (event.type, event.seq, event.prev, event.party, event.role) == ("enrol", 1, None, "MA.PGR", "authority")
    assert event.document == document
    assert len(event.signers) == 2
    assert {key.use: key.kid for key in event.keys} == {use: party.kid(use) for use in party.keys}


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


def first_key(event: dict[str, Any]) -> dict[str, Any]:
    key = event["keys"][0]
    assert isinstance(key, dict)
    return key


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


# --- (3) its place


PLACE_FAULTS: dict[str, tuple[Edit, str]] = {
    "another exchange": (lambda e: e.update(exchange="other.test/log"), "exchange"),
    "number skipped": (lambda e: e.update(seq=e["seq"] + 1), "number"),
    "first again": (lambda e: e.update(prev=None), "predecessor"),
    "number repeated": (lambda e: e.update(seq=e["seq"] - 1, prev=None), "number"),
    "other predecessor": (lambda e: e.update(prev="A" * 43), "predecessor"),
    "dated before the last": (lambda e: e.update(at=encode_time(NOW - timedelta(microseconds=1))), "dated"),
}


@pytest.mark.parametrize(("fault", "why"), PLACE_FAULTS.values(), ids=PLACE_FAULTS)
def test_an_event_out_of_place_is_refused(exchange: ExchangeOnTest, fault: Edit, why: str) -> None:
    exchange.enrol("MA.PGR")
    event = edited(exchange.draft_enrolment(PartyOnTest("FR.BEPI")), fault)
    refused(exchange, exchange.decide(event), why)


def test_an_event_is_admitted_once(exchange: ExchangeOnTest) -> None:
    exchange.enrol("MA.PGR")
    refused(exchange, exchange.documents[0], "number 1, the next is 2")


# --- (4) the party may undergo it


def test_a_party_is_enrolled_once(exchange: ExchangeOnTest) -> None:
    exchange.enrol("MA.PGR")
    refused(exchange, exchange.decide(exchange.draft_enrolment(PartyOnTest("MA.PGR"))), "enrolled already")


@pytest.mark.parametrize("type_", ["suspend", "reinstate"])
def test_a_stranger_is_neither_suspended_nor_reinstated(exchange: ExchangeOnTest, type_: Any) -> None:
    refused(exchange, exchange.decide(draft_event(type_, exchange.directory, NOW, "MA.PGR")), "not enrolled")


def test_suspension_and_reinstatement_alternate(exchange: ExchangeOnTest) -> None:
    party = exchange.enrol("MA.PGR")
    refused(exchange, exchange.decide(draft_event("reinstate", exchange.directory, NOW, party.id)), "not suspended")
    exchange.suspend(party)
    refused(exchange, exchange.decide(draft_event("suspend", exchange.directory, NOW, party.id)), "suspended")
    exchange.reinstate(party)
    assert exchange.directory.index == 3


def test_a_suspended_party_cannot_rotate_its_keys(exchange: ExchangeOnTest) -> None:
    party = exchange.enrol("MA.PGR")
    exchange.suspend(party)
    keys = renew(party, "api-ed25519").entries(uses=["api-ed25519"])
    refused(exchange, party.sign(draft_event("rotate", exchange.directory, NOW, party.id, keys=keys)), "suspended")


def test_an_auditor_is_given_no_other_key_than_its_api_key(exchange: ExchangeOnTest) -> None:
    auditor = exchange.enrol_auditor("MA.CDC")
    keys = prove_keys(auditor.id, {"sign-ed25519": generate_ed25519()}, NOW, NOW + YEAR)
    event = draft_event("recover", exchange.directory, NOW, auditor.id, keys=keys)
    refused(exchange, exchange.decide(event), "API key only")


# --- (5) who decides


def test_one_operator_is_not_enough(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    refused(exchange, exchange.decide(event, signers=1), "2 are needed")


def test_the_same_operator_twice_is_not_two(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    signature = sign_event(event, exchange.operators[0])
    refused(exchange, encode_event(event, [signature, signature]), "twice")


def test_a_stranger_among_the_operators_refuses_the_event(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    signers = [*exchange.operators[:2], generate_ed25519()]
    refused(exchange, encode_event(event, [sign_event(event, signer) for signer in signers]), "not an operator key")


def test_a_signature_for_another_purpose_does_not_count(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    good = [sign_event(event, operator) for operator in exchange.operators[:2]]
    bare = replace(good[1], signature=exchange.operators[1].sign(event))
    other = replace(good[1], signature=exchange.operators[1].sign(b"comity-roster/1\x00" + event))
    for wrong in (bare, other):
        refused(exchange, encode_event(event, [good[0], wrong]), "does not verify")


def test_a_quorum_of_none_is_refused(exchange: ExchangeOnTest) -> None:
    document = exchange.decide(exchange.draft_enrolment(PartyOnTest("MA.PGR")))
    refused(exchange, document, "quorum", quorum=0)


def test_all_three_operators_may_be_asked_for(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    refused(exchange, exchange.decide(event), "3 are needed", quorum=3)
    assert len(exchange.verify(exchange.decide(event, signers=3), quorum=3).signers) == 3


def test_new_keys_are_signed_by_the_old(exchange: ExchangeOnTest) -> None:
    old = exchange.enrol("MA.PGR")
    new = renew(old, "sign-ed25519", "sign-mldsa65")
    keys = new.entries(uses=["sign-ed25519", "sign-mldsa65"])
    event = draft_event("rotate", exchange.directory, NOW, old.id, keys=keys)
    refused(exchange, new.sign(event), "signing keys of MA.PGR")
    refused(exchange, exchange.decide(event), "signing keys of MA.PGR")
    admitted = exchange.admit(old.sign(event))
    assert admitted.signers == (old.kid("sign-ed25519"), old.kid("sign-mldsa65"))


@pytest.mark.parametrize("broken", [0, 1], ids=["Ed25519", "ML-DSA-65"])
def test_a_rotation_needs_both_algorithms(exchange: ExchangeOnTest, broken: int) -> None:
    party = exchange.enrol("MA.PGR")
    keys = renew(party, "api-ed25519").entries(uses=["api-ed25519"])
    event = draft_event("rotate", exchange.directory, NOW, party.id, keys=keys)
    signatures = [sign_event(event, signer, party.id) for signer in party.signers()]
    refused(exchange, encode_event(event, [signatures[1 - broken]]), "exactly the two")
    refused(exchange, encode_event(event, signatures[::-1]), "exactly the two")
    signatures[broken] = replace(signatures[broken], signature=bytes(len(signatures[broken].signature)))
    refused(exchange, encode_event(event, signatures), "does not verify")


def test_another_party_cannot_rotate_my_keys(exchange: ExchangeOnTest) -> None:
    mine, theirs = exchange.enrol("MA.PGR"), exchange.enrol("FR.BEPI")
    keys = renew(mine, "api-ed25519").entries(uses=["api-ed25519"])
    event = draft_event("rotate", exchange.directory, NOW, mine.id, keys=keys)
    refused(exchange, theirs.sign(event), "signing keys of MA.PGR")


def test_rotated_keys_cannot_rotate_again(exchange: ExchangeOnTest) -> None:
    old = exchange.enrol("MA.PGR")
    exchange.rotate(old, "sign-ed25519", "sign-mldsa65")
    keys = renew(old, "api-ed25519").entries(uses=["api-ed25519"])
    refused(exchange, old.sign(draft_event("rotate", exchange.directory, NOW, old.id, keys=keys)), "signing keys of")


def test_expired_signing_keys_cannot_rotate_and_are_recovered_by_operators(exchange: ExchangeOnTest) -> None:
    old = exchange.enrol("MA.PGR")
    later = NOW + YEAR
    new = replace(old, keys=new_keys())
    keys = new.entries(later)
    refused(exchange, old.sign(draft_event("rotate", exchange.directory, later, old.id, keys=keys)), "in force")
    recovery = draft_event("recover", exchange.directory, later, old.id, keys=keys)
    refused(exchange, old.sign(recovery), "not an operator key")
    assert exchange.admit(exchange.decide(recovery)).type == "recover"
    signing = exchange.directory.signing_keys(old.id, later)
    assert signing is not None
    assert signing.ed25519_kid == new.kid("sign-ed25519")


# --- (6) acceptable keys, new to the exchange


@pytest.mark.parametrize("use", ["sign-ed25519", "api-ed25519"])
def test_a_small_order_key_is_refused_in_an_event(exchange: ExchangeOnTest, use: str) -> None:
    def weaken(event: dict[str, Any]) -> None:
        key = next(key for key in event["keys"] if key["use"] == use)
        key["public"] = encode_b64u((1).to_bytes(32, "little"))

    event = edited(exchange.draft_enrolment(PartyOnTest("MA.PGR")), weaken)
    refused(exchange, exchange.decide(event), "small order")


def test_one_key_serves_one_use(exchange: ExchangeOnTest) -> None:
    keys = new_keys()
    party = PartyOnTest("MA.PGR", {**keys, "api-ed25519": keys["sign-ed25519"]})
    refused(exchange, exchange.decide(exchange.draft_enrolment(party)), "registered already")


def test_one_key_serves_one_party(exchange: ExchangeOnTest) -> None:
    first = exchange.enrol("MA.PGR")
    second = PartyOnTest("MA.DGSN", {**new_keys(), "seal-xwing": first.keys["seal-xwing"]})
    refused(exchange, exchange.decide(exchange.draft_enrolment(second)), "registered already")


def test_a_key_of_the_past_does_not_come_back(exchange: ExchangeOnTest) -> None:
    first = exchange.enrol("MA.PGR")
    second = exchange.rotate(first, "api-ed25519")
    back = replace(second, keys={**second.keys, "api-ed25519": first.keys["api-ed25519"]})
    event = draft_event("rotate", exchange.directory, NOW, second.id, keys=back.entries(NOW, uses=["api-ed25519"]))
    refused(exchange, second.sign(event), "registered already")


def test_an_operator_key_is_no_party_key(exchange: ExchangeOnTest) -> None:
    party = PartyOnTest("MA.PGR", {**new_keys(), "api-ed25519": exchange.operators[2]})
    refused(exchange, exchange.decide(exchange.draft_enrolment(party)), "registered already")


# --- (7) possession: what the operators alone cannot do


def swap_key(event: dict[str, Any], use: str, public: bytes) -> None:
    next(key for key in event["keys"] if key["use"] == use)["public"] = encode_b64u(public)


OPERATORS_ALONE: dict[str, Edit] = {
    "lengthen a key's life": lambda e: first_key(e).update(not_after=encode_time(NOW + 2 * YEAR)),
    "begin it earlier": lambda e: first_key(e).update(not_before=encode_time(NOW - timedelta(days=1))),
    "spell its time otherwise": lambda e: first_key(e).update(not_before="2026-11-22T09:00:00Z"),
    "give it to another party": lambda e: e.update(party="MA.DGSN"),
    "swap two uses": lambda e: (e["keys"][0].update(use="api-ed25519"), e["keys"][3].update(use="sign-ed25519")),
    "swap the signing key": lambda e: swap_key(e, "sign-ed25519", generate_ed25519().public),
    "swap the sealing key": lambda e: swap_key(e, "seal-xwing", generate_xwing().public),
    "swap the API key": lambda e: swap_key(e, "api-ed25519", generate_ed25519().public),
    "drop half of a voucher": lambda e: e["keys"][2].update(proof=e["keys"][2]["proof"][:1]),
    "double a proof": lambda e: first_key(e).update(proof=first_key(e)["proof"] * 2),
    "break a proof": lambda e: first_key(e).update(proof=["A" * 86]),
    "spell a proof otherwise": lambda e: first_key(e).update(proof=[first_key(e)["proof"][0] + "="]),
}


@pytest.mark.parametrize("edit", OPERATORS_ALONE.values(), ids=OPERATORS_ALONE)
def test_operators_alone_cannot(exchange: ExchangeOnTest, edit: Edit) -> None:
    event = edited(exchange.draft_enrolment(PartyOnTest("MA.PGR")), edit)
    refused(exchange, exchange.decide(event), "proof of possession")


@pytest.mark.parametrize("half", [0, 1], ids=["Ed25519", "ML-DSA-65"])
def test_both_signing_keys_vouch_for_the_sealing_key(exchange: ExchangeOnTest, half: int) -> None:
    """A stolen or broken signing key of one kind does not redirect the mail."""
    party = exchange.enrol("MA.PGR")
    fresh = generate_xwing()
    entry = prove_keys(party.id, {"seal-xwing": fresh}, NOW, NOW + YEAR, party.signers())[0]
    forged = list(entry.proof)
    forged[half] = encode_b64u(renew(party, "sign-ed25519", "sign-mldsa65").signers()[half].sign(b"other"))
    keys = [entry.model_copy(update={"proof": tuple(forged)})]
    event = draft_event("rotate", exchange.directory, NOW, party.id, keys=keys)
    refused(exchange, party.sign(event), "proof of possession")


def test_renewed_signing_keys_vouch_for_the_sealing_key_that_comes_with_them(exchange: ExchangeOnTest) -> None:
    old = exchange.enrol("MA.PGR")
    uses: tuple[Use, ...] = ("sign-ed25519", "sign-mldsa65", "seal-xwing")
    new = renew(old, *uses)
    vouched_by_old = prove_keys(old.id, {"seal-xwing": new.keys["seal-xwing"]}, NOW, NOW + YEAR, old.signers())
    mixed = [*new.entries(uses=uses[:2]), *vouched_by_old]
    refused(exchange, old.sign(draft_event("rotate", exchange.directory, NOW, old.id, keys=mixed)), "possession")
    exchange.admit(old.sign(draft_event("rotate", exchange.directory, NOW, old.id, keys=new.entries(uses=uses))))
    sealing = exchange.directory.sealing_key(old.id, NOW)
    assert sealing is not None
    assert sealing.kid == new.kid("seal-xwing")


def test_the_statement_names_party_use_window_and_key() -> None:
    statement = possession_statement("MA.PGR", "api-ed25519", "a", "b", b"\xff")
    assert statement == b"comity-key-pop/1\x00MA.PGR\x00api-ed25519\x00a\x00b\x00\xff"
    assert EVENT_DOMAIN == b"comity-key-event/1\x00"


# --- replay


def test_a_replay_gives_the_directory_again_and_finds_the_first_forgery(exchange: ExchangeOnTest) -> None:
    first = exchange.enrol("MA.PGR")
    exchange.enrol("FR.BEPI")
    exchange.rotate(first, "api-ed25519")
    exchange.suspend(first)
    again = replay_events(exchange.documents, exchange.operator_keys, 2, Directory.empty(EXCHANGE))
    assert (again.index, again.head) == (4, exchange.directory.head)
    assert again.parties() == exchange.directory.parties()
    without_one = [exchange.documents[0], *exchange.documents[2:]]
    with pytest.raises(KeyEventRefused, match="next is 2"):
        replay_events(without_one, exchange.operator_keys, 2, Directory.empty(EXCHANGE))
    strangers = [generate_ed25519().public_key() for _ in range(2)]
    with pytest.raises(KeyEventRefused, match="not an operator key"):
        replay_events(exchange.documents, strangers, 2, Directory.empty(EXCHANGE))


def test_the_chain_is_over_the_event_not_over_who_signed_it(exchange: ExchangeOnTest) -> None:
    event = exchange.draft_enrolment(PartyOnTest("MA.PGR"))
    two, three = exchange.decide(event), exchange.decide(event, signers=3)
    assert exchange.verify(two).digest == exchange.verify(three).digest
    assert encode_b64u(parse_signed_document(two).digest()) == exchange.verify(two).digest


def test_a_private_half_that_does_not_fit_its_use_proves_nothing() -> None:
    wrong: dict[Use, Ed25519Signer] = {"sign-mldsa65": generate_ed25519()}
    with pytest.raises(Exception, match="another kind"):
        prove_keys("MA.PGR", wrong, NOW, NOW + YEAR)
    with pytest.raises(Exception, match="vouch"):
        prove_keys("MA.PGR", {"seal-xwing": generate_xwing()}, NOW, NOW + YEAR)
