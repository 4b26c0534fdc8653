"""Keys, kids and key events, by an implementation made from `docs/spec/keys.md` alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.keys.base64url import encode_b64u
from tests.interop.changed_events import differences_over_events
from tests.interop.javascript import JavaScript, RefusedThere, missing_javascript
from tests.unit.keys.parties import ExchangeOnTest
from tests.unit.keys.test_exact_keys import CHAIN, KIDS, REFUSED

BAD_KEYS = sorted((Path(__file__).parents[1] / "vectors" / "attacks").glob("*-key-*.json"))
TRUSTED = {name: CHAIN[name] for name in ("exchange", "operators", "quorum")}
EVENTS = [one["event"] for one in CHAIN["events"]]


@pytest.fixture(scope="module")
def there() -> Iterator[JavaScript]:
    missing = missing_javascript()
    if missing:
        pytest.skip(missing)
    with JavaScript() as asked:
        yield asked


@pytest.mark.parametrize("one", KIDS, ids=lambda one: one["alg"])
def test_a_seed_gives_the_same_key_and_kid(there: JavaScript, one: dict[str, str]) -> None:
    said = there.ask("kid", alg=one["alg"], owner=one["owner"], seed=one["seed"])
    assert said == {"public": one["public"], "kid": one["kid"]}


def test_the_chain_verifies_to_the_same_digests_and_the_same_keys_count(there: JavaScript) -> None:
    for one in CHAIN["accepted"]:
        asked = [{"party": one["party"], "use": use, "at": one["at"]} for use in one["kids"]]
        known = {"logged": one["logged"], "compared": one["compared"]}
        said = there.ask("directory", **TRUSTED, events=EVENTS[: one["index"]], accepted=asked, **known)
        assert said["digests"] == [event["digest"] for event in CHAIN["events"][: one["index"]]]
        assert said["kids"] == list(one["kids"].values()), one["at"]


@pytest.mark.parametrize("one", REFUSED, ids=lambda one: one["name"])
def test_a_refused_event_is_refused_there(there: JavaScript, one: dict[str, Any]) -> None:
    with pytest.raises(RefusedThere, match=r"keys\.event-refused"):
        there.ask("directory", **TRUSTED, events=[*EVENTS[: one["after"]], one["event"]])


def test_no_changed_character_of_an_event_passes(there: JavaScript) -> None:
    chance = random.Random(20261122)
    for _ in range(40):
        at = chance.randrange(len(EVENTS[0]))
        changed = EVENTS[0][:at] + ("A" if EVENTS[0][at] != "A" else "B") + EVENTS[0][at + 1 :]
        with pytest.raises(RefusedThere, match=r"keys\.event-refused"):
            there.ask("directory", **TRUSTED, events=[changed])


def test_both_say_the_same_of_changed_events(there: JavaScript) -> None:
    assert list(differences_over_events(there, 40, seed=20261122)) == []


def test_what_our_parties_enrol_with_is_taken(there: JavaScript) -> None:
    exchange = ExchangeOnTest()
    exchange.enrol("MA.PGR")
    exchange.enrol_auditor("BE.AUDIT")
    said = there.ask(
        "directory",
        exchange=exchange.directory.exchange,
        operators=[encode_b64u(key.raw) for key in exchange.operator_keys],
        quorum=2,
        events=[document.decode() for document in exchange.documents],
        accepted=[{"party": "MA.PGR", "use": "seal-xwing", "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}],
    )
    assert said["digests"][-1] == exchange.directory.head


@pytest.mark.parametrize("file", BAD_KEYS, ids=lambda file: file.stem)
def test_bad_public_keys_are_refused_there_too(there: JavaScript, file: Path) -> None:
    golden = json.loads(file.read_text(encoding="utf-8"))
    assert golden["refused"]
    assert there.ask("sound", alg=golden["alg"], key=golden["accepted"]) is True
    for one in golden["refused"]:
        assert there.ask("sound", alg=golden["alg"], key=one["public"]) is False, one["what"]
