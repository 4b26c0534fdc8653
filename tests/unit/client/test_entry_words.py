"""Every code of the ledger has a word: types of entries, fields, events of keys and of clocks, flags."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from client.audit_words import explain
from client.entry_words import (
    CLOCK_WORDS,
    ENTRY_WORDS,
    FIELD_WORDS,
    FLAG_WORDS,
    KEY_EVENT_WORDS,
    entry_word,
    flag_word,
    key_event_words,
)
from client.other_entries import DETAILS, OTHER_ENTRIES
from client.proof_claims import ProvenDecision
from client.proof_words import _verdict
from client.registry_words import OF_INSTRUMENT, OF_INSTRUMENT_ON, OF_PARTY, OF_PARTY_ON, change_words
from shared.audit.leaf_catalogue import CATALOGUE
from shared.audit.leaves import Leaf
from shared.audit.log_verification import LoggedLeaf
from shared.domain import admissibility
from shared.domain.clock_events import EVENTS
from shared.domain.instrument_changes import changes_between
from shared.keys.event_document import EventType
from shared.texts.catalogue import LANGUAGES
from tests.unit.domain.test_instruments_in_time import Edit, amended, edited, spain

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CLOCK = {
    "debtor": "BE.PF",
    "event": "reminder-7",
    "measures": ["M1"],
    "leg": "BE.PF",
    "falls": "2026-12-01T08:00:00.000000Z",
    "calendar": "be.sample-2026-1",
}
OWED = {"owed": "decide", "basis": "policy", "due": "2026-12-08T23:59:59.000000Z"}


def test_no_code_of_the_ledger_lacks_its_word() -> None:
    assert set(ENTRY_WORDS) == set(CATALOGUE)
    assert set(FIELD_WORDS) == {field.name for fields in CATALOGUE.values() for field in fields}
    assert set(KEY_EVENT_WORDS) == set(get_args(EventType))
    assert set(CLOCK_WORDS) == set(EVENTS)
    written = Path(admissibility.__file__).read_text(encoding="utf-8")
    assert set(FLAG_WORDS) == {*re.findall(r'Flag\(\s*"([a-z-]+)"', written), admissibility.NO_REGISTRY}


def test_a_code_stands_behind_its_word_so_that_it_can_be_searched_for() -> None:
    assert entry_word("clock.event", "fr") == "horloge d'un délai [clock.event]"
    assert flag_word("not-in-force:be.pf", "es") == "el instrumento no está en vigor [not-in-force:be.pf]"
    assert key_event_words("suspend", "BE.PF", "en") == "BE.PF was suspended [suspend]"


def test_a_code_of_a_newer_program_stands_for_itself() -> None:
    assert flag_word("unheard-of", "fr") == "unheard-of"


MINUTE = {"since": "2026-11-22T09:58:31.648398Z", "until": "2026-11-22T09:59:31.653866Z"}


@pytest.mark.parametrize(("count", "said"), [(1, "refused 1 call from"), (7, "refused 7 calls from")])
def test_calls_are_counted_as_the_language_counts(count: int, said: str) -> None:
    refused = {**MINUTE, "refused": [{"code": "call.busy", "count": count, "party": "BE.PF"}]}
    told = OTHER_ENTRIES["exchange.calls-refused"](refused, "en")
    assert f"{said} 2026-11-22 09:58:31 UTC to 2026-11-22 09:59:31 UTC: " in told


def test_why_calls_were_refused_is_told_in_words_with_the_code_behind() -> None:
    def refused(*codes: str) -> dict[str, object]:
        kinds = [{"code": code, "count": 2, "party": "BE.PF"} for code in codes]
        return {**MINUTE, "refused": kinds}

    tell = OTHER_ENTRIES["exchange.calls-refused"]
    assert tell(refused("call.clock-skew"), "fr").endswith("2 × Écart d'horloge de l'appel [call.clock-skew] (BE.PF)")
    assert tell(refused("call.unheard-of"), "fr").endswith("2 × call.unheard-of (BE.PF)"), "of a newer exchange"
    many = refused("call.busy", "call.too-many", "call.replayed", "call.not-there", "call.unsigned")
    assert tell(many, "en").endswith("2 × Call replayed [call.replayed] (BE.PF); and 2 more")
    assert DETAILS["exchange.calls-refused"](many, "en")[4] == "2 × Call unsigned [call.unsigned] (BE.PF)"


def test_what_does_not_fit_the_line_is_told_whole_where_the_entry_is_explained() -> None:
    codes = ("call.busy", "call.too-many", "call.replayed", "call.unsigned")
    for count, more in ((3, 0), (4, 4)):
        refused = [{"code": code, "count": 1} for code in codes[:count]]
        leaf = Leaf("exchange.calls-refused", NOW, bytes(16), {**MINUTE, "refused": refused})
        shown = SimpleNamespace(logged=LoggedLeaf(7, NOW, leaf), received=None)
        told = explain(shown, None)  # type: ignore[arg-type]  # no message is asked for
        assert told[1:] == DETAILS["exchange.calls-refused"](leaf.fields, "en")[:more]


EDITS: tuple[Edit, ...] = (
    spain(in_force="2012-01-01", filing="accepted"),
    spain(in_force=None),
    spain(suspended="2026-01-01", resumed="2026-12-01"),
    spain(denounced="2027-01-01"),
    lambda entry: entry["parties"].pop("ES"),
    lambda entry: entry.update(in_force=None),
    lambda entry: entry["notes"].append("a note"),
    amended(date(2026, 12, 1), clock="eio.1"),
)


def every_change() -> set[str]:
    """All that `instrument_changes` can write, each way."""
    base = edited()
    found = {*changes_between(None, base), "ma-es-2009:removed", "changes:700", "ma-es-2009:es:party:none"}
    for edit in EDITS:
        found |= {*changes_between(base, edited(edit)), *changes_between(edited(edit), base)}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_change_of_the_registry_has_its_words_with_the_code_behind(language: str) -> None:
    told = {one: change_words(one, language) for one in every_change()}
    assert [one for one, words in told.items() if one == words or "[" + one not in words.replace("\u200e", "")] == []
    kinds = {part for one in told for part in one.split(":")}
    assert {*OF_INSTRUMENT, *OF_INSTRUMENT_ON, *OF_PARTY, *OF_PARTY_ON, "amended", "calendar"} <= kinds


def test_a_change_tells_who_and_from_when() -> None:
    told = change_words("ma-fr-2008:fr:denounced:2027-01-01", "es")
    assert told == "FR ha denunciado ma-fr-2008 con efecto desde 2027-01-01 [ma-fr-2008:fr:denounced:2027-01-01]"
    assert change_words("ma-fr-2008:fr:denounced:none", "en").startswith("it is no more said that FR has denounced")
    assert change_words("ma-fr-2008:fr:unheard-of", "fr") == "ma-fr-2008:fr:unheard-of"
    news = OTHER_ENTRIES["directory.instruments"]({"version": 7, "changes": ["eio:added", "eio:fr:practice"]}, "en")
    assert news.endswith(
        "new in it: eio is new in the registry [eio:added]; FR has other authorities, languages or"
        " ways of filing under eio [eio:fr:practice]"
    )


def test_a_clock_says_in_words_what_fell_and_what_is_owed() -> None:
    tell = OTHER_ENTRIES["clock.event"]
    assert "il reste 7 jours [reminder-7] ; M1 sur la branche de BE.PF" in tell(CLOCK, "fr")
    assert "“decision” (policy), due 2026-12-08" in tell({**CLOCK, **OWED}, "en")
    assert "decide" not in tell({**CLOCK, **OWED}, "es")


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("not-in-force:be.pf", "Fue admitido con esta reserva: el instrumento no está en vigor [not-in-force:be.pf]."),
        ("unheard-of", "Fue admitido con la reserva unheard-of."),
    ],
)
def test_a_court_reads_a_reservation_in_words(flag: str, said: str) -> None:
    decision = ProvenDecision(7, NOW, NOW, 5, None, (flag,))
    assert said in [one.told("es") for one in _verdict(SimpleNamespace(decision=decision))]  # type: ignore[arg-type]  # of a whole proof this is what is read
