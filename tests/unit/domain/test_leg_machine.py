"""Random histories of every profile against a model that was written from the design and not from the code's data.

`COMITY_HISTORIES=2000 pytest tests/unit/domain/test_leg_machine.py` plays more of them than a run of all tests has time
for.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.domain.dossier import decide_move, encode_leg, lapsed, parse_leg, possible_kinds
from shared.domain.obligations import waiting_on
from shared.domain.profiles import PROFILES
from shared.domain.status import status_of
from shared.errors import Rejection
from tests.unit.domain.letters import DAY, DOSSIER, ES, MA, a_message, digest_of, opened
from tests.unit.domain.reference_model import Model, Sent
from tests.unit.domain.reference_tables import ANSWERS, ASKED, ASKER, FREE, QUESTIONS, TABLES

HISTORIES = int(os.environ.get("COMITY_HISTORIES", "25"))
STEPS = 40
FIRST_COURT, SECOND_COURT, STRANGER = "ES.JCI3", "ES.JCI4", "FR.BEPI"
PAUSES = [timedelta(hours=hours) for hours in (1, 1, 1, 7, 7, 7, 7, 72, 72, 45 * 24)]
DUTIFUL = ("accept", "deliver-partial", "deliver-result", "provide", "confirm-appointment", "send-items")
IN_WORDS = {
    "use": "answer-use",
    "meeting": "answer-appointment",
    "hearing": "hold-appointment",
    "parcel": "receive-items",
}
"""What the model owes, as the code calls it."""


class Leg(RuleBasedStateMachine):
    """One leg; every step tries a message that may be legal, or wrong in one or several ways."""

    profile: str

    @initialize(eio=st.booleans(), deadline=st.booleans())
    def open_dossier(self, eio: bool, deadline: bool) -> None:
        self.table = TABLES[self.profile]
        act = {"deadline": "2026-12-12"} if deadline and self.profile == "mla-request" else {}
        self.leg = opened(
            {"ma-es-2009": "eio.1"} if eio else {},
            recipients=(ES,),
            profile=self.profile,
            kind=self.table.opening,
            measures=self.table.measures,
            act=act,
        )[0]
        self.model = Model(self.table, MA, ES, dict.fromkeys(self.table.measures, "submitted"), self.leg.head)
        self.digests = [self.leg.head]
        self.questions: list[str] = []
        self.now = DAY

    @rule(seed=st.integers(0, 2**32))
    def somebody_sends(self, seed: int) -> None:
        chance = Random(seed)
        self.now += chance.choice(PAUSES)
        if chance.random() < 0.3:
            self.model.never_came = chance.random() < 0.7
        sent = self._draw(chance)
        undelivered = self._undelivered()
        header = a_message(
            self.leg,
            sent.kind,
            act_of(sent, self.leg.original),
            *sorted(sent.measures),
            sender=sent.sender,
            recipients=tuple(sorted(sent.to)),
            seen=sent.seen,
            profile=self.profile,
            sent=self.now,
            **({} if sent.answers is None else {"in_reply_to": sent.answers}),
        )
        sent = replace(sent, id=header.id)
        before, is_legal = encode_leg(self.leg), self.model.is_legal(sent)
        if not is_legal:
            with pytest.raises(Rejection):
                decide_move(self.leg, header, sent.digest, self.now, undelivered)
        else:
            moved = decide_move(self.leg, header, sent.digest, self.now, undelivered)
            assert moved.version == self.leg.version + 1
            assert encode_leg(self.leg) == before
            self.model.admit(sent)
            self.leg = moved
            self.digests.append(sent.digest)
            if sent.kind in QUESTIONS:
                self.questions.append(sent.id)

    def _undelivered(self) -> str | None:
        """That an earlier sending failed says nothing of the one that took its place."""
        if self.model.never_came:
            return self.leg.original
        return None if self.leg.original == self.leg.request else self.leg.request

    def _draw(self, chance: Random) -> Sent:
        """A message: half of them what is allowed to its sender, the others anything; now and then an old `seen`, a
        wrong address. One draw of hypothesis for each: that is what makes many of them affordable."""
        self.model.fall_silent(self.now)
        sender = chance.choice([*sorted(self.model.parties)] * 6 + [MA, ES, FIRST_COURT, SECOND_COURT, STRANGER])
        kind, possible = self._draw_kind(chance, sender)
        measures = frozenset(chance.sample(possible, chance.randint(1, len(possible))))
        holder = chance.choice([FIRST_COURT, SECOND_COURT, ES]) if kind == "forward" else None
        codes = sorted(self.table.duties)
        duties: frozenset[str] = frozenset()
        if kind == "discharge":
            duties = frozenset({chance.choice(codes)})
        elif codes and kind in DUTIFUL and chance.random() < 0.5:
            own = {
                "accept": ["safe-conduct"],
                "provide": codes,
                "confirm-appointment": ["interpreter", "test-call", "bring-interpreter"],
                "send-items": ["return-originals", "return-items"],
            }.get(kind, ["return-originals", "costs"])
            duties = frozenset(chance.sample(own, chance.randint(1, len(own))))
        return Sent(
            kind,
            sender,
            self._draw_address(chance, sender, holder),
            measures,
            chance.choice([self.digests[-1]] * 8 + [self.model.head] * 8 + self.digests[-6:]),
            digest_of(f"message {len(self.digests)} {self.now}"),
            self.now,
            holder,
            self.now + timedelta(days=chance.choice([5, 60])),
            duties,
            answers=self._draw_question(chance, kind, measures),
            granted=frozenset(
                chance.sample(["evidence", "civil"], chance.randint(0, 2)) if "answer-use" in kind else ()
            ),
        )

    def _draw_question(self, chance: Random, kind: str, measures: frozenset[str]) -> str | None:
        """What an answer replies to: mostly a question that is open, now and then any."""
        if kind not in ANSWERS:
            return None
        asked = [one for one in self.model.debts if one.what == ANSWERS[kind] and one.measure in measures]
        likely = sorted(one.because for one in asked)
        return chance.choice(likely * 3 + self.questions[-4:] + [self.leg.request])

    def _draw_kind(self, chance: Random, sender: str) -> tuple[str, list[str]]:
        """A kind, and the measures to choose from."""
        role = self.model.role(sender)
        if role is not None and chance.random() < 0.6:
            allowed = {
                kind: [one for one in self.table.measures if self.model.may_move(kind, one, role)]
                for kind in self.table.kinds
            }
            rare = [kind for kind, measures in allowed.items() if measures]
            common = [kind for kind in rare if kind not in ("withdraw", "close", "return", "refuse", *FREE)]
            if rare:
                kind = chance.choice(common if common and chance.random() < 0.7 else rare)
                return kind, allowed[kind]
        return chance.choice(sorted(self.table.kinds)), sorted(self.table.measures)

    def _draw_address(self, chance: Random, sender: str, holder: str | None) -> frozenset[str]:
        to = self.model.parties - {sender}
        if holder not in (None, sender) and chance.random() < 0.5:
            to = to | {str(holder)}
        if chance.random() < 0.05:
            to = (to ^ {chance.choice([STRANGER, FIRST_COURT])}) - {sender}
        if ES not in to and sender != ES:
            to = to | {ES}  # a leg that is neither the sender's nor a recipient's is no leg at all
        return frozenset(to or {STRANGER})

    @precondition(lambda self: hasattr(self, "leg"))
    @invariant()
    def the_leg_is_where_the_model_says(self) -> None:
        self.model.fall_silent(self.now)
        shown = lapsed(self.leg, self.now)
        assert {one.id: one.state for one in shown.measures} == self.model.states
        assert {one.id for one in shown.measures if one.late} == self.model.late
        assert (shown.head, list(shown.since_head)) == (self.model.head, self.model.since_head)
        assert (shown.holder, set(shown.parties)) == (self.model.holder, self.model.parties)
        assert {
            (measure, purpose, self.model.role(MA) if one.by == MA else ASKED)
            for one in shown.permissions
            for measure in one.measures
            for purpose in one.purposes
        } == self.model.permitted

    @precondition(lambda self: hasattr(self, "leg"))
    @invariant()
    def every_open_measure_has_a_debtor_whose_turn_it_is_and_a_due_date(self) -> None:
        shown = lapsed(self.leg, self.now)
        acting = self.model.holder if self.model.takes_part else ES
        for measure, state in self.model.states.items():
            waiting = [one for one in waiting_on(shown) if measure in one.measures]
            owed = {IN_WORDS.get(what, what) for what in self.model.still_owed(measure)}
            if state == "closed":
                assert {one.act for one in waiting} == owed
            else:
                beside = {*IN_WORDS.values(), *self.table.duties}
                assert {one.act for one in waiting if one.act in beside} == owed
                debtor = acting if self.table.turn[state] == ASKED else MA
                assert any(one.debtor == debtor and one.due is not None for one in waiting)
                assert any(line.waiting_on == debtor and line.dues for line in status_of([shown], MA, self.now))

    @precondition(lambda self: hasattr(self, "leg"))
    @invariant()
    def what_is_offered_is_what_the_model_allows(self) -> None:
        shown = lapsed(self.leg, self.now)
        for party in (MA, ES, FIRST_COURT, STRANGER):
            role = self.model.role(party)
            expected = {
                kind: tuple(one for one in self.model.states if role and self.model.may_move(kind, one, role))
                for kind in self.table.kinds
            }
            assert possible_kinds(shown, party, self._undelivered()) == {
                kind: names for kind, names in expected.items() if names
            }

    @precondition(lambda self: hasattr(self, "leg"))
    @invariant()
    def what_is_owed_stays_bounded_and_survives_storage(self) -> None:
        assert len(self.leg.obligations) <= 30 * len(self.leg.measures)
        assert parse_leg(encode_leg(self.leg)) == self.leg


def act_of(sent: Sent, request: str) -> dict[str, Any]:
    """A full act for this kind, with what the model knows of it."""
    day = _day(sent.at + timedelta(days=9))
    acts: dict[str, dict[str, Any]] = {
        "ask-information": {"due": day},
        "consult": {"due": day},
        "propose-conditions": {"due": day},
        "propose-other-measure": {"due": day, "instead": dict.fromkeys(sent.measures, "subscriber-data")},
        "postpone": {"review": day},
        "suspend-transfer": {"review": day},
        "report-delay": {"estimate": day},
        "refuse": {"grounds": ["essential-interests"]},
        "deliver-result": {"outcomes": dict.fromkeys(sent.measures, "executed")},
        "report-status": {"stage": "in-hand"},
        "cannot-open": {"reason": "part-broken"},
        "other-channel": {"channel": "diplomatic-bag", "sent": day, "bag": "ma-2026-41"},
        "forward": {"holder": sent.holder, "original": request},
        "preserve": {"until": _day(sent.until)},
        "extend": {"until": _day(sent.until)},
        "ask-extension": {"until": day},
        "tie-request": {"dossier": DOSSIER},
        "notify-disclosure": {"before": day},
        "discharge": {"duties": sorted(sent.duties)},
        "ask-use-permission": {"purposes": ["civil", "evidence"]},
        "answer-use-permission": {"granted": sorted(sent.granted)} if sent.granted else {"declined": ["civil"]},
        "propose-appointment": {"on": day, "interpreter": "requested", "test-call": day},
        "confirm-appointment": {"on": day},
        "report-appointment": {"held": "held"},
        "arrange-transfer": {"consent": day, "hand-over": day, "return": day, "safe-conduct": day},
        "confirm-arrival": {"arrived": day},
        "confirm-return": {"returned": day},
        "send-items": {"channel": "courier", "sent": day, "bag": "b-17", "count": 2},
        "confirm-items": {"condition": "intact", "received": day, "count": 2},
    }
    act = acts.get(sent.kind, {})
    if sent.duties and sent.kind != "discharge":
        act = {**act, "duties": dict.fromkeys(sent.duties, _day(sent.at + timedelta(days=200)))}
    return act


def _day(moment: datetime | None) -> str:
    assert moment is not None
    return moment.date().isoformat()


def _machine(profile: str) -> Any:
    machine: type[RuleBasedStateMachine] = type(f"Leg_{profile}", (Leg,), {"profile": profile})
    case = machine.TestCase
    case.settings = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    return case


TestRequest = _machine("mla-request")
TestPoliceRequest = _machine("police-request")
TestPreservation = _machine("preservation")
TestSpontaneous = _machine("spontaneous")


def test_the_tables_know_every_profile_kind_and_state() -> None:
    assert set(TABLES) == set(PROFILES)
    for name, table in TABLES.items():
        profile = PROFILES[name]
        assert {*table.kinds, table.opening} == set(profile.kinds)
        assert {*table.turn, "closed", "transmitted"} == set(profile.states)
        assert {kind.name for kind in profile.kinds.values() if not kind.changes_state} == set(FREE)
        assert table.silence.keys() <= table.turn.keys()
        assert {role for role, _ in table.kinds.values()} >= {ASKER, ASKED}
