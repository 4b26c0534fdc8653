"""A letter whose form is right and whose content is not is decided: rejected, told to its sender alone, and logged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from client.auditor import verify_ledger
from shared.domain.ids import new_uuid7
from shared.envelope.container import parse_submission
from tests.acceptance.refusals import BRUSSELS, MADRID, PARIS, RABAT, REJECTION, ROME, SPENT_ID, Bench
from tests.exchange_process import now
from tests.unit.envelope.workshop import Forgery, party

BASIS: Final[dict[str, Any]] = {"primary": "untoc", "cited": [], "group": None}


@dataclass(frozen=True)
class Wrong:
    """One wrong letter, and what intake says of it. `spends_id`: both signatures and all parts were right."""

    claim: str
    code: str
    says: str
    write: Callable[[Bench, Forgery], Forgery]
    """Made on the exchange and beside a letter that Rabat has sent to Brussels and Paris before."""
    spends_id: bool = True


@pytest.fixture(scope="module")
def opening(bench: Bench) -> Forgery:
    """A dossier that nobody has answered yet; no wrong letter changes that."""
    return bench.accepted(bench[RABAT].letter())


@pytest.fixture(scope="module", autouse=True)
def audited(bench: Bench) -> Iterator[None]:
    """After all of them, an auditor comes to the same decisions from the ledger alone."""
    yield
    bench.exchange.rows.wait_settled()
    report = verify_ledger(bench.exchange.ledger(), bench.exchange.trust, workers=0)
    assert report.ok, report.differences
    assert sum(report.rejections.values()) == bench.exchange.rows.effects()["leaf decision.rejected"]


def _to(recipient: str) -> Callable[[Bench, Forgery], Forgery]:
    return lambda bench, _: bench[RABAT].letter(recipients=[recipient], basis={recipient: BASIS})


def _request(**changes: Any) -> Callable[[Bench, Forgery], Forgery]:
    return lambda bench, _: bench[RABAT].letter(**changes)


def _reply(sender: str, kind: str, **changes: Any) -> Callable[[Bench, Forgery], Forgery]:
    return lambda bench, opening: bench[sender].reply(opening, kind, **changes)


def _cut_part(bench: Bench, _: Forgery) -> Forgery:
    letter = bench[RABAT].letter()
    letter.parts["p1"] = letter.parts["p1"][:-1]
    return letter


def _lost_part(bench: Bench, _: Forgery) -> Forgery:
    letter = bench[RABAT].letter()
    del letter.parts["p1"]
    return letter


def _lost_wrap(bench: Bench, _: Forgery) -> Forgery:
    letter = bench[RABAT].letter()
    del letter.wraps[party(PARIS).sealing_kid]
    return letter


def _changed_wrap(bench: Bench, _: Forgery) -> Forgery:
    letter = bench[RABAT].letter()
    kid = party(PARIS).sealing_kid
    letter.wraps[kid] = letter.wraps[kid][:-1] + bytes([letter.wraps[kid][-1] ^ 1])
    return letter


def _resigned(bench: Bench, _: Forgery) -> Forgery:
    """Paris signs what Rabat wrote; the header still names Rabat."""
    letter = bench[RABAT].unsigned()
    letter.signers = (party(PARIS), party(PARIS))
    return letter.sign()


def _resigned_under_kid(bench: Bench, _: Forgery) -> Forgery:
    """The same, under the names of Rabat's keys."""
    letter = _resigned(bench, _)
    kids = dict(zip(("Ed25519", "ML-DSA-65"), party(RABAT).signing_kids, strict=True))
    return letter.sign(protected={alg: {"kid": kid} for alg, kid in kids.items()})


def _half_resigned(bench: Bench, _: Forgery) -> Forgery:
    """The lattice signature is another authority's: whoever broke one algorithm has not broken both."""
    letter = bench[RABAT].unsigned()
    letter.signers = (party(RABAT), party(PARIS))
    return letter.sign(protected={"ML-DSA-65": {"kid": party(RABAT).signing_kids[1]}})


def _signed_with_api_key(bench: Bench, _: Forgery) -> Forgery:
    letter = bench[RABAT].letter()
    return letter.sign(protected={"Ed25519": {"kid": party(RABAT).api_kid}})


def _readdressed(bench: Bench, opening: Forgery) -> Forgery:
    """Paris sends Rabat's sealed text on as its own: header and signatures are Paris', the sealing is Rabat's."""
    letter = bench[PARIS].unsigned(recipients=[BRUSSELS], basis={BRUSSELS: BASIS})
    letter.parts, letter.wraps = dict(opening.parts), dict(opening.wraps)
    return letter.list_parts().sign()


LETTERS: Final = [
    Wrong("the recipient is unknown", "message.unknown-recipient", "DE.BMJ", _to("DE.BMJ"), spends_id=False),
    Wrong("the recipient is suspended", "message.unknown-recipient", "suspended", _to(ROME), spends_id=False),
    Wrong("a sealed part is cut", "envelope.part-mismatch", "p1 is missing, cut", _cut_part, spends_id=False),
    Wrong("a sealed part is missing", "envelope.part-mismatch", "p1 is missing", _lost_part, spends_id=False),
    Wrong("a key wrap is missing", "envelope.wrap-mismatch", "FR.BEPI", _lost_wrap, spends_id=False),
    Wrong("a key wrap is changed", "envelope.wrap-mismatch", "FR.BEPI", _changed_wrap, spends_id=False),
    Wrong("another authority signed it", "envelope.key-foreign", "sender MA.PGR", _resigned, spends_id=False),
    Wrong(
        "another authority signed it under the sender's key ids",
        "envelope.signature-invalid",
        "Ed25519 signature",
        _resigned_under_kid,
        spends_id=False,
    ),
    Wrong(
        "one of its signatures is another authority's",
        "envelope.signature-invalid",
        "ML-DSA-65 signature",
        _half_resigned,
        spends_id=False,
    ),
    Wrong(
        "it is signed with the key for calls",
        "envelope.key-unknown",
        "may use",
        _signed_with_api_key,
        spends_id=False,
    ),
    Wrong(
        "a recipient passes it on as its own",
        "envelope.recipients-mismatch",
        "sealed to",
        _readdressed,
        spends_id=False,
    ),
    Wrong("the profile is unknown", "message.unknown-profile", "gossip", _request(profile="gossip")),
    Wrong("the kind is unknown", "message.unknown-kind", "kind rumour", _request(kind="rumour")),
    Wrong("the act says what it may not", "message.malformed-act", "nobody", _request(act={"nobody": 1})),
    Wrong("the measure is unknown to the law", "message.inconsistent-header", "M1", _request(measures={"M1": "magic"})),
    Wrong(
        "the header shows a covert measure",
        "message.inconsistent-header",
        "shows as covert",
        _request(measures={"M1": "interception"}),
    ),
    Wrong("a refusal has no ground", "dossier.ground-missing", "names its ground", _reply(PARIS, "refuse")),
    Wrong(
        "the move is illegal in this state",
        "dossier.illegal-move",
        "M1 is submitted: start-execution",
        _reply(PARIS, "start-execution"),
    ),
    Wrong(
        "it has not seen what happened",
        "dossier.stale",
        "Fetch your feed",
        _reply(PARIS, "accept", seen="A" * 43),
    ),
    Wrong(
        "the other side's kind of message",
        "dossier.foreign-signer",
        "FR.BEPI has no part",
        _reply(PARIS, "close"),
    ),
    Wrong(
        "a measure that nobody asked for",
        "dossier.unknown-measure",
        "no measure M2",
        _reply(PARIS, "accept", measures={"M2": "bank-data"}),
    ),
    Wrong(
        "it opens a dossier that is open",
        "dossier.exists",
        "opens a new dossier",
        lambda bench, opening: bench[RABAT].letter(dossier=opening.header["dossier"]),
    ),
    Wrong(
        "it is sent to somebody who is not on the leg",
        "message.inconsistent-header",
        "goes to MA.PGR",
        _reply(PARIS, "acknowledge", recipients=[BRUSSELS]),
    ),
]


@pytest.mark.parametrize("wrong", LETTERS, ids=lambda wrong: wrong.claim)
def test_it_is_rejected_and_told_to_its_sender_alone(wrong: Wrong, bench: Bench, opening: Forgery) -> None:
    legs = bench.exchange.rows.rows("SELECT * FROM leg ORDER BY dossier, requested")
    decision = bench.assert_rejected(wrong.write(bench, opening), wrong.code, spends_id=wrong.spends_id)
    assert wrong.says in decision["sentence"]
    assert bench.exchange.rows.rows("SELECT * FROM leg ORDER BY dossier, requested") == legs


def test_a_stranger_to_a_dossier_is_refused_as_if_it_did_not_exist(bench: Bench, opening: Forgery) -> None:
    """Madrid knows the dossier's id and that Paris has a leg in it; the answers to its letters do not confirm it."""
    seen = parse_submission(opening.submission()).digest
    elsewhere = Forgery(header={**opening.header, "dossier": new_uuid7(now())}).seal().sign()
    letters = [
        bench[MADRID].reply(dossier, kind, leg=leg, recipients=[other], seen=seen)
        for kind, leg, other in (("remind", PARIS, PARIS), ("close", PARIS, PARIS), ("acknowledge", MADRID, RABAT))
        for dossier in (opening, elsewhere)
    ]
    with bench.only(Counter({name: len(letters) * count for name, count in (REJECTION + SPENT_ID).items()})):
        for letter in letters:
            assert bench[MADRID].post(letter).status == 202
        answers = [_answer(bench, letter) for letter in letters]
    assert answers == answers[:1] * len(letters)
    assert answers[0][0] == "dossier.unknown"


def _answer(bench: Bench, letter: Forgery) -> tuple[str, str, set[str]]:
    """What Madrid is told, with its own ids taken out."""
    decision = bench.await_decision(bench[MADRID], letter.header["id"])
    sentence = decision["sentence"].replace(letter.header["dossier"], "D").replace(letter.header["leg"], "L")
    return decision["code"], sentence, set(decision["facts"])
