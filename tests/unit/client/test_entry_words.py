"""Every code of the ledger has a word: types of entries, fields, events of keys and of clocks, flags."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

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
from client.other_entries import OTHER_ENTRIES
from client.proof_claims import ProvenDecision
from client.proof_words import _verdict
from shared.audit.leaf_catalogue import CATALOGUE
from shared.domain import admissibility
from shared.domain.clock_events import EVENTS
from shared.keys.event_document import EventType

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


@pytest.mark.parametrize(("count", "said"), [(1, "refused 1 call from"), (7, "refused 7 calls from")])
def test_calls_are_counted_as_the_language_counts(count: int, said: str) -> None:
    refused = {"since": "1", "until": "2", "refused": [{"code": "call.busy", "count": count, "party": "BE.PF"}]}
    assert said in OTHER_ENTRIES["exchange.calls-refused"](refused, "en")


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
