"""What a refusal must be: a stable code, a clear sentence, and nothing half done.

Rules:
1. Refused at the edge: the answer is the whole effect. No row, no leaf, no entry in any feed.
2. Refused by intake: a receipt, then one decision that the sender can read, one entry in the sender's feed, one leaf.
   No dossier, no leg, nothing in a mailbox, nothing in anybody else's feed.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from shared.apisig.receipts import verify_receipt
from shared.envelope.container import parse_submission
from tests.counterparty import MESSAGES, Answer, Counterparty
from tests.exchange_process import EnrolledExchange
from tests.unit.envelope.workshop import Forgery

RABAT, PARIS, BRUSSELS, MADRID, ROME = "MA.PGR", "FR.BEPI", "BE.PF", "ES.SGCJI", "IT.MG"
DECIDED_WITHIN_S: Final = 60.0
REJECTION: Final = Counter({"decision": 1, "leaf decision.rejected": 1, "ledger_leaf": 1, "feed_entry": 1})
SPENT_ID: Final = Counter({"claim": 1})
_NO_SENTENCE: Final = re.compile(r"[<>{}\n]|Traceback|Error\b|pydantic|None|object at|\.\.$")


class Bench:
    """The exchange under test, and a counterparty per authority."""

    def __init__(self, exchange: EnrolledExchange) -> None:
        self.exchange = exchange
        self._counterparties: dict[str, Counterparty] = {}

    def __getitem__(self, authority: str) -> Counterparty:
        if authority not in self._counterparties:
            self._counterparties[authority] = Counterparty(authority, self.exchange.process.url)
        return self._counterparties[authority]

    def close(self) -> None:
        for one in self._counterparties.values():
            one.close()

    def accepted(self, letter: Forgery) -> Forgery:
        """Send a sound letter and wait until it is decided and delivered."""
        sender = self[letter.header["sender"]]
        assert sender.post(letter).status == 202
        assert self.await_decision(sender, letter.header["id"])["decision"] == "accepted"
        self.exchange.rows.wait_settled()
        return letter

    def await_decision(self, sender: Counterparty, message: str) -> dict[str, Any]:
        until = time.monotonic() + DECIDED_WITHIN_S
        while (decision := sender.decision(message)) is None:
            assert time.monotonic() < until, f"{message} is not decided"
            time.sleep(0.02)
        return decision

    @contextmanager
    def only(self, effects: Counter[str]) -> Iterator[None]:
        """Exactly these new rows and leaves; nothing left in hand, nothing set aside."""
        rows = self.exchange.rows
        rows.wait_settled()
        before = rows.effects()
        yield
        rows.wait_settled()
        after = rows.effects()
        assert after - before == effects
        assert before - after == Counter()
        assert rows.dead_letters() == []

    def assert_rejected(self, submission: Forgery, code: str, *, spends_id: bool = True) -> dict[str, Any]:
        """Intake rejects it with this code. `spends_id`: its signatures verified, so its id is used up."""
        header = submission.header
        sender, message = self[header["sender"]], header["id"]
        others = [one for one in (*header["recipients"], MADRID) if one != header["sender"] and one in self._known()]
        feeds = {one: self[one].feed() for one in others}
        with self.only(REJECTION + SPENT_ID if spends_id else REJECTION):
            answer = sender.post(submission)
            assert answer.status == 202, answer.body
            decision = self.await_decision(sender, message)
        assert (decision["decision"], decision["code"]) == ("rejected", code)
        assert_clear(decision["sentence"])
        self._assert_promised(answer, decision, submission)
        self._assert_told(sender, decision)
        assert {one: self[one].feed() for one in others} == feeds
        for reader in (header["sender"], *others):
            assert self[reader].get(f"{MESSAGES}/{message}").code == "call.not-there"
        return decision

    def _known(self) -> set[str]:
        return set(self.exchange.keys) - {ROME}

    def _assert_promised(self, answer: Answer, decision: dict[str, Any], submission: Forgery) -> None:
        """The receipt that came with 202 is the one that the decision names, and the leaf keeps its promise."""
        receipt = verify_receipt(answer.document["receipt"], self.exchange.trust.receipt_key)
        digest = parse_submission(submission.submission()).digest
        assert (receipt.message, receipt.envelope_sha256) == (submission.header["id"], digest)
        assert decision["receipt"] == answer.document["receipt"]
        leaves = [leaf for leaf in self.exchange.rows.leaves() if leaf["type"].startswith("decision.")]
        leaf = leaves[-1]  # of decisions: what the exchange tells of itself, each minute, may come after it
        assert (leaf["type"], leaf["message"], leaf["code"]) == (
            "decision.rejected",
            submission.header["id"],
            decision["code"],
        )

    def _assert_told(self, sender: Counterparty, decision: dict[str, Any]) -> None:
        entry = sender.feed()[-1]
        assert (entry["type"], entry["message"]) == ("message.rejected", decision["message"])
        assert (entry["data"]["code"], entry["data"]["sentence"]) == (decision["code"], decision["sentence"])


def assert_refused(answer: Answer, status: int, code: str) -> None:
    """A problem document with this status and code, and a sentence that a person can act on."""
    assert (answer.status, answer.code) == (status, code), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert_clear(answer.sentence)


def assert_clear(sentence: str) -> None:
    assert sentence.endswith("."), sentence
    assert _NO_SENTENCE.search(sentence) is None, sentence
    assert len(sentence) < 500, sentence  # room for a list of all types of measures, and for no document
