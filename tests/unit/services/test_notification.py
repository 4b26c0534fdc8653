"""Notification: who hears what. Each party reads of its own leg only, at positions without a gap."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.notification.handler import NotificationHandler
from services.notification.policy import news_of
from services.routing.handler import RoutingHandler
from shared.contracts.messages import (
    ClockStruck,
    EnvelopeAdmitted,
    EnvelopeDecided,
    EnvelopeDelivered,
    FeedAdvanced,
    RetrievalRecorded,
    ServiceMessage,
)
from shared.contracts.records import FeedEntry, FeedHead
from shared.domain.ids import encode_time
from shared.envelope.container import parse_submission
from tests.unit.envelope.workshop import NOW
from tests.unit.services.desk import (
    BE,
    FR,
    MA,
    Desk,
    digest_of,
    feed_of,
    intake,
    new_id,
    opened_by,
    reply,
    request,
    submit,
)


def events_of(submission: bytes, first: bytes | None = None) -> list[ServiceMessage]:
    """What notification hears of this message: intake's decision, then routing's delivery."""
    desk = intake() if first is None else opened_by(first)
    decided, *passed_on = desk.handle(submit(submission, parse_submission(submission).header.sender)).publishes
    assert isinstance(decided, EnvelopeDecided)
    delivered = [one for admitted in passed_on for one in Desk(RoutingHandler()).handle(admitted).publishes]
    return [decided, *delivered]


def a_retrieval(sender: str = MA, recipient: str = BE) -> RetrievalRecorded:
    at = encode_time(NOW)
    return RetrievalRecorded(message=new_id(), dossier=new_id(), sender=sender, recipient=recipient, retrieved_at=at)


def test_the_sender_reads_of_acceptance_and_delivery_with_all_legs() -> None:
    submission = request()
    accepted, delivered = feed_of(events_of(submission), MA)
    assert (accepted.type, delivered.type) == ("message.accepted", "message.delivered")
    assert [leg["leg"] for leg in accepted.data["legs"]] == [BE, FR]
    assert delivered.data == {"recipients": [BE, FR]}
    assert accepted.data["digest"] == digest_of(submission)


@pytest.mark.parametrize("recipient", [BE, FR])
def test_a_recipient_reads_of_its_own_leg_and_of_no_other_party(recipient: str) -> None:
    submission = request()
    [entry] = feed_of(events_of(submission), recipient)
    assert entry.type == "message.received"
    assert (entry.data["sender"], entry.data["kind"], entry.data["digest"]) == (MA, "request", digest_of(submission))
    assert [leg["leg"] for leg in entry.data["legs"]] == [recipient]
    other = FR if recipient == BE else BE
    assert other not in str(entry.data)


def test_both_sides_of_a_leg_read_of_its_new_state_and_the_other_legs_read_nothing() -> None:
    first = request()
    events = events_of(reply(first, "accept", BE), first)
    [received] = feed_of(events, MA)
    assert received.type == "message.received"
    assert received.data["legs"] == [{"leg": BE, "status": "accepted", "measures": {"M1": "accepted"}}]
    assert [entry.type for entry in feed_of(events, BE)] == ["message.accepted", "message.delivered"]
    assert feed_of(events, FR) == []


def test_the_answer_of_the_requesting_party_is_read_on_the_leg_that_it_concerns() -> None:
    first = request()
    desk = opened_by(first)
    question = reply(first, "ask-information", BE, act={"due": "2026-12-01"})
    desk.handle(submit(question, BE))
    answer = reply(first, "supply-information", MA, seen=digest_of(question), in_reply_to=new_id())
    [admitted] = [one for one in desk.handle(submit(answer)).publishes if isinstance(one, EnvelopeAdmitted)]
    [entry] = feed_of(Desk(RoutingHandler()).handle(admitted).publishes, BE)
    assert (entry.type, [leg["leg"] for leg in entry.data["legs"]]) == ("message.received", [BE])


def test_a_rejection_is_read_by_the_sender_alone_with_its_code_and_its_particulars() -> None:
    first = request()
    events = events_of(reply(first, "accept", BE, seen="A" * 43), first)
    [entry] = feed_of(events, BE)
    assert (entry.type, entry.data["code"], entry.data["facts"]) == ("message.rejected", "dossier.stale", {"leg": BE})
    assert "has not seen" in entry.data["sentence"]
    assert feed_of(events, MA) == []


def test_a_retrieval_is_read_by_the_sender_alone() -> None:
    event = a_retrieval()
    [entry] = feed_of([event], MA)
    assert (entry.type, entry.message, entry.data) == ("message.retrieved", event.message, {"recipient": BE})
    assert feed_of([event], BE) == []


def test_positions_count_up_in_each_feed_and_end_at_its_head() -> None:
    desk = Desk(NotificationHandler())
    for number in range(1, 4):
        effects = desk.handle(a_retrieval())
        assert effects.wakes == {MA}
        [entry] = [row for row in effects.inserts if isinstance(row, FeedEntry)]
        assert entry.position == number
    desk.handle(a_retrieval(sender=BE))
    assert desk.of(FeedHead) == [FeedHead(MA, 3), FeedHead(BE, 1)]


def test_a_delivery_wakes_everybody_who_has_news() -> None:
    [delivered] = [one for one in events_of(request()) if isinstance(one, EnvelopeDelivered)]
    assert Desk(NotificationHandler()).handle(delivered).wakes == {MA, BE, FR}


def test_every_feed_that_is_written_is_locked_before() -> None:
    """Without the lock on the head two entries could get one position, or a position without its predecessor."""
    for event in (*events_of(request()), a_retrieval()):
        asked = {key.values[0] for key in NotificationHandler().needs(event) if key.record is FeedHead}
        assert asked == {news.authority for news in news_of(event)}


def test_notification_takes_the_events_of_its_queue_and_no_other() -> None:
    with pytest.raises(TypeError, match="feed-advanced"):
        Desk(NotificationHandler()).handle(FeedAdvanced(authorities=(MA,)))


def test_news_without_a_time_that_can_be_read_never_reaches_a_feed() -> None:
    [news] = news_of(a_retrieval())
    with pytest.raises(ValueError, match="time"):
        replace(news, at="yesterday")


def test_a_clock_event_is_told_to_those_whom_it_names_and_to_nobody_else() -> None:
    at = encode_time(NOW)
    struck = ClockStruck(
        event="overdue",
        falls=at,
        dossier=new_id(),
        leg=BE,
        message=new_id(),
        debtor=BE,
        measures=("M1",),
        owed="decide",
        basis="law",
        due=at,
        calendar="be.1",
        struck_at=at,
        tell=(MA, BE),
    )
    for authority in (MA, BE):
        [entry] = feed_of([struck], authority)
        assert (entry.type, entry.message, entry.dossier) == ("clock.overdue", struck.message, struck.dossier)
        told = {"leg": BE, "debtor": BE, "owed": "decide", "basis": "law", "due": at, "falls": at, "calendar": "be.1"}
        assert entry.data == {**told, "measures": ["M1"]}
    assert feed_of([struck], FR) == []
    assert feed_of([struck.model_copy(update={"owed": None})], MA)[0].data.keys() >= {"leg", "debtor"}
