"""Dossiers made again from the ledger show every way in which an exchange can show them otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from client.audit_folder import AuditFolder
from client.audit_replay import Replayed, ShownDossiers, replay
from client.callers import check_receipts
from client.exchange import Exchange
from client.ledger_source import DirectoryLedger, ExchangeLedger
from shared.errors import AnswerRefused
from shared.keys.instruments import sign_instruments
from tests.unit.audit.paper_log import ORIGIN
from tests.unit.client.auditors import AUDITOR, auditor_of, enrol_auditor
from tests.unit.client.letters import BE, FR, MA, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange, dump
from tests.unit.client.paper_services import REGISTRY
from tests.unit.client.told_ledgers import copy_of
from tests.unit.envelope.workshop import party

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> PaperExchange:
    """Three dossiers, one of them with two legs and an acknowledgement on one."""
    exchange = PaperExchange()
    home = tmp_path_factory.mktemp("busy")
    exchange.enrol(MA, FR, BE)
    exchange.load_registry()
    enrol_auditor(exchange)
    ma, fr = exchange.correspond(MA, home), exchange.correspond(FR, home)
    dossier = open_dossier(ma, FR, BE)
    exchange.pass_time(60)
    open_dossier(ma, BE)
    open_dossier(fr, BE)
    fr.mailbox.read_feed()
    reply(fr, dossier, "acknowledge")
    return exchange


class Playing:
    """One auditor, or party, who replays."""

    def __init__(self, exchange: PaperExchange, place: Path) -> None:
        self.exchange = exchange
        self.folder = AuditFolder(place / "audit", exchange.trust())
        self.source = ExchangeLedger(auditor_of(exchange))
        self.pauses: list[float] = []
        self.while_waiting: Callable[[], None] = lambda: None

    def replay(self, caller: Exchange | None = None, name: str = AUDITOR) -> Replayed:
        shown = ShownDossiers(caller or auditor_of(self.exchange), name, lambda: self.exchange.now)
        with ExitStack() as opened:

            def read_on() -> Any:
                opened.pop_all().close()
                return opened.enter_context(self.folder.brought_up_to_date(self.source, workers=0))[1]

            return replay(shown, read_on, self._pause)

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.while_waiting()


@pytest.fixture
def playing(busy: PaperExchange, tmp_path: Path) -> Playing:
    return Playing(copy_of(busy), tmp_path)


def showing(change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[str, bytes], bytes]:
    """An exchange that changes the list of dossiers before it answers."""

    def tamper(path: str, body: bytes) -> bytes:
        if not path.endswith("/dossiers"):
            return body
        document = json.loads(body)
        items = change(document["items"])
        return dump({**document, "items": document["items"] if items is None else items})

    return tamper


def words(done: Replayed) -> str:
    return "; ".join(f"{one.leg or 'dossier'}: {one.why}" for one in done.differences)


def test_an_honest_exchange_shows_what_the_ledger_says(playing: Playing) -> None:
    done = playing.replay()
    assert words(done) == ""
    assert (done.whole, done.dossiers, done.legs) == (True, 3, 4)
    assert playing.pauses == []


def test_a_party_compares_its_own_legs_with_a_copy(playing: Playing, tmp_path: Path) -> None:
    exchange = playing.exchange
    playing.source = DirectoryLedger(exchange.write_ledger(tmp_path / "copy"))  # type: ignore[assignment]
    for name, legs in ((FR, 2), (BE, 3)):
        keys = party(name)
        caller = Exchange(exchange.calls_of(keys.api, name), check_receipts(exchange.trust(), name))
        done = playing.replay(caller, name)
        assert (words(done), done.whole, done.legs) == ("", False, legs)


def test_a_registry_that_is_in_no_ledger_is_named(playing: Playing) -> None:
    exchange = playing.exchange
    exchange.registry = sign_instruments(REGISTRY, exchange.operators[:1], ORIGIN)
    [difference] = playing.replay().differences
    assert difference.why == "the registry of instruments is shown as another one than that in the ledger"
    exchange.registry = None
    assert words(playing.replay()) == "dossier: the registry of instruments is in the ledger and is not shown"


def test_a_key_event_that_is_kept_back_is_named(playing: Playing) -> None:
    playing.exchange.events.pop()
    assert words(playing.replay()) == "dossier: key event 4 is in the ledger and is not shown"


def leg_of(item: dict[str, Any], requested: str) -> dict[str, Any]:
    return next(leg for leg in item["legs"] if leg["requested"] == requested)


def in_leg(change: Change) -> Callable[[list[dict[str, Any]]], None]:
    """The leg of Paris, where it was acknowledged."""

    def changed(items: list[dict[str, Any]]) -> None:
        for item in items:
            if any(leg["requested"] == FR for leg in item["legs"]):
                change(leg_of(item, FR))

    return changed


def state(leg: dict[str, Any], **changes: Any) -> None:
    leg["state"].update(changes)


def refuse(leg: dict[str, Any]) -> None:
    leg["state"]["measures"][0]["state"] = "refused"


def postpone(leg: dict[str, Any]) -> None:
    leg["state"]["obligations"][0]["due"] = "2030-01-01T00:00:00.000000Z"


def go_back(leg: dict[str, Any]) -> None:
    state(leg, version=1)


LIES: dict[str, tuple[Change, str]] = {
    "a refusal": (refuse, "the state of M1 is shown as refused; by the ledger it is acknowledged"),
    "another date": (postpone, "is shown that"),
    "nothing owed": (lambda leg: state(leg, obligations=[]), "it is not shown that FR.BEPI owes"),
    "a holder": (lambda leg: state(leg, holder="FR.PNF"), "the holder is shown as FR.PNF; by the ledger it is none"),
    "a deadline": (lambda leg: state(leg, deadline="2027-01-01"), "the deadline is shown as 2027-01-01"),
    "an older state": (go_back, "it is shown as it was 1 messages ago"),
    "a newer state": (lambda leg: state(leg, version=5), "moved by 3 messages that the ledger does not have"),
    "another message": (lambda leg: state(leg, head="A" * 43), "moved by other messages"),
    "no state at all": (lambda leg: leg.update(state={}), "its state cannot be read"),
    "a status alone": (lambda leg: leg.update(status="closed"), "the status is shown as closed"),
    "a list alone": (lambda leg: leg.update(waiting_on=[]), "the list of what is waited for"),
    "not delivered": (lambda leg: leg.update(transport="submitted"), "the transport is shown as submitted"),
    "a covert measure": (lambda leg: leg["state"]["measures"].pop(), "measure M1 is left out"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_leg_that_is_shown_otherwise_is_named_in_words(playing: Playing, lie: str) -> None:
    change, told = LIES[lie]
    playing.exchange.tamper = showing(in_leg(change))
    done = playing.replay()
    assert told in words(done)
    assert {one.leg for one in done.differences} <= {FR, None}
    assert len(playing.pauses) == 3  # it was looked at again


def drop_leg(items: list[dict[str, Any]]) -> None:
    for item in items:
        item["legs"] = [leg for leg in item["legs"] if leg["requested"] != FR]


def invent_leg(items: list[dict[str, Any]]) -> None:
    for item in items:
        item["legs"].append({**item["legs"][0], "requested": "IT.MG"})


def test_a_leg_that_is_left_out_and_one_that_is_made_up_are_named(playing: Playing) -> None:
    playing.exchange.tamper = showing(drop_leg)
    assert "FR.BEPI: this leg is not shown" in words(playing.replay())
    playing.exchange.tamper = showing(invent_leg)
    assert "IT.MG: a leg is shown that no message in the ledger opened" in words(playing.replay())


def test_a_dossier_that_is_left_out_is_named(playing: Playing) -> None:
    playing.exchange.tamper = showing(lambda items: items[1:])
    assert words(playing.replay()).count("it is in the ledger and is not shown") == 2  # the first of each page


def test_a_dossier_that_nobody_opened_is_named(playing: Playing) -> None:
    made_up = "7fffffff-ffff-7fff-bfff-ffffffffffff"
    playing.exchange.tamper = showing(
        lambda items: [{**items[0], "dossier": made_up}, *items] if len(items) == 2 else items
    )
    assert "it is shown, and no message in the ledger opened it" in words(playing.replay())


def test_a_list_out_of_order_hides_nothing(playing: Playing) -> None:
    playing.exchange.tamper = showing(lambda items: items[::-1])
    with pytest.raises(AnswerRefused, match="not in order"):
        playing.replay()


def test_what_happened_meanwhile_is_no_difference(playing: Playing, tmp_path: Path) -> None:
    """The exchange shows a move that its ledger does not have yet; a moment later it has it."""
    exchange = playing.exchange
    assert words(playing.replay()) == ""
    hidden, log = copy_of(exchange).log, exchange.log
    open_dossier(exchange.correspond(MA, tmp_path), FR)
    log, exchange.log = exchange.log, hidden

    def sequence() -> None:
        exchange.log = log

    playing.while_waiting = sequence
    done = playing.replay()
    assert (words(done), done.dossiers, playing.pauses) == ("", 4, [2.0])
