"""A message is known by its id: the same bytes ask for their decision, other bytes never take its place."""

from __future__ import annotations

from collections import Counter

from shared.domain.ids import new_uuid7
from shared.envelope.container import parse_submission
from tests.acceptance.refusals import BRUSSELS, MADRID, PARIS, RABAT, REJECTION, Bench, assert_refused
from tests.exchange_process import now
from tests.unit.envelope.workshop import Forgery

ONE_REQUEST = Counter(
    {
        "claim": 1,
        "decision": 1,
        "leaf decision.accepted": 1,
        "dossier": 1,
        "leg": 2,
        "envelope": 1,
        "mailbox": 3,
        "part": 3,
        "part_chunk": 3,
        "evidence": 2,
        "leaf evidence.delivery": 2,
        "ledger_leaf": 3,
        "feed_entry": 4,
    }
)


def _to_nowhere(bench: Bench) -> Forgery:
    """A letter that stays undecided for up to 30 s: its dossier might still be on its way."""
    opening = bench[RABAT].letter()
    return bench[RABAT].reply(opening, "remind", dossier=new_uuid7(now()))


def test_the_same_bytes_again_get_the_original_receipt_and_have_one_effect(bench: Bench) -> None:
    letter = bench[RABAT].letter()
    with bench.only(ONE_REQUEST):
        first = bench[RABAT].post(letter)
        decision = bench.await_decision(bench[RABAT], letter.header["id"])
        bench.exchange.rows.wait_settled()
        again = [bench[RABAT].post(letter) for _ in range(3)]
    assert [answer.status for answer in again] == [200, 200, 200]
    assert {answer.document["receipt"] for answer in again} == {first.document["receipt"]}
    assert all(answer.document["decision"] == decision["decision"] == "accepted" for answer in again)


def test_the_same_bytes_again_before_their_decision_have_one_effect(bench: Bench) -> None:
    letter = bench[RABAT].letter()
    with bench.only(ONE_REQUEST):
        statuses = {bench[RABAT].post(letter).status for _ in range(5)}
        receipt = bench.await_decision(bench[RABAT], letter.header["id"])["receipt"]
    assert statuses <= {202, 200}
    assert bench[RABAT].post(letter).document["receipt"] == receipt


def test_a_rejected_letter_sent_again_gets_its_rejection_again(bench: Bench) -> None:
    letter = bench[RABAT].letter(profile="gossip")
    rejected = bench.assert_rejected(letter, "message.unknown-profile")
    with bench.only(Counter()):
        again = bench[RABAT].post(letter)
    assert (again.status, again.document["code"]) == (200, "message.unknown-profile")
    assert again.document["receipt"] == rejected["receipt"]


def test_other_bytes_under_an_id_that_is_decided_are_refused(bench: Bench) -> None:
    letter = bench.accepted(bench[RABAT].letter())
    with bench.only(Counter()):
        assert_refused(bench[RABAT].post(bench[RABAT].letter(id=letter.header["id"])), 409, "message.id-reused")
    _assert_kept(bench, letter)


def test_another_authority_cannot_take_the_place_of_a_message_by_its_id(bench: Bench) -> None:
    letter = bench.accepted(bench[RABAT].letter())
    other = bench[MADRID].letter(id=letter.header["id"])
    with bench.only(REJECTION):
        assert bench[MADRID].post(other).status == 202
        assert bench.await_decision(bench[MADRID], letter.header["id"])["code"] == "message.id-reused"
    _assert_kept(bench, letter)
    assert bench[MADRID].get(f"/v1/messages/{letter.header['id']}").code == "call.not-there"
    assert bench.await_decision(bench[RABAT], letter.header["id"])["decision"] == "accepted"


def test_other_bytes_under_an_id_that_is_not_decided_are_taken_and_only_one_is_admitted(bench: Bench) -> None:
    """Neither is refused at the edge, since nothing is decided; intake admits the one that it can decide first."""
    undecided = _to_nowhere(bench)
    letter = bench[RABAT].letter(id=undecided.header["id"])
    with bench.only(ONE_REQUEST + REJECTION):
        assert bench[RABAT].post(undecided).status == 202
        assert bench[RABAT].post(letter).status == 202
    leaves = [leaf for leaf in bench.exchange.rows.leaves() if leaf.get("message") == letter.header["id"]]
    decisions = {leaf["envelope_sha256"]: leaf.get("code") for leaf in leaves if leaf["type"].startswith("decision.")}
    assert decisions == {
        parse_submission(letter.submission()).digest: None,
        parse_submission(undecided.submission()).digest: "message.id-reused",
    }
    entries = [entry["type"] for entry in bench[RABAT].feed() if entry["message"] == letter.header["id"]]
    assert sorted(entries) == ["message.accepted", "message.delivered", "message.rejected"]


def test_of_two_bytes_under_one_id_the_admitted_ones_answer_for_it(bench: Bench) -> None:
    undecided = _to_nowhere(bench)
    letter = bench[RABAT].letter(id=undecided.header["id"])
    receipts = [bench[RABAT].post(one).document["receipt"] for one in (undecided, letter)]
    bench.exchange.rows.wait_settled()
    with bench.only(Counter()):
        again = bench[RABAT].post(letter)
        assert (again.status, again.document["decision"]) == (200, "accepted")
        assert again.document["receipt"] == receipts[1]
        assert_refused(bench[RABAT].post(undecided), 409, "message.id-reused")


def _assert_kept(bench: Bench, letter: Forgery) -> None:
    """Sender and recipients read what was sent first."""
    digest = parse_submission(letter.submission()).digest
    for reader in (RABAT, BRUSSELS, PARIS):
        assert bench[reader].get(f"/v1/messages/{letter.header['id']}").document["digest"] == digest
