"""What came from one party goes to no other without its permission; for what it may be used is told with it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from client import provenance
from client.composition import ReplyWish
from client.correspondence import Correspondence
from client.provenance import note_documents
from client.sealing import Attachment
from client.use_notes import permissions_for, use_notes
from shared.errors import ActMalformed, DeskUnusable, HeaderInconsistent, IllegalMove, OnwardNotPermitted
from tests.unit.client.letters import BE, CONTENT, FR, MA, a_request, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange

RESULT = Attachment("result.pdf", "application/pdf", b"%PDF of Paris")
TWO = {name: {"type": "bank-data", "target": "an account"} for name in ("M1", "M2")}
DONE = {"outcomes": {"M1": "executed"}}


class Play:
    """Paris gave Rabat a document; Brussels is asked in the same dossier and in others."""

    def __init__(self, exchange: PaperExchange, home: Path) -> None:
        self.exchange = exchange
        self.ma, self.fr, self.be = (exchange.correspond(one, home) for one in (MA, FR, BE))
        self.dossier = open_dossier(self.ma, FR, BE)
        self.fr.mailbox.read_feed()
        self.be.mailbox.read_feed()
        self.result = self.say(self.fr, "deliver-result", DONE, {"result": "done"}, FR, RESULT)
        self.ma.mailbox.read_feed()
        self.ma.mailbox.open(self.result)

    def say(self, one: Correspondence, kind: str, act: object, content: object, leg: str, *files: Attachment) -> str:
        composed = one.compose_reply(self.dossier, ReplyWish(kind, act, content), leg)  # type: ignore[arg-type]  # short
        message = one.seal_and_store(composed, files)
        one.outbox.send(message)
        assert self.exchange.decisions[message]["decision"] == "accepted"
        return message

    def asks(self, *measures: str, **act: object) -> None:
        whole = {"purposes": ["civil", "evidence"], **act}
        wish = ReplyWish("ask-use-permission", whole, {"use": "a trial"}, measures)
        self.ma.outbox.send(self.ma.seal_and_store(self.ma.compose_reply(self.dossier, wish, FR), ()))
        self.fr.mailbox.read_feed()

    def passes_on(self) -> str:
        """To Brussels, as an attachment of a new request."""
        composed = self.ma.compose_request(a_request(), (BE,), "quadripartite")
        return self.ma.seal_and_store(composed, (RESULT,))


@pytest.fixture
def play(exchange: PaperExchange, tmp_path: Path) -> Play:
    return Play(exchange, tmp_path)


def test_a_document_of_anothers_goes_to_no_third_party_under_no_name(play: Play) -> None:
    with pytest.raises(OnwardNotPermitted, match=r"came from FR.BEPI .* BE.PF gets it"):
        play.passes_on()
    renamed = Attachment("ours.bin", "application/octet-stream", RESULT.data)
    questions = {"questions": "Is this yours?"}
    composed = play.be.compose_reply(play.dossier, ReplyWish("ask-information", {"due": "2027-01-31"}, questions), BE)
    play.be.outbox.send(play.be.seal_and_store(composed, ()))
    play.ma.mailbox.read_feed()
    with pytest.raises(OnwardNotPermitted):  # another leg of the same dossier is another party
        play.say(play.ma, "supply-information", {}, {"answers": "this"}, BE, renamed)


def test_it_goes_back_to_whoever_gave_it_and_ones_own_goes_anywhere(play: Play) -> None:
    play.say(play.ma, "query-result", {}, {"questions": "page 2?"}, FR, RESULT)
    own = Attachment("own.txt", "text/plain", b"ours")
    for recipient in (FR, BE):
        play.ma.seal_and_store(play.ma.compose_request(a_request(), (recipient,), "quadripartite"), (own,))


def test_only_a_permission_for_this_recipient_lets_it_go(play: Play) -> None:
    play.asks()
    play.say(play.fr, "answer-use-permission", {"granted": ["civil", "evidence"]}, {}, FR)
    play.ma.mailbox.read_feed()
    with pytest.raises(OnwardNotPermitted):  # for its own use
        play.passes_on()
    play.asks(to=BE)
    with pytest.raises(OnwardNotPermitted):  # asked for, and not answered
        play.passes_on()
    play.say(play.fr, "answer-use-permission", {"granted": ["evidence"], "declined": ["civil"]}, {}, FR)
    with pytest.raises(OnwardNotPermitted):  # answered, and not read here
        play.passes_on()
    play.ma.mailbox.read_feed()
    assert play.passes_on()


@pytest.mark.parametrize(
    "act",
    [
        {"granted": ["civil"]},
        {"granted": ["civil", "evidence"], "declined": ["civil"]},
        {"granted": ["civil", "evidence", "statistics"]},
        {"granted": ["civil", "evidence"], "to": BE},
    ],
)
def test_an_answer_that_does_not_fit_its_question_is_not_sealed(play: Play, act: dict[str, object]) -> None:
    play.asks()
    with pytest.raises(ActMalformed):
        play.say(play.fr, "answer-use-permission", act, {}, FR)


def test_use_permissions_and_protection_are_told_with_the_message_and_names_are_not(play: Play) -> None:
    play.asks()
    play.say(play.fr, "answer-use-permission", {"granted": ["evidence"], "declined": ["civil"]}, {}, FR)
    play.ma.mailbox.read_feed()
    header = play.ma.mailbox.open(play.result).header
    messages = play.ma.register.messages(play.dossier)
    content = {"protected_persons": [{"name": "N. N.", "category": "minor"}, {"name": "P. P.", "category": "minor"}, 7]}
    told = list(use_notes(header, content, permissions_for(header, messages), "en"))
    assert told[0].startswith("Used for what it was given for")
    assert told[1].startswith("Permitted besides: Use as evidence in court (FR.BEPI, ")
    assert told[2].startswith("Protected persons: Minor (2), Other (1).")
    assert "N. N." not in " ".join(told)
    request = play.ma.mailbox.open(play.ma.leg(play.dossier, FR).request).header
    assert permissions_for(request, messages) == ()
    limited = use_notes(request, {**CONTENT, "use_limitation": "The trial of A. only"}, (), "fr")
    assert next(limited) == "The trial of A. only"


def test_an_answer_that_nobody_waits_for_is_told_as_that(play: Play) -> None:
    with pytest.raises(HeaderInconsistent, match="nothing is owed on this leg that answer-use-permission would answer"):
        play.say(play.fr, "answer-use-permission", {"granted": ["civil"]}, {}, FR)
    with pytest.raises(IllegalMove, match="accept-conditions is not possible"):
        play.say(play.ma, "accept-conditions", {}, {}, FR)


def test_what_was_permitted_years_ago_is_found_in_what_was_read(play: Play) -> None:
    play.say(play.ma, "close", {}, {}, FR)
    play.fr.mailbox.read_feed()
    play.asks(to=BE)
    play.say(play.fr, "answer-use-permission", {"granted": ["civil", "evidence"]}, {}, FR)
    play.ma.mailbox.read_feed()
    assert play.passes_on()
    assert reply(play.be, play.dossier, "acknowledge", BE)


def test_a_permission_for_one_measure_lets_nothing_of_another_go(play: Play) -> None:
    composed = play.ma.compose_request(a_request(measures=TWO), (FR,), "quadripartite")
    play.ma.outbox.send(play.ma.seal_and_store(composed, ()))
    play.dossier = composed.header.dossier
    play.fr.mailbox.read_feed()
    wish = ReplyWish("deliver-result", DONE, {"result": "done"}, ("M1",))
    other = Attachment("m1.pdf", "application/pdf", b"%PDF of M1")
    came = play.fr.seal_and_store(play.fr.compose_reply(play.dossier, wish, FR), (other,))
    play.fr.outbox.send(came)
    play.ma.mailbox.read_feed()
    play.ma.mailbox.open(came)
    for measure in ("M2", "M1"):
        play.asks(measure, to=BE)
        play.fr.mailbox.read_feed()
        play.say(play.fr, "answer-use-permission", {"granted": ["civil", "evidence"]}, {}, FR)
        play.ma.mailbox.read_feed()
        with pytest.raises(OnwardNotPermitted) if measure == "M2" else nullcontext():
            play.ma.seal_and_store(play.ma.compose_request(a_request(), (BE,), "quadripartite"), (other,))


def test_what_was_refused_before_it_was_sent_made_no_document_ones_own(play: Play) -> None:
    composed = play.ma.compose_request(a_request(), (BE,), "quadripartite")
    other = Attachment("report.pdf", "application/pdf", b"%PDF of Paris, later")
    ours = {**composed.content, "approvals": {}}
    with pytest.raises(DeskUnusable):
        play.ma.seal_and_store(replace(composed, content=ours), (other,))
    note_documents(play.ma.register, composed.header.id, [other.data])  # and if it was killed before it was stored
    play.dossier = open_dossier(play.ma, FR)
    play.fr.mailbox.read_feed()
    came = play.say(play.fr, "deliver-result", DONE, {"result": "more"}, FR, other)
    play.ma.mailbox.read_feed()
    play.ma.mailbox.open(came)
    with pytest.raises(OnwardNotPermitted):
        play.ma.seal_and_store(play.ma.compose_request(a_request(), (BE,), "quadripartite"), (other,))


def test_a_document_that_came_twice_goes_on_by_the_permission_for_either(play: Play) -> None:
    first = play.dossier
    play.dossier = open_dossier(play.ma, FR)
    play.fr.mailbox.read_feed()
    again = play.say(play.fr, "deliver-result", DONE, {"result": "the same"}, FR, RESULT)
    play.ma.mailbox.read_feed()
    for _ in range(2):  # however often it is opened
        play.ma.mailbox.open(again)
    with pytest.raises(OnwardNotPermitted, match=again):  # by either
        play.passes_on()
    play.asks(to=BE)
    play.say(play.fr, "answer-use-permission", {"granted": ["civil", "evidence"]}, {}, FR)
    play.ma.mailbox.read_feed()
    assert play.passes_on()
    play.dossier = open_dossier(play.ma, FR)  # a third time, of which nothing is permitted
    play.fr.mailbox.read_feed()
    third = play.say(play.fr, "deliver-result", DONE, {"result": "the same"}, FR, RESULT)
    play.ma.mailbox.read_feed()
    play.ma.mailbox.open(third)
    assert play.passes_on()
    play.dossier = first
    play.say(play.ma, "query-result", {}, {"questions": "page 2?"}, FR, RESULT)


def test_of_a_document_that_goes_with_every_letter_the_first_message_and_the_newest_are_kept(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "MOST_MESSAGES", 3)
    noted: dict[str, str] = {}
    monkeypatch.setattr(play.ma.register, "note_fact", noted.__setitem__)
    monkeypatch.setattr(
        play.ma.register, "fact", lambda name: noted.get(name, "00" if name == "document-salt" else None)
    )
    messages = [play.result, *(one.message for one in play.ma.register.messages(play.dossier))]
    others = [open_dossier(play.ma, FR) for _ in range(4)]
    messages += [one.message for dossier in others for one in play.ma.register.messages(dossier)]
    for message in messages:
        note_documents(play.ma.register, message, [b"annex"])
    [kept] = [value for name, value in noted.items() if name.startswith("document:")]
    assert kept.split() == [play.result, *messages[-2:]]
