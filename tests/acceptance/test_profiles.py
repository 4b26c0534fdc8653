"""Every profile on a real exchange: a leg that is handed to a court, data that is preserved until its request comes, a
police request, information given unasked, a result that crosses its withdrawal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from client.composition import Composed, ReplyWish
from client.correspondence import Correspondence
from client.request_file import RequestFile
from client.sealing import Attachment
from shared.domain.profiles import profile_of
from shared.domain.status import status_lines
from shared.errors import NotThere
from tests.exchange_process import EnrolledExchange, enrol_exchange, now
from tests.unit.envelope.workshop import party

MA, ES, COURT = "MA.PGR", "ES.SGCJI", "ES.JCI3"
PATIENCE_S = 30.0
DAY = (now() + timedelta(days=200)).date().isoformat()


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnrolledExchange]:
    with enrol_exchange(tmp_path_factory.mktemp("profiles"), [party(one) for one in (MA, ES, COURT)]) as exchange:
        yield exchange


class Desk:
    """One authority: it sends, and reads without an alarm."""

    def __init__(self, enrolled: EnrolledExchange, name: str) -> None:
        self.own: Correspondence = enrolled.correspondence(name)

    def open(self, profile: str, measure: str, act: dict[str, Any] | None = None) -> str:
        opening = profile_of(profile).opening
        content = {field.name: f"{field.label}, in words" for field in opening.body}
        document = {"v": 1, "profile": profile, "measures": {"M1": {"type": measure}}, "content": content}
        request = RequestFile.model_validate({**document, "act": act or {}})
        composed = self.own.compose_request(request, [ES], "ma-es-2009")
        self._send(composed, (Attachment("list.csv", "text/csv", b"a,b"),))
        return composed.header.dossier

    def say(self, dossier: str, kind: str, **wish: Any) -> str:
        rule = profile_of(self.own.leg(dossier).profile).kinds[kind]
        content = {field.name: f"{field.label}, in words" for field in rule.body}
        return self._send(self.own.compose_reply(dossier, ReplyWish(kind, wish.pop("act", {}), content, **wish)))

    def _send(self, composed: Composed, files: tuple[Attachment, ...] = ()) -> str:
        message = self.own.seal_and_store(composed, files)
        assert self.send_sealed(message) == "accepted"
        return message

    def send_sealed(self, message: str) -> str:
        decision = self.own.outbox.send(message) or self.own.outbox.await_decision(message, PATIENCE_S)
        assert decision is not None
        return decision.decision

    def hears(self, message: str) -> None:
        """Reads until this message is here."""
        while self.own.register.message(message) is None:
            news = self.own.mailbox.read_feed(wait_s=5)
            assert (news.alarms, news.gaps, news.forks) == ((), (), ())

    def line(self, dossier: str) -> str:
        legs = self.own.legs(dossier)
        return status_lines(legs, self.own.keys.authority, now(), holders=self.own.holders(legs))[0]


@pytest.fixture
def desks(enrolled: EnrolledExchange) -> tuple[Desk, Desk, Desk]:
    ma, es, court = (Desk(enrolled, one) for one in (MA, ES, COURT))
    return ma, es, court


def opening_of(desk: Desk, dossier: str) -> str:
    return desk.own.leg(dossier).request


def test_a_court_that_a_leg_is_handed_to_reads_it_and_answers_it_before_both_others(
    desks: tuple[Desk, Desk, Desk],
) -> None:
    ma, es, court = desks
    dossier = ma.open("mla-request", "bank-data")
    request = opening_of(ma, dossier)
    es.hears(request)
    with pytest.raises(NotThere):
        court.own.leg(dossier)
    handed = es.say(dossier, "forward", act={"holder": COURT}, takes_part=True)
    court.hears(handed)
    ma.hears(handed)
    assert [one.name for one in court.own.mailbox.open(request).attachments] == ["list.csv"]
    accepted = court.say(dossier, "accept")
    ma.hears(accepted)
    es.hears(accepted)
    assert f"execution · waiting on {COURT} · " in ma.line(dossier)
    asked = es.say(dossier, "consult", act={"due": DAY})
    for desk in (ma, court):
        desk.hears(asked)
    answered = ma.say(dossier, "consult-reply")
    for desk in (es, court):
        desk.hears(answered)
    assert ma.own.leg(dossier).parties == (MA, ES, COURT)


def test_a_result_that_crosses_its_withdrawal_is_admitted_late(desks: tuple[Desk, Desk, Desk]) -> None:
    ma, es, _ = desks
    dossier = ma.open("mla-request", "bank-data")
    es.hears(opening_of(ma, dossier))
    ma.hears(es.say(dossier, "accept"))
    result = es.own.compose_reply(dossier, ReplyWish("deliver-result", {"outcomes": "executed"}, {"result": "done"}))
    sealed = es.own.seal_and_store(result, ())
    withdrawn = ma.say(dossier, "withdraw")
    assert es.send_sealed(sealed) == "accepted"
    es.hears(withdrawn)
    ma.hears(sealed)
    assert "(late result)" in ma.line(dossier)
    ma.hears(es.say(dossier, "confirm-stopped"))
    assert "closed (withdrawn, late result)" in ma.line(dossier)


def test_data_is_preserved_until_its_request_comes(desks: tuple[Desk, Desk, Desk]) -> None:
    ma, es, _ = desks
    kept = ma.open("preservation", "preservation")
    es.hears(opening_of(ma, kept))
    ma.hears(es.say(kept, "preserve", act={"until": DAY}))
    assert "request for the data, or its release · waiting on MA.PGR (you)" in ma.line(kept)
    dossier = ma.open("mla-request", "stored-data", {"preservation": kept})
    es.hears(ma.say(kept, "tie-request", act={"dossier": dossier}))
    assert es.own.leg(kept).measures[0].state == "tied"


def test_a_police_request_is_answered(desks: tuple[Desk, Desk, Desk]) -> None:
    ma, es, _ = desks
    dossier = ma.open("police-request", "criminal-record", {"access": "direct"})
    es.hears(opening_of(ma, dossier))
    answer = es.say(dossier, "deliver-result", act={"outcomes": "executed"})
    ma.hears(answer)
    assert ma.own.mailbox.open(answer).content["result"]
    es.hears(ma.say(dossier, "close"))
    assert "closed (executed)" in es.line(dossier)


def test_information_is_given_once_its_conditions_are_accepted(desks: tuple[Desk, Desk, Desk]) -> None:
    ma, es, _ = desks
    dossier = ma.open("spontaneous", "information")
    es.hears(opening_of(ma, dossier))
    ma.hears(es.say(dossier, "accept-conditions"))
    given = ma.say(dossier, "provide", act={"duties": {"report-use": DAY}})
    es.hears(given)
    assert es.own.mailbox.open(given).content["information"]
    ma.hears(es.say(dossier, "close"))
    assert [one.act for one in ma.own.leg(dossier).obligations] == ["report-use"]
    ma.hears(es.say(dossier, "discharge", act={"duties": ["report-use"]}))
    assert ma.own.leg(dossier).obligations == ()
