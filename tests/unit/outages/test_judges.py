"""The judges of outages, on recorded histories: what is well is passed, and each harm is seen as such."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace

import pytest

from tests.outages.findings import Finding, Harm
from tests.outages.history import Call, FeedRead, Fetch, History, Submission
from tests.outages.judges import Leaves, Window, judge_answers, judge_effects, judge_feeds
from tests.outages.rows import FeedRow, Rows

RABAT, PARIS, BRUSSELS = "MA.PGR", "FR.BEPI", "BE.PF"
GOOD, BAD, STRAY = "m-accepted", "m-rejected", "m-refused-at-the-edge"


def call(party: str = RABAT, status: int | None = 200, took_s: float = 0.1, says_when: bool = False) -> Call:
    return Call(party, "POST", "/v1/messages", 100.0, 100.0 + took_s, status, says_when)


def posted(message: str, status: int | None, receipt: str | None = None) -> Submission:
    decision = "accepted" if status == 200 else None
    return Submission(
        call(RABAT, status), message, f"d-{message}", RABAT, (PARIS, BRUSSELS), "dossier", receipt, decision
    )


@dataclass
class Story:
    """One message accepted and repeated, fetched by Paris; one rejected; one refused at the edge. All is well."""

    history: History
    rows: Rows
    leaves: Leaves

    def findings(self) -> list[Finding]:
        return judge_effects(self.history, self.rows, self.leaves) + judge_feeds(self.history, self.rows)

    def harms(self) -> set[Harm]:
        return {finding.harm for finding in self.findings()}


@pytest.fixture
def story() -> Story:
    feed = [
        FeedRow(RABAT, 1, "message.accepted", GOOD, ""),
        FeedRow(RABAT, 2, "message.delivered", GOOD, ""),
        FeedRow(RABAT, 3, "message.rejected", BAD, ""),
        FeedRow(RABAT, 4, "message.retrieved", GOOD, PARIS),
        FeedRow(PARIS, 1, "message.received", GOOD, ""),
        FeedRow(BRUSSELS, 1, "message.received", GOOD, ""),
    ]
    decisions = Counter({(GOOD, f"d-{GOOD}", "accepted"): 1, (BAD, f"d-{BAD}", "rejected"): 1})
    evidences = Counter([("delivery", GOOD, PARIS), ("delivery", GOOD, BRUSSELS), ("retrieval", GOOD, PARIS)])
    rows = Rows(
        claims=Counter({GOOD: 1, BAD: 1}),
        decisions=decisions,
        receipts={(GOOD, f"d-{GOOD}"): "r1", (BAD, f"d-{BAD}"): "r2"},
        envelopes=Counter({GOOD: 1}),
        mailboxes=Counter([(RABAT, GOOD), (PARIS, GOOD), (BRUSSELS, GOOD)]),
        evidences=evidences,
        feed=tuple(feed),
        heads={RABAT: 4, PARIS: 1, BRUSSELS: 1},
        dead_letters=(),
    )
    history = History(
        submissions=[posted(GOOD, 202, "r1"), posted(GOOD, 200, "r1"), posted(BAD, 202, "r2"), posted(STRAY, 422)],
        fetches=[Fetch(call(PARIS, None), GOOD), Fetch(call(PARIS, 200), GOOD), Fetch(call(BRUSSELS, 503), GOOD)],
        feeds=[
            FeedRead(call(RABAT), 0, {1: ("message.accepted", GOOD), 2: ("message.delivered", GOOD)}),
            FeedRead(call(RABAT), 2, {3: ("message.rejected", BAD), 4: ("message.retrieved", GOOD)}),
        ],
    )
    return Story(history, rows, Leaves(decisions.copy(), evidences.copy()))


def without(rows: Rows, feed: Callable[[FeedRow], bool]) -> Rows:
    """Without these entries, and numbered anew, as if they had never been written."""
    kept: list[FeedRow] = []
    for row in rows.feed:
        if not feed(row):
            place = sum(one.authority == row.authority for one in kept) + 1
            kept.append(replace(row, position=place))
    return replace(rows, feed=tuple(kept), heads=dict(Counter(row.authority for row in kept)))


def test_a_story_in_which_all_is_well_is_passed(story: Story) -> None:
    assert story.findings() == []


def test_a_message_that_was_taken_and_never_decided_is_lost(story: Story) -> None:
    story.history.submissions.append(posted("m-taken", 202, "r3"))
    assert story.harms() == {Harm.lost}


def test_a_message_without_an_answer_may_be_decided_or_not(story: Story) -> None:
    story.history.submissions += [posted("m-unanswered", None), posted("m-busy", 503)]
    story.history.submissions.append(posted(BAD, None))
    assert story.findings() == []


def test_a_message_that_was_refused_and_decided_all_the_same_is_seen(story: Story) -> None:
    key = (STRAY, f"d-{STRAY}", "rejected")
    story.rows.decisions[key] = story.leaves.decisions[key] = 1
    assert Harm.wrong in story.harms()


def test_a_decision_on_what_nobody_sent_is_seen(story: Story) -> None:
    key = ("m-from-nowhere", "d", "rejected")
    story.rows.decisions[key] = story.leaves.decisions[key] = 1
    assert Harm.wrong in story.harms()


def test_a_message_that_was_accepted_and_rejected_was_decided_twice(story: Story) -> None:
    key = (GOOD, f"d-{GOOD}", "rejected")
    story.rows.decisions[key] = story.leaves.decisions[key] = 1
    assert Harm.duplicated in story.harms()


@pytest.mark.parametrize("what", ["decisions", "evidences"])
def test_leaves_are_held_against_rows(what: str, story: Story) -> None:
    leaves: Counter[tuple[str, str, str]] = getattr(story.leaves, what)
    doubled, missing = deepcopy(story), deepcopy(story)
    key = next(iter(leaves))
    getattr(doubled.leaves, what)[key] += 1
    del getattr(missing.leaves, what)[key]
    assert (doubled.harms(), missing.harms()) == ({Harm.duplicated}, {Harm.lost})


def test_a_decision_after_its_deadline_is_seen(story: Story) -> None:
    story.leaves = replace(story.leaves, late=(GOOD,))
    assert story.harms() == {Harm.wrong}


@pytest.mark.parametrize("what", ["envelopes", "mailboxes", "evidences"])
def test_an_effect_that_is_missing_is_lost(what: str, story: Story) -> None:
    counts = getattr(story.rows, what)
    del counts[next(iter(counts))]
    assert story.harms() == {Harm.lost}


@pytest.mark.parametrize("type_", ["accepted", "delivered", "received", "rejected", "retrieved"])
def test_an_entry_that_is_missing_in_a_feed_is_lost(type_: str, story: Story) -> None:
    story.history.feeds.clear()
    story.rows = without(story.rows, lambda row: row.type == f"message.{type_}")
    assert story.harms() == {Harm.lost}


@pytest.mark.parametrize("type_", ["accepted", "delivered", "received", "rejected", "retrieved"])
def test_an_entry_that_stands_twice_in_a_feed_is_duplicated(type_: str, story: Story) -> None:
    row = next(row for row in story.rows.feed if row.type == f"message.{type_}")
    again = replace(row, position=story.rows.heads[row.authority] + 1)
    heads = story.rows.heads | {row.authority: again.position}
    story.rows = replace(story.rows, feed=(*story.rows.feed, again), heads=heads)
    assert story.harms() == {Harm.duplicated}


def test_a_copy_for_somebody_who_is_no_recipient_is_seen(story: Story) -> None:
    story.rows.mailboxes["ES.SGCJI", GOOD] = 1
    assert story.harms() == {Harm.wrong}


def test_a_fetch_that_was_answered_without_evidence_is_seen(story: Story) -> None:
    story.history.fetches.append(Fetch(call(BRUSSELS, 200), GOOD))
    assert story.harms() == {Harm.lost}


def test_an_evidence_of_a_fetch_that_nobody_made_is_seen(story: Story) -> None:
    story.history.fetches.clear()
    assert story.harms() == {Harm.wrong}


def test_a_repeat_with_another_receipt_is_seen(story: Story) -> None:
    story.history.submissions.append(posted(GOOD, 200, "another"))
    assert story.harms() == {Harm.wrong}


def test_a_decision_that_names_a_receipt_nobody_was_given_is_seen(story: Story) -> None:
    story.rows.receipts[BAD, f"d-{BAD}"] = "another"
    assert story.harms() == {Harm.wrong}


def test_a_gap_in_a_feed_is_seen(story: Story) -> None:
    story.history.feeds.clear()
    moved = tuple(replace(row, position=5) if row.position == 4 else row for row in story.rows.feed)
    story.rows = replace(story.rows, feed=moved)
    assert Harm.lost in story.harms()


def test_a_feed_that_went_back_is_seen(story: Story) -> None:
    story.history.feeds.append(FeedRead(call(RABAT, took_s=5), 2, {}))
    assert story.harms() == {Harm.wrong}


def test_a_feed_that_was_read_otherwise_than_it_is_written_is_seen(story: Story) -> None:
    story.history.feeds.append(FeedRead(call(PARIS), 0, {1: ("message.received", BAD)}))
    assert story.harms() == {Harm.wrong}


@pytest.mark.parametrize(
    ("made", "harms"),
    [
        (call(status=202), []),
        (call(status=422), []),
        (call(status=503, says_when=True), []),
        (call(status=503), [Harm.wrong]),
        (call(status=500), [Harm.wrong]),
        (call(status=None), [Harm.wrong]),
        (call(status=202, took_s=11), [Harm.stuck]),
        (call(status=None, took_s=40), [Harm.stuck, Harm.wrong]),
    ],
)
def test_every_call_is_answered_in_time(made: Call, harms: list[Harm]) -> None:
    assert [finding.harm for finding in judge_answers([made], [])] == harms


def test_a_call_to_a_gateway_that_died_meanwhile_may_break() -> None:
    assert judge_answers([call(status=None)], [Window(99, 100.05)]) == []
    assert judge_answers([call(status=None)], [Window(98, 99)]) != []
