"""A leg that is handed on: who reads what, who acts, and what one who never had the original can do (nothing)."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from client.composition import ReplyWish
from client.correspondence import Correspondence
from client.forwarding import hand_over, read_handed, without_keys
from client.opening import OpenedMessage
from client.sealing import Attachment
from shared.domain.dossier import possible_kinds
from shared.domain.status import status_lines
from shared.errors import EnvelopeCannotOpen, HeaderInconsistent, MessageUnverified, NotThere
from shared.keys.base64url import encode_b64u
from tests.unit.client.letters import BE, CONTENT, FR, MA, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange

COURT, OTHER_COURT = "FR.JIRS", "FR.TJPARIS"
FILES = (Attachment("list.csv", "text/csv", b"a,b"), Attachment("plan.pdf", "application/pdf", b"%PDF"))


class Play:
    """Rabat asks Paris, which may hand the leg to a court."""

    def __init__(self, home: Path) -> None:
        self.exchange = PaperExchange()
        self.exchange.enrol(MA, FR, BE, COURT)
        self.exchange.load_registry()
        self.ma, self.fr, self.court = (self.exchange.correspond(one, home) for one in (MA, FR, COURT))
        self.dossier = open_dossier(self.ma, FR, attachments=FILES)
        self.fr.mailbox.read_feed()
        reply(self.fr, self.dossier, "acknowledge")

    @property
    def request(self) -> str:
        return self.fr.leg(self.dossier).request

    def forward(self, by: Correspondence, holder: str = COURT, **wish: Any) -> str:
        return reply(by, self.dossier, "forward", act={"holder": holder}, **{"takes_part": True, **wish})

    def everybody_reads(self) -> None:
        """Without an alarm, a gap or a fork, for anybody."""
        for one in (self.ma, self.fr, self.court):
            news = one.mailbox.read_feed()
            assert (news.alarms, news.gaps, news.forks) == ((), (), ())
            if one is not self.court:
                one.leg(self.dossier)

    def decision(self, message: str) -> str | None:
        found: str | None = self.exchange.decisions[message]["code"]
        return found


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def names_of(opened: OpenedMessage) -> list[str]:
    return [one.name for one in opened.attachments]


def test_an_enrolled_holder_opens_the_original_and_has_the_moves_of_the_leg(play: Play) -> None:
    play.forward(play.fr)
    play.everybody_reads()
    opened = play.court.mailbox.open(play.request)
    assert dict(opened.content)["facts"] == CONTENT["facts"]
    assert names_of(opened) == ["list.csv", "plan.pdf"]
    told = [one.kind for one in play.court.register.messages(play.dossier)]
    assert sorted(told) == ["acknowledge", "forward", "request"]


def test_the_holder_acts_on_the_leg_and_both_others_hear_of_it(play: Play) -> None:
    play.forward(play.fr)
    play.everybody_reads()
    assert play.decision(reply(play.court, play.dossier, "acknowledge")) is None
    play.everybody_reads()
    assert play.decision(reply(play.court, play.dossier, "accept")) is None
    play.everybody_reads()
    for one in (play.ma, play.fr, play.court):
        assert play.exchange.legs[play.dossier, FR] == one.leg(play.dossier)
    line = status_lines([play.ma.leg(play.dossier)], MA, play.exchange.now)[0]
    assert f"execution · waiting on {COURT} · " in line


def test_of_what_was_not_handed_over_the_holder_opens_nothing(play: Play) -> None:
    play.forward(play.fr, hand_over=("body", "p2"))
    play.everybody_reads()
    opened = play.court.mailbox.open(play.request)
    assert names_of(opened) == ["plan.pdf"]
    assert opened.secret == b""
    assert set(hand_over(opened)["part_keys"]) == {"body", "p2"}


def test_a_document_without_its_body_goes_by_the_name_of_its_part(play: Play) -> None:
    play.forward(play.fr, hand_over=("p1",))
    play.everybody_reads()
    opened = play.court.mailbox.open(play.request)
    assert [(one.name, one.data) for one in opened.attachments] == [("p1", b"a,b")]
    assert dict(opened.content) == {}


def test_one_who_never_received_the_original_has_nothing_that_opens_it(play: Play) -> None:
    """The forward is admitted, as any message of a party is; what it hands over is held against the original."""
    composed = play.fr.compose_reply(play.dossier, ReplyWish("forward", {"holder": COURT}, {}, takes_part=True))
    handed = {**composed.content["original"], "secret": encode_b64u(secrets.token_bytes(32))}
    forged = type(composed)(composed.header, {**composed.content, "original": handed}, ())
    play.fr.outbox.send(play.fr.seal_and_store(forged, ()))
    play.court.mailbox.read_feed()
    with pytest.raises(MessageUnverified) as refused:
        play.court.mailbox.open(play.request)
    assert refused.value.facts["broken"] == EnvelopeCannotOpen.code


@pytest.mark.parametrize(("parts", "told"), [((), "all of it"), (("p1",), ["p1"])])
def test_no_key_is_shown_of_what_is_handed_over(play: Play, parts: tuple[str, ...], told: object) -> None:
    wish = ReplyWish("forward", {"holder": COURT}, {}, takes_part=True, hand_over=parts)
    shown = without_keys(play.fr.compose_reply(play.dossier, wish).content)["original"]
    assert shown.keys() == {"id", "digest", "handed_over"}
    assert shown["handed_over"] == told


@pytest.mark.parametrize("spoil", [{"secret": "AA"}, {"secret": 7}, {"id": None}, {"part_keys": {"p1": "AA"}}])
def test_what_cannot_be_read_hands_over_nothing(play: Play, spoil: dict[str, object]) -> None:
    play.forward(play.fr)
    forward = play.fr.mailbox.open(play.fr.register.messages(play.dossier)[-1].message)
    content = {**forward.content, "original": {**forward.content["original"], **spoil}}
    with pytest.raises(EnvelopeCannotOpen):
        read_handed(type(forward)(forward.verified, content, (), b""))


def test_a_message_that_was_never_handed_over_stays_shut(play: Play) -> None:
    play.forward(play.fr)
    play.everybody_reads()
    told = {one.kind: one.message for one in play.court.register.messages(play.dossier)}
    with pytest.raises(EnvelopeCannotOpen):
        play.court.mailbox.open(told["acknowledge"])


def test_what_was_taken_back_is_no_longer_the_holders_to_move_or_read(play: Play) -> None:
    play.forward(play.fr)
    play.everybody_reads()
    assert play.decision(play.forward(play.fr, FR)) is None
    play.everybody_reads()
    leg = play.fr.leg(play.dossier)
    assert (leg.holder, leg.parties) == (None, (MA, FR))
    assert possible_kinds(leg, COURT) == {}
    with pytest.raises(NotThere):
        play.court.leg(play.dossier)
    with pytest.raises(NotThere):
        play.court.mailbox.open(play.request)


def test_a_leg_is_taken_back_from_a_holder_that_was_suspended(play: Play) -> None:
    play.forward(play.fr)
    play.everybody_reads()
    play.exchange.record_event("suspend", COURT)
    play.exchange.pass_time(120)
    assert play.decision(play.forward(play.fr, FR)) is None
    play.ma.mailbox.read_feed()
    assert play.ma.leg(play.dossier).parties == (MA, FR)


def test_the_leg_stays_in_the_requested_country(play: Play) -> None:
    with pytest.raises(HeaderInconsistent, match="no authority of the requested party"):
        play.forward(play.fr, BE)


def test_an_offline_holder_is_named_and_the_requested_party_signs_for_it(play: Play) -> None:
    content = {"holder_name": "Tribunal judiciaire de Paris"}
    message = play.forward(play.fr, OTHER_COURT, takes_part=False, content=content)
    play.everybody_reads()
    play.ma.mailbox.open(message)
    leg = play.ma.leg(play.dossier)
    assert leg.parties == (MA, FR)
    line = status_lines([leg], MA, play.exchange.now, holders=play.ma.holders([leg]))[0]
    assert f"acknowledgement · waiting on {FR} for Tribunal judiciaire de Paris (offline) · " in line
    assert "original" not in play.ma.mailbox.open(message).content
    assert [one.name for one in play.fr.holders([leg]).values()] == ["Tribunal judiciaire de Paris"]


def test_a_result_that_crossed_the_withdrawal_alarms_nobody_and_is_marked_late(play: Play) -> None:
    play.ma.mailbox.read_feed()
    reply(play.fr, play.dossier, "accept")
    play.ma.mailbox.read_feed()
    result = play.fr.compose_reply(
        play.dossier, ReplyWish("deliver-result", {"outcomes": "executed"}, {"result": "all of it"})
    )
    sealed = play.fr.seal_and_store(result, ())
    assert play.decision(reply(play.ma, play.dossier, "withdraw")) is None
    play.fr.outbox.send(sealed)
    assert play.decision(sealed) is None
    play.everybody_reads()
    for one in (play.ma, play.fr):
        measure = one.leg(play.dossier).measures[0]
        assert (measure.state, measure.late) == ("withdrawn", True)
    assert play.decision(reply(play.fr, play.dossier, "confirm-stopped")) is None
    play.everybody_reads()
    closed = status_lines([play.ma.leg(play.dossier)], MA, play.exchange.now)[0]
    assert "closed (withdrawn, late result)" in closed
