"""A bundle proves one message to whoever has the trust file, and every change of it is refused under its own code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client.proof_bundle import encode_bundle, parse_bundle
from client.proof_making import make_bundle
from client.proof_verification import verify_bundle
from client.sealing import Attachment
from shared.audit.notes import encode_vkey
from shared.domain.strict_json import encode_canonical_json
from shared.errors import ProofPartUnknown, Rejection
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import generate_ed25519
from shared.keys.trust import FormerLogKeys, FormerReceiptKey
from tests.unit.audit.paper_log import WITNESS
from tests.unit.audit.test_changed_log_keys import NEW as NEW_LOG
from tests.unit.client.letters import BE, FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_witnessed import witnessed

SCAN = Attachment("scan.pdf", "application/pdf", b"%PDF-1.7 an account")
OTHER = Attachment("other.txt", "text/plain", b"of no concern to the judge")


class Story:
    """MA sent two documents to FR and BE; FR fetched them, BE did not. The exchange is closed afterwards."""

    def __init__(self, home: Path) -> None:
        self.exchange = PaperExchange()
        self.exchange.enrol(MA, FR, BE)
        self.exchange.load_registry()
        self.trust = witnessed(self.exchange)
        self.ma, self.fr = (self.exchange.correspond(party, home, self.trust) for party in (MA, FR))
        self.dossier = open_dossier(self.ma, FR, BE, attachments=(SCAN, OTHER))
        self.fr.mailbox.read_feed()
        self.ma.mailbox.read_feed()
        self.message = self.ma.register.messages(self.dossier)[0].message
        self.made = make_bundle(self.ma, self.message, ("p1", "body"))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("proofs"))


def test_it_proves_who_to_whom_when_and_what_became_of_it(story: Story) -> None:
    proven = verify_bundle(parse_bundle(encode_bundle(story.made.bundle)), story.trust)
    assert (proven.header.sender, proven.header.recipients, proven.is_sender_proven) == (MA, (FR, BE), True)
    assert proven.decision is not None
    assert proven.decision.code is None
    assert proven.receipt is not None
    assert proven.existed_by is not None
    assert str(proven.existed_by.who) == f"the witness {WITNESS.vkey.name}"
    happened = {(one.kind, one.recipient, one.asked_at is not None) for one in proven.evidences}
    assert happened == {("delivery", FR, False), ("delivery", BE, False), ("retrieval", FR, True)}
    assert [step.number for step in proven.steps] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]


def test_a_disclosed_document_is_opened_under_its_name_and_no_other_is(story: Story) -> None:
    proven = story.made.proven
    assert [(one.part, one.name, one.data) for one in proven.documents][1] == ("p1", "scan.pdf", SCAN.data)
    assert proven.sealed_parts == ("p2",)
    assert OTHER.data not in encode_bundle(story.made.bundle)


def test_a_document_alone_is_known_by_its_part(story: Story) -> None:
    [only] = make_bundle(story.ma, story.message, ("p1",)).proven.documents
    assert (only.part, only.name, only.data) == ("p1", None, SCAN.data)


def test_a_part_key_opens_no_other_part(story: Story) -> None:
    key = story.made.bundle.parts[1].key
    other = make_bundle(story.ma, story.message, ("p2",)).bundle
    stolen = replace(other, parts=(replace(other.parts[0], key=key),))
    assert code_of(lambda: verify_bundle(stolen, story.trust)) == "proof.part-invalid"


def test_sealed_bytes_may_lie_beside_the_bundle(story: Story) -> None:
    made = make_bundle(story.ma, story.message, ("p1",), beside=True)
    assert made.bundle.parts[0].ct is None
    assert verify_bundle(made.bundle, story.trust, made.beside).documents[0].data == SCAN.data
    assert code_of(lambda: verify_bundle(made.bundle, story.trust)) == "proof.part-invalid"
    changed = {"p1": flipped(made.beside["p1"])}
    assert code_of(lambda: verify_bundle(made.bundle, story.trust, changed)) == "proof.part-invalid"


def test_a_part_that_the_message_does_not_have_is_named(story: Story) -> None:
    with pytest.raises(ProofPartUnknown, match="p9"):
        make_bundle(story.ma, story.message, ("p9",))


def test_its_recipient_holds_a_proof_of_its_own(story: Story) -> None:
    proven = make_bundle(story.fr, story.message, ("p1",)).proven
    assert proven.receipt is None  # that is between the sender and the exchange
    assert proven.documents[0].data == SCAN.data
    assert proven.is_sender_proven


# --- every member ----------------------------------------------------------------------------------------------------

CODES = {
    "v": "proof.malformed",
    "origin": "proof.wrong-exchange",
    "checkpoint": "proof.checkpoint-invalid",
    "jws": "proof.envelope-invalid",
    "receipt": "proof.receipt-invalid",
    "key_events": "proof.key-event-invalid",
    "decision": "proof.decision-invalid",
    "evidences": "proof.evidence-invalid",
    "parts": "proof.part-invalid",
}


def values(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all members that hold a text or a number."""
    if isinstance(node, dict):
        for name, member in node.items():
            yield from values(member, (*path, name))
    elif isinstance(node, list):
        for place, item in enumerate(node):
            yield from values(item, (*path, place))
    elif node is not None:
        yield path


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def changed(document: Any, path: tuple[Any, ...], value: Any) -> bytes:
    copy = json.loads(json.dumps(document))
    at(copy, path[:-1])[path[-1]] = value
    return encode_canonical_json(copy)


def alter(value: Any, path: tuple[Any, ...]) -> Any:
    """Another value of the same form, as far as there is one."""
    if isinstance(value, int):
        return value + 1
    if path[-1] == "name":
        return {"body": "p2", "p1": "p2"}[value]
    if path[0] in ("v", "origin", "receipt", "jws", "checkpoint"):
        return value[:20] + ("A" if value[20:21] != "A" else "B") + value[21:]
    return encode_b64u(flipped(parse_b64u(value)))


def flipped(raw: bytes) -> bytes:
    middle = len(raw) // 2
    return raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]


def judged(raw: bytes, story: Story) -> str:
    return code_of(lambda: verify_bundle(parse_bundle(raw), story.trust))


def code_of(act: Callable[[], object]) -> str:
    try:
        act()
    except Rejection as refused:
        return refused.code
    return "nothing"


def test_every_changed_member_is_refused_with_the_code_of_its_place(story: Story) -> None:
    document = json.loads(encode_bundle(story.made.bundle))
    paths = list(values(document))
    assert {path[0] for path in paths} == CODES.keys()
    for path in paths:
        raw = changed(document, path, alter(at(document, path), path))
        assert judged(raw, story) == CODES[path[0]], path


def test_every_removed_added_or_retyped_member_is_refused_by_form(story: Story) -> None:
    document = json.loads(encode_bundle(story.made.bundle))
    for path in values(document):
        retyped: tuple[Any, ...] = (None, [], {}, True, f"{at(document, path)}=")
        for value in retyped:
            if (path, value) != (("receipt",), None):  # that is a bundle without one, which proves less
                assert judged(changed(document, path, value), story) in {"proof.malformed", CODES[path[0]]}, path
    for name in document:
        added, removed = {**document, name + "2": 1}, {k: v for k, v in document.items() if k != name}
        assert judged(encode_canonical_json(added), story) == "proof.malformed"
        assert judged(encode_canonical_json(removed), story) == "proof.malformed"


def test_whoever_leaves_something_out_proves_less_and_nothing_else(story: Story) -> None:
    whole, proven = story.made.bundle, story.made.proven
    less = verify_bundle(
        replace(whole, receipt=None, evidences=whole.evidences[:1], parts=whole.parts[:1]), story.trust
    )
    assert set(less.evidences) < set(proven.evidences)
    assert {one.part for one in less.documents} < {one.part for one in proven.documents}
    assert (less.receipt, less.header, less.digest, less.decision) == (
        None,
        proven.header,
        proven.digest,
        proven.decision,
    )


def test_the_key_events_begin_with_the_first_and_reach_to_the_decision(story: Story) -> None:
    whole = story.made.bundle
    for events in (whole.key_events[1:], whole.key_events[:1] + whole.key_events[2:]):
        assert judged(encode_bundle(replace(whole, key_events=events)), story) == "proof.key-event-invalid"
    cut = replace(whole, key_events=whole.key_events[:-1])
    assert judged(encode_bundle(cut), story) == "proof.decision-invalid"


def test_another_spelling_of_the_same_bundle_is_refused(story: Story) -> None:
    raw = encode_bundle(story.made.bundle)
    for other in (raw + b"\n", b" " + raw, json.dumps(json.loads(raw)).encode(), raw[:-1], raw.replace(b"{", b"{ ", 1)):
        assert judged(other, story) == "proof.malformed"


def test_a_swapped_or_repeated_entry_is_refused(story: Story) -> None:
    bundle = story.made.bundle
    first, second, third = bundle.evidences
    for evidences in ((first, first), (second, first), (replace(first, index=second.index),)):
        assert judged(encode_bundle(replace(bundle, evidences=evidences)), story) == "proof.evidence-invalid"
    assert third.index > second.index
    swapped = replace(bundle, evidences=(bundle.key_events[0],))
    assert judged(encode_bundle(swapped), story) == "proof.evidence-invalid"
    assert judged(encode_bundle(replace(bundle, decision=first)), story) == "proof.decision-invalid"


def test_a_bundle_of_before_is_proven_by_the_keys_of_then(story: Story) -> None:
    bundle, trust, size = story.made.bundle, story.trust, len(story.exchange.log.entries)
    new = replace(
        trust,
        log_vkeys=(encode_vkey(NEW_LOG[0].vkey), encode_vkey(NEW_LOG[1].vkey)),
        former_log_keys=(FormerLogKeys(trust.log_vkeys, size),),
        receipt_key=generate_ed25519().public_key(),
        former_receipt_keys=(FormerReceiptKey(trust.receipt_key, story.exchange.now),),
    )
    proven = verify_bundle(bundle, new)
    assert proven.receipt is not None
    assert proven.decision is not None
    early = story.exchange.now - timedelta(days=1)
    for short, code in (
        (replace(new, former_log_keys=()), "proof.checkpoint-invalid"),
        (replace(new, former_log_keys=(FormerLogKeys(trust.log_vkeys, 3),)), "proof.checkpoint-invalid"),
        (replace(new, former_receipt_keys=(FormerReceiptKey(trust.receipt_key, early),)), "proof.receipt-invalid"),
    ):
        with pytest.raises(Rejection) as refused:
            verify_bundle(bundle, short)
        assert refused.value.code == code
