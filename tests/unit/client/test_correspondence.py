"""From one authority's file to another's screen, also after a suspension and on a second installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.sealing import Attachment
from shared.errors import DossierStale, RegisterUnusable
from tests.unit.client.letters import FR, MA, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange


def test_what_one_writes_the_other_reads_and_answers(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma, attachments=(Attachment("order.pdf", "application/pdf", b"%PDF"),))
    news = fr.mailbox.read_feed()
    opened = fr.mailbox.open(news.events[0].message)
    assert opened.content["measures"] == {"M1": {"type": "bank-data", "target": "an account"}}
    assert opened.attachments[0].data == b"%PDF"
    answer = reply(fr, dossier, "acknowledge")
    assert ma.mailbox.read_feed().alarms == ()
    assert ma.outbox.await_decision(news.events[0].message, 0) is not None
    assert ma.mailbox.open(answer).header.kind == "acknowledge"
    assert [one.kind for one in ma.register.messages(dossier)] == ["request", "acknowledge"]


def test_who_has_not_read_everything_cannot_answer(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    reply(fr, dossier, "refuse", act={"grounds": ["essential-interests"]}, content={"reasons": "sealed"})
    with pytest.raises(DossierStale):
        reply(ma, dossier, "close")
    ma.mailbox.read_feed()
    reply(ma, dossier, "close")
    assert exchange.legs[dossier, FR].measures[0].state == "closed"


def test_a_message_stays_readable_after_its_sender_was_suspended(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    open_dossier(ma)
    exchange.pass_time(7200)
    exchange.record_event("suspend", MA)
    assert fr.mailbox.read_feed().alarms == ()
    assert fr.mailbox.open(fr.register.received()[0].message).content["facts"] == "Money moved."


def test_a_second_installation_learns_what_the_first_one_sent(exchange: PaperExchange, tmp_path: Path) -> None:
    dossier = open_dossier(exchange.correspond(MA, tmp_path / "one"))
    second = exchange.correspond(MA, tmp_path / "two")
    second.mailbox.read_feed()
    assert second.register.seen(dossier, FR) == exchange.legs[dossier, FR].head


def test_a_home_belongs_to_one_authority(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.correspond(MA, tmp_path).close()
    (tmp_path / FR).symlink_to(tmp_path / MA)
    with pytest.raises(RegisterUnusable):
        exchange.correspond(FR, tmp_path)


def test_a_dossier_is_found_by_number_id_and_part_of_it(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    dossier = open_dossier(ma)
    number = ma.exchange.dossier(dossier).number
    for text in (dossier, number, number.lower().replace("-", " "), dossier[-8:]):
        assert ma.find_dossier(text) == dossier
