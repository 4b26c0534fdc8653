"""The dossiers of a year: who sends what when, and what must be heard because of it. Each begins at a chance moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.legal_year.table import (
    MADRID,
    PARIS,
    RABAT,
    Heard,
    around,
    law_day,
    midnight_after,
    roll,
    silent,
    target,
    until,
)

MA, FR, ES = "MA.PGR", "FR.BEPI", "ES.SGCJI"


@dataclass
class Step:
    """A message on the leg; a request opens it."""

    at: datetime
    kind: str
    sender: str
    act: dict[str, Any] = field(default_factory=dict)


@dataclass
class Story:
    name: str
    asker: str
    asked: str
    instrument: str
    steps: list[Step]
    heard: list[Heard]
    urgency: str = "routine"
    profile: str = "mla-request"
    measure: str = "bank-data"


def _days(chance: random.Random, least: int, most: int) -> timedelta:
    return timedelta(days=chance.randint(least, most), minutes=chance.randint(0, 1439))


def order_never_answered(chance: random.Random, at: datetime) -> Story:
    """EIO 16(1): a week to acknowledge; 12(3): thirty days to decide. Nobody does anything."""
    heard = around("acknowledge", "law", MADRID, law_day(MADRID, at, 7), at)
    heard += around("decide", "law", MADRID, law_day(MADRID, at, 30), at)
    return Story("order-never-answered", FR, ES, "eio", [Step(at, "request", FR)], heard)


def order_extended(chance: random.Random, at: datetime) -> Story:
    """EIO 12(5): one extension of at most thirty days, with an estimate; 12(4): ninety days from the decision."""
    acknowledged = at + _days(chance, 1, 4)
    delayed = acknowledged + _days(chance, 5, 15)
    estimate = at.date() + timedelta(days=chance.randint(35, 80))
    limit = min(estimate, at.date() + timedelta(days=60))
    accepted = delayed + _days(chance, 50, 80)
    steps = [Step(at, "request", FR), Step(acknowledged, "acknowledge", ES)]
    steps += [Step(delayed, "report-delay", ES, {"estimate": estimate.isoformat()}), Step(accepted, "accept", ES)]
    heard = until(around("acknowledge", "law", MADRID, law_day(MADRID, at, 7), at), acknowledged)
    heard += until(around("decide", "law", MADRID, law_day(MADRID, at, 30), at), delayed)
    extended = [one for one in around("decide", "law", MADRID, roll(MADRID, limit), at) if one[3] > delayed]
    heard += until(extended, accepted)
    heard += until(around("decide", "policy", MADRID, estimate, delayed), accepted)
    heard += around("execute", "law", MADRID, law_day(MADRID, accepted, 90), accepted)
    return Story("order-extended", FR, ES, "eio", steps, heard)


def freezing(chance: random.Random, at: datetime) -> Story:
    """EIO 32(2): a provisional measure is decided within 24 hours where practicable."""
    heard = around("acknowledge", "law", MADRID, law_day(MADRID, at, 7), at)
    due = at + timedelta(hours=24)
    opening = [one for one in around("decide", "law", MADRID, due.astimezone(MADRID).date(), at) if one[3] <= due]
    heard += [one for one in opening if one[0].startswith("reminder")]
    heard += [("overdue", "decide", "law", due + timedelta(seconds=1))]
    return Story("freezing", FR, ES, "eio", [Step(at, "request", FR)], heard, measure="freezing")


def letter_with_a_deadline(chance: random.Random, at: datetime) -> Story:
    """No limit in law: the requester's reasoned deadline, and the exchange's targets, shown as policy."""
    deadline = at.date() + timedelta(days=chance.randint(20, 90))
    heard = around("acknowledge", "policy", PARIS, target(PARIS, at, 7), at)
    heard += around("decide", "policy", PARIS, target(PARIS, at, 30), at)
    heard += around("decide", "deadline", PARIS, deadline, at)
    step = Step(at, "request", MA, {"deadline": deadline.isoformat()})
    return Story("letter-with-a-deadline", MA, FR, "ma-fr-2008", [step], heard)


def question_unanswered(chance: random.Random, at: datetime) -> Story:
    """A question makes it the asker's turn; the target of the decision waits meanwhile."""
    asked = at + _days(chance, 1, 5)
    due = asked.date() + timedelta(days=chance.randint(10, 40))
    steps = [Step(at, "request", MA), Step(asked, "ask-information", FR, {"due": due.isoformat()})]
    heard = until(around("acknowledge", "policy", PARIS, target(PARIS, at, 7), at), asked)
    heard += around("supply-information", "deadline", RABAT, due, asked)
    return Story("question-unanswered", MA, FR, "ma-fr-2008", steps, heard)


def refused(chance: random.Random, at: datetime) -> Story:
    """Refused, and nobody closes: thirty days later silence does."""
    refusal = at + _days(chance, 1, 25)
    heard = until(around("acknowledge", "policy", PARIS, target(PARIS, at, 7), at), refusal)
    heard += until(around("decide", "policy", PARIS, target(PARIS, at, 30), at), refusal)
    heard += silent("close", RABAT, refusal, 30)
    steps = [Step(at, "request", MA), Step(refusal, "refuse", FR, {"grounds": ["essential-interests"]})]
    return Story("refused", MA, FR, "ma-fr-2008", steps, heard)


def result_not_confirmed(chance: random.Random, at: datetime) -> Story:
    """A result: ten days to confirm it, sixty to query it, then silence closes."""
    sent = at + _days(chance, 1, 25)
    heard = until(around("acknowledge", "policy", PARIS, target(PARIS, at, 7), at), sent)
    heard += until(around("decide", "policy", PARIS, target(PARIS, at, 30), at), sent)
    heard += around("confirm-receipt", "policy", RABAT, target(RABAT, sent, 10), sent)
    heard += silent("query-or-close", RABAT, sent, 60)
    steps = [Step(at, "request", MA), Step(sent, "deliver-result", FR, {"outcomes": {"M1": "executed"}})]
    return Story("result-not-confirmed", MA, FR, "ma-fr-2008", steps, heard)


def emergency(chance: random.Random, at: datetime) -> Story:
    """The desk for any hour is called at once; half an hour without an act, and the requesting party hears it."""
    late = chance.random() < 0.5
    answered = at + timedelta(minutes=45 if late else 20)
    heard: list[Heard] = [("desk-called", "", "", at + timedelta(seconds=1))]
    heard += [("desk-unattended", "", "", at + timedelta(minutes=30))] if late else []
    steps = [Step(at, "request", MA), Step(answered, "acknowledge", FR)]
    heard += until(around("acknowledge", "policy", PARIS, target(PARIS, at, 7), at), answered)
    decide = around("decide", "policy", PARIS, target(PARIS, at, 30), at)
    return Story("emergency", MA, FR, "ma-fr-2008", steps, heard + decide, urgency="emergency")


def emergency_where_nobody_is(chance: random.Random, at: datetime) -> Story:
    """Rabat names no desk for any hour: outside its hours (8:30 to 16:30 on days worked) nobody is there."""
    local = at.astimezone(RABAT)
    hours = (local.hour, local.minute)
    attended = roll(RABAT, local.date()) == local.date() and (8, 30) <= hours < (16, 30)
    unattended = timedelta(minutes=30) if attended else timedelta(seconds=1)
    heard: list[Heard] = [("desk-called", "", "", at + timedelta(seconds=1))]
    heard += [("desk-unattended", "", "", at + unattended)]
    heard += around("acknowledge", "policy", RABAT, target(RABAT, at, 7), at)
    heard += around("decide", "policy", RABAT, target(RABAT, at, 30), at)
    return Story(
        "emergency-where-nobody-is", FR, MA, "ma-fr-2008", [Step(at, "request", FR)], heard, urgency="emergency"
    )


def preserved(chance: random.Random, at: datetime) -> Story:
    """Budapest 29: kept until a day that the preserving side names; by then the request, or it is released (k)."""
    kept = at + timedelta(hours=chance.randint(1, 23))
    end = kept.date() + timedelta(days=chance.randint(60, 90))
    day = timedelta(hours=24)
    heard: list[Heard] = []
    for owed in ("acknowledge", "preserve"):
        last = (at + day).astimezone(PARIS).date()
        early = [one for one in around(owed, "policy", PARIS, last, at) if one[3] <= at + day]
        heard += until([one for one in early if one[0] != "overdue"], kept)
    reminders = around("request-or-release", "deadline", RABAT, end, kept, ends=False)
    closes = midnight_after(RABAT, end).replace(hour=0)
    closes = closes if closes.date() > end else closes + timedelta(days=1)
    heard += [*reminders, ("closed-by-silence", "request-or-release", "deadline", closes)]
    steps = [Step(at, "request", MA), Step(kept, "preserve", FR, {"until": end.isoformat()})]
    return Story(
        "preserved", MA, FR, "budapest", steps, heard, urgency="urgent", profile="preservation", measure="preservation"
    )


STORIES: tuple[Callable[[random.Random, datetime], Story], ...] = (
    order_never_answered,
    order_extended,
    freezing,
    letter_with_a_deadline,
    question_unanswered,
    refused,
    result_not_confirmed,
    emergency,
    emergency_where_nobody_is,
    preserved,
)
