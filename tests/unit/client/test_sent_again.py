"""What was not delivered is sent again from what is kept here, and an auditor counts again whether it might be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from client.composition import Composed, ReplyWish
from client.correspondence import Correspondence
from client.sealing import Attachment
from shared.apisig.verify import VerifiedCall
from shared.envelope.container import ReceivedEnvelope
from shared.errors import IllegalMove, NotThere, OriginalGone
from tests.unit.client.letters import CONTENT, FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import audit, found

STATEMENT = Attachment("statement.txt", "text/plain", b"money moved")
HOUR = 3600.0


class Hanging(PaperExchange):
    """What it accepts hangs, until it is told to deliver."""

    delivers = False

    @override
    def deliver(self, received: ReceivedEnvelope, legs: Any) -> None:
        (super().deliver if self.delivers else self.keep)(received, legs)

    @override
    def _fetch(self, caller: str, message: str, call: VerifiedCall) -> bytes:
        if not self._came(message):
            raise NotThere()
        return super()._fetch(caller, message, call)

    def _came(self, message: str) -> bool:
        return any(kind == "delivery" for of, _, kind in self.said_at if of == message)


@pytest.fixture
def exchange() -> Hanging:
    made = Hanging()
    made.enrol(MA, FR)
    made.load_registry()
    return made


@pytest.fixture
def ma(exchange: Hanging, tmp_path: Path) -> Correspondence:
    return exchange.correspond(MA, tmp_path / "ma")


def send(ma: Correspondence, dossier: str, kind: str, **act: str) -> str | None:
    """With what was sealed before, as `comity reply` sends it; the code of its refusal."""
    composed = ma.compose_reply(dossier, ReplyWish(kind, act, {}))
    files = ma.sent_before(ma.leg(dossier))[1] if kind == "resend" else []
    decision = ma.outbox.send(ma.seal_and_store(composed, files)) or ma.outbox.await_decision(composed.header.id, 1)
    assert decision is not None
    return decision.code


def test_what_was_not_delivered_is_sent_again_with_all_it_said(
    exchange: Hanging, ma: Correspondence, tmp_path: Path
) -> None:
    dossier = open_dossier(ma, FR, attachments=(STATEMENT,))
    with pytest.raises(IllegalMove):
        ma.compose_reply(dossier, ReplyWish("resend", {}, {}))
    exchange.pass_time(12.5 * HOUR)
    assert ma.shown_legs(dossier)[0][1] == ma.leg(dossier).request
    exchange.delivers = True
    assert send(ma, dossier, "resend") is None

    fr = exchange.correspond(FR, tmp_path / "fr")
    fr.mailbox.read_feed()
    again = fr.register.messages(dossier)[-1]
    opened = fr.mailbox.open(again.message)
    assert {name: opened.content[name] for name in CONTENT} == CONTENT
    assert [(one.name, one.data) for one in opened.attachments] == [(STATEMENT.name, STATEMENT.data)]
    assert ma.shown_legs(dossier)[0][1] is None


def test_another_channel_is_told_and_an_audit_finds_nothing_wrong(
    exchange: Hanging, ma: Correspondence, tmp_path: Path
) -> None:
    dossier = open_dossier(ma, FR)
    exchange.pass_time(12.5 * HOUR)
    exchange.delivers = True
    assert send(ma, dossier, "other-channel", channel="diplomatic-bag", sent="2026-11-23", bag="ma-41") is None
    assert ma.leg(dossier).measures[0].state == "delivered"
    report = audit(exchange, tmp_path / "ledger")
    assert report.ok, report.differences


@pytest.mark.parametrize("kind", ["resend", "other-channel"])
def test_an_exchange_that_lets_anybody_send_again_what_it_never_failed_to_deliver_is_found(
    exchange: Hanging, ma: Correspondence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    dossier = open_dossier(ma, FR)
    monkeypatch.setattr(exchange, "how_far", lambda message, recipient: "not-delivered")
    act = {"channel": "courier", "sent": "2026-11-23"} if kind == "other-channel" else {}
    assert send(ma, dossier, kind, **act) is None
    assert "decision" in found(audit(exchange, tmp_path / "ledger"))


def another_way_written(exchange: Hanging, ma: Correspondence) -> Composed:
    """Half a day after a request that was not delivered."""
    dossier = open_dossier(ma, FR)
    exchange.pass_time(12.5 * HOUR)
    return ma.compose_reply(dossier, ReplyWish("other-channel", {"channel": "courier", "sent": "2026-11-23"}, {}))


def delivered_while_another_way_was_written(
    exchange: Hanging, ma: Correspondence, monkeypatch: pytest.MonkeyPatch
) -> Composed:
    """The exchange will admit it all the same."""
    composed = another_way_written(exchange, ma)
    [first] = exchange.envelopes.values()
    exchange.evidence("delivery", first, FR)
    monkeypatch.setattr(exchange, "how_far", lambda message, recipient: "not-delivered")
    exchange.delivers = True
    return composed


def test_an_exchange_that_refuses_what_it_failed_to_deliver_is_found(
    exchange: Hanging, ma: Correspondence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = another_way_written(exchange, ma)
    monkeypatch.setattr(exchange, "how_far", lambda message, recipient: "submitted")
    decision = ma.outbox.send(ma.seal_and_store(composed, [])) or ma.outbox.poll(composed.header.id)
    assert decision is not None
    assert decision.code == "dossier.illegal-move"
    assert "decision" in found(audit(exchange, tmp_path / "ledger"))


def test_what_came_in_the_moment_of_the_decision_may_have_been_there_or_not(
    exchange: Hanging, ma: Correspondence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = delivered_while_another_way_was_written(exchange, ma, monkeypatch)
    ma.outbox.send(ma.seal_and_store(composed, []))
    report = audit(exchange, tmp_path / "ledger")
    assert report.ok, report.differences


def test_what_came_long_before_is_no_more_to_be_sent_again(
    exchange: Hanging, ma: Correspondence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = delivered_while_another_way_was_written(exchange, ma, monkeypatch)
    exchange.pass_time(HOUR)
    ma.outbox.send(ma.seal_and_store(composed, []))
    assert "decision" in found(audit(exchange, tmp_path / "ledger"))


def test_what_lies_nowhere_any_more_is_to_be_said_anew(exchange: Hanging, ma: Correspondence, tmp_path: Path) -> None:
    dossier = open_dossier(ma, FR)
    exchange.pass_time(12.5 * HOUR)
    other = exchange.correspond(MA, tmp_path / "elsewhere")
    with pytest.raises(OriginalGone):
        other.sent_before(ma.leg(dossier))
