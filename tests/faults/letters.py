"""The letters that are sent while something breaks, and what one letter must leave when nothing did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from client.auditor import verify_ledger
from client.composition import Composed, ReplyWish
from client.correspondence import Correspondence
from client.register_rows import DecisionKept
from client.request_file import RequestFile
from client.sealing import Attachment
from shared.domain.ids import encode_time
from shared.errors import Transient
from tests.exchange_process import EnrolledExchange, now

RABAT, PARIS, BRUSSELS, MADRID = "MA.PGR", "FR.BEPI", "BE.PF", "ES.SGCJI"
ATTACHMENT: Final = Attachment("virements.csv", "text/csv", b"date,montant\n2026-02-01,312400\n")


@dataclass(frozen=True)
class Prepared:
    """A stopped exchange, the dossier that is open on it, and the message that opened it."""

    exchange: EnrolledExchange
    dossier: str
    opening: str


@dataclass(frozen=True)
class Letter:
    """A message that is sealed and stored at its sender, not sent yet."""

    sender: str
    recipients: tuple[str, ...]
    dossier: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """Everything that the exchange has to show for what happened since `before`."""

    effects: Counter[str]
    feeds: dict[str, list[str]]
    """Party → the types of its new entries, in their order."""
    versions: dict[tuple[str, str], int]
    """(dossier, requested) → version of the leg."""


def open_dossier(exchange: EnrolledExchange) -> Prepared:
    """Rabat asks Paris and Brussels; Paris has fetched the request."""
    letter = write_request(exchange)
    assert send(exchange, letter) == "accepted"
    exchange.rows.wait_settled()
    exchange.correspondence(PARIS).mailbox.read_feed(0)
    return Prepared(exchange, letter.dossier, letter.message)


def write_request(exchange: EnrolledExchange, life_s: float | None = None) -> Letter:
    """Rabat asks Paris and Brussels for bank data: a dossier with two legs. Expires after `life_s`, or in a week."""
    rabat = exchange.correspondence(RABAT)
    request = RequestFile.model_validate(
        {
            "v": 1,
            "instrument": "quadripartite",
            "measures": {"M1": {"type": "bank-data", "target": "Atlas Négoce"}},
            "act": {"deadline": (now() + timedelta(days=30)).date().isoformat()},
            "content": {
                "requesting_authority": "Parquet général de Rabat",
                "subject_matter": "Blanchiment",
                "nature_of_proceeding": "Information judiciaire",
                "conducting_authority": "Le juge d'instruction",
                "facts": "Des virements sans cause vers deux comptes à l'étranger",
                "assistance_sought": "Les relevés des comptes",
                "purpose": "Preuve au procès",
                "deadline_reasons": "Audience fixée",
            },
        }
    )
    composed = rabat.compose_request(request, [PARIS, BRUSSELS], None)
    if life_s is not None:
        expires_at = encode_time(composed.header.sent + timedelta(seconds=life_s))
        composed = replace(composed, header=composed.header.model_copy(update={"expires_at": expires_at}))
    return _store(rabat, composed, [ATTACHMENT])


def write_acknowledgement(exchange: EnrolledExchange, dossier: str) -> Letter:
    """Paris acknowledges the request: its leg moves, Brussels' does not."""
    paris = exchange.correspondence(PARIS)
    return _store(paris, paris.compose_reply(dossier, ReplyWish("acknowledge", {}, {})), [])


def send(exchange: EnrolledExchange, letter: Letter) -> str | None:
    """Send it and wait for its decision: `accepted` or the code of the refusal; None when the exchange was gone
    before there was any."""
    outbox = exchange.correspondence(letter.sender).outbox
    try:
        outbox.send(letter.message)
        decision = outbox.await_decision(letter.message, exchange.patience_s)
    except Transient:
        return None
    return _said(decision)


def resume(exchange: EnrolledExchange, letter: Letter) -> str | None:
    """What a client does after an interruption: send again what has no receipt, then wait for the decision."""
    outbox = exchange.correspondence(letter.sender).outbox
    refused = {message: error for message, error in outbox.resume().items() if error is not None}
    assert not refused, refused
    return _said(outbox.await_decision(letter.message, exchange.patience_s))


def outcome_since(exchange: EnrolledExchange, prepared: Prepared) -> Outcome:
    """All new effects. The database must be at rest."""
    before = prepared.exchange.rows
    heads = {row["authority"]: row["position"] for row in before.rows("SELECT * FROM feed_head")}
    feeds: dict[str, list[str]] = {}
    for row in exchange.rows.rows("SELECT authority, position, type FROM feed_entry ORDER BY authority, position"):
        party, position = row["authority"], row["position"]
        if position > heads.get(party, 0):
            feeds.setdefault(party, []).append(row["type"])
            assert position == heads.get(party, 0) + len(feeds[party]), f"the feed of {party} has a gap"
    legs = exchange.rows.rows("SELECT dossier, requested, version FROM leg")
    return Outcome(
        effects=exchange.rows.effects() - before.effects(),
        feeds=feeds,
        versions={(row["dossier"], row["requested"]): row["version"] for row in legs},
    )


def assert_one_effect(exchange: EnrolledExchange, prepared: Prepared, letter: Letter) -> None:
    """The letter was decided once, delivered once and told once, and the ledger says so and verifies."""
    exchange.rows.wait_settled()
    outcome = outcome_since(exchange, prepared)
    assert exchange.rows.dead_letters() == []
    expected = expected_outcome(letter, prepared)
    assert outcome.effects == expected.effects
    assert outcome.feeds == expected.feeds
    assert outcome.versions == expected.versions
    assert_ledger_verifies(exchange)
    assert_read(exchange, letter)


def assert_ledger_verifies(exchange: EnrolledExchange) -> None:
    report = verify_ledger(exchange.ledger(), exchange.trust, workers=0)
    assert report.ok, report.differences


def assert_read(exchange: EnrolledExchange, letter: Letter) -> None:
    """Every recipient fetches it through its feed, verifies and opens it."""
    for party in letter.recipients:
        reader = exchange.correspondence(party)
        news = reader.mailbox.read_feed(0)
        assert (news.alarms, news.gaps, news.forks) == ((), (), ())
        assert reader.mailbox.open(letter.message).header.id == letter.message


def expected_outcome(letter: Letter, prepared: Prepared) -> Outcome:
    """What one letter leaves when nothing breaks, written down by hand; a test holds an undisturbed run against it."""
    count = len(letter.recipients)
    effects = Counter(
        {
            "claim": 1,
            "decision": 1,
            "leaf decision.accepted": 1,
            "envelope": 1,
            "mailbox": 1 + count,
            "part": 1,
            "part_chunk": 1,
            "evidence": count,
            "leaf evidence.delivery": count,
            "ledger_leaf": 1 + count,
            "feed_entry": 2 + count,
        }
    )
    feeds = {letter.sender: ["message.accepted", "message.delivered"]}
    feeds |= {party: ["message.received"] for party in letter.recipients}
    versions = {(prepared.dossier, PARIS): 1, (prepared.dossier, BRUSSELS): 1}
    if letter.dossier == prepared.dossier:
        versions[prepared.dossier, PARIS] = 2
    else:
        effects.update({"dossier": 1, "leg": 2, "part": 1, "part_chunk": 1})
        versions |= {(letter.dossier, PARIS): 1, (letter.dossier, BRUSSELS): 1}
    return Outcome(effects, feeds, versions)


def _said(decision: DecisionKept | None) -> str | None:
    return None if decision is None else decision.code or decision.decision


def _store(sender: Correspondence, composed: Composed, attachments: list[Attachment]) -> Letter:
    header = composed.header
    message = sender.seal_and_store(composed, attachments)
    return Letter(header.sender, header.recipients, header.dossier, message)


Write = Callable[[EnrolledExchange, Prepared], Letter]
LETTERS: Final[dict[str, Write]] = {
    "request": lambda exchange, prepared: write_request(exchange),
    "acknowledgement": lambda exchange, prepared: write_acknowledgement(exchange, prepared.dossier),
}
