"""Parts that the exchange has pruned: what its parties still have, and what an auditor makes of the leaf."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client.proof_making import make_bundle
from shared.domain.ids import encode_time
from shared.errors import EvidenceInvalid, MessageUnverified, PartPruned
from tests.unit.client.letters import FR, MA, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import audit, found

KEPT_DAYS = 30


class Closed:
    """A dossier that was refused and closed, on an exchange that prunes its parts after 30 days."""

    def __init__(self, exchange: PaperExchange, home: Path) -> None:
        self.exchange = exchange
        self.ma, self.fr = exchange.correspond(MA, home), exchange.correspond(FR, home)
        self.dossier = open_dossier(self.ma, FR)
        self.fr.mailbox.read_feed()
        refusal: dict[str, Any] = {"act": {"grounds": ["essential-interests"]}, "content": {"reasons": "sealed"}}
        reply(self.fr, self.dossier, "refuse", **refusal)
        self.ma.mailbox.read_feed()
        self.message = self.ma.register.messages(self.dossier)[0].message

    def close(self) -> None:
        reply(self.ma, self.dossier, "close")

    def prune(self, after_days: int = KEPT_DAYS, **changes: object) -> None:
        closed_at = self.exchange.now
        self.exchange.pass_time(timedelta(days=after_days).total_seconds())
        fields = {"message": self.message, "dossier": self.dossier, "closed_at": encode_time(closed_at)}
        index = self.exchange.add_leaf("exchange.parts-pruned", **{**fields, "kept_days": KEPT_DAYS, **changes})
        self.tell(index, closed_at=fields["closed_at"])

    def tell(self, leaf_index: int | None, **changes: object) -> None:
        """To whoever asks for the parts."""
        at = encode_time(self.exchange.now)
        told: dict[str, object] = {"message": self.message, "pruned_at": at, "closed_at": at, "kept_days": KEPT_DAYS}
        self.exchange.pruned[self.message] = {**told, **changes, "leaf_index": leaf_index}


@pytest.fixture
def story(exchange: PaperExchange, tmp_path: Path) -> Closed:
    return Closed(exchange, tmp_path / "homes")


def test_the_recipient_hears_when_and_by_which_policy_and_the_sender_opens_its_own(story: Closed) -> None:
    story.prune()
    with pytest.raises(PartPruned, match="for 30 days"):
        story.fr.mailbox.open(story.message)
    assert story.ma.mailbox.open(story.message).content["facts"] == "Money moved."


@pytest.mark.parametrize("member", ["wrap", "kid"])
def test_what_is_left_of_a_message_whose_parts_were_pruned_is_held_against_its_signatures(
    story: Closed, member: str
) -> None:
    story.prune()

    def tamper(path: str, body: bytes) -> bytes:
        if path != f"/v1/messages/{story.message}":
            return body
        told = json.loads(body)
        return json.dumps({**told, member: told[member][:-5] + "AAAAA"}).encode()

    story.exchange.tamper = tamper
    with pytest.raises(MessageUnverified):
        story.fr.mailbox.open(story.message)


def test_parts_that_are_said_to_be_pruned_without_an_entry_are_missed_after_an_hour(story: Closed) -> None:
    for minutes in (0, 59):
        story.exchange.pass_time(60 * minutes)
        story.tell(None)  # at another time, each time anew
        with pytest.raises(PartPruned):
            story.fr.mailbox.open(story.message)
    story.exchange.pass_time(120)
    story.tell(None)
    with pytest.raises(EvidenceInvalid, match="no entry of the ledger says so"):
        story.fr.mailbox.open(story.message)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"leaf_index": 0}, "the entry is a"),
        ({"kept_days": KEPT_DAYS + 1}, "another policy"),
        ({"closed_at": "2026-01-01T00:00:00.000000Z"}, "other times"),
        ({"pruned_at": "2026-01-01T00:00:00.000000Z"}, "other times"),
    ],
)
def test_what_is_told_of_pruned_parts_is_what_the_ledger_says(
    story: Closed, changes: dict[str, object], why: str
) -> None:
    story.prune()
    story.exchange.pruned[story.message] |= changes
    with pytest.raises(EvidenceInvalid, match=why):
        story.fr.mailbox.open(story.message)


def test_an_entry_about_another_message_proves_nothing(story: Closed) -> None:
    story.prune(message="01a20297-4dc0-7098-bea2-38fa4b20245b")
    with pytest.raises(EvidenceInvalid, match="about another message"):
        story.fr.mailbox.open(story.message)


def test_parts_that_went_before_their_days_were_over_are_missed(story: Closed) -> None:
    story.prune(KEPT_DAYS - 1)
    with pytest.raises(EvidenceInvalid, match=f"before {KEPT_DAYS} days were over"):
        story.fr.mailbox.open(story.message)


def test_a_message_is_proven_without_its_parts(story: Closed) -> None:
    story.prune()
    proven = make_bundle(story.fr, story.message).proven
    assert proven.is_sender_proven
    assert proven.sealed_parts == ("body",)
    [own] = make_bundle(story.ma, story.message, ("body",)).proven.documents
    assert b"Money moved." in own.data


def test_an_audit_holds_and_says_what_was_pruned(story: Closed, tmp_path: Path) -> None:
    story.close()
    story.prune()
    report = audit(story.exchange, tmp_path / "ledger")
    assert report.ok, report.differences
    assert report.leaves["exchange.parts-pruned"] == 1


@pytest.mark.parametrize(
    ("close", "after_days", "changes"),
    [
        (False, KEPT_DAYS, {}),
        (True, KEPT_DAYS - 1, {}),
        (True, KEPT_DAYS, {"kept_days": KEPT_DAYS + 1}),
        (True, KEPT_DAYS, {"dossier": "01a20297-4dc0-7098-bea2-38fa4b20245b"}),
    ],
    ids=["open", "early", "another policy", "another dossier"],
)
def test_an_audit_finds_what_was_pruned_against_the_policy(
    story: Closed, tmp_path: Path, close: bool, after_days: int, changes: dict[str, object]
) -> None:
    if close:
        story.close()
    story.prune(after_days, **changes)
    assert found(audit(story.exchange, tmp_path / "ledger")) == {"pruned"}


def test_what_was_pruned_is_told_once(story: Closed, tmp_path: Path) -> None:
    story.close()
    story.prune()
    story.prune()
    assert found(audit(story.exchange, tmp_path / "ledger")) == {"pruned"}
