"""Keys and key events written from the page: ours takes them, counts as the page says, and refuses the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from shared.domain.ids import parse_time
from shared.errors import KeyEventRefused
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.directory import Directory
from shared.keys.event_document import Use
from shared.keys.events import replay_events, verify_event
from shared.keys.private import Ed25519Signer, MLDSA44Signer, MLDSA65Signer, XWingOpener
from shared.keys.public import parse_ed25519
from shared.keys.waiting import Waits

FILES = Path(__file__).parents[2] / "vectors" / "keys"
CHAIN: dict[str, Any] = json.loads((FILES / "events.json").read_text(encoding="utf-8"))
KIDS: list[dict[str, str]] = json.loads((FILES / "kids.json").read_text(encoding="utf-8"))
REFUSED: list[dict[str, Any]] = json.loads((FILES / "refused.json").read_text(encoding="utf-8"))
OPERATORS = [parse_ed25519(parse_b64u(key)) for key in CHAIN["operators"]]
SIGNERS: dict[str, Callable[[bytes], Any]] = {
    "Ed25519": Ed25519Signer,
    "ML-DSA-65": MLDSA65Signer,
    "ML-DSA-44": MLDSA44Signer,
    "X-Wing": XWingOpener,
}


def directory_after(count: int) -> Directory:
    events = [one["event"].encode() for one in CHAIN["events"][:count]]
    return replay_events(events, OPERATORS, CHAIN["quorum"], Directory.empty(CHAIN["exchange"]))


@pytest.mark.parametrize("one", KIDS, ids=lambda one: one["alg"])
def test_a_seed_gives_the_key_and_the_kid_of_the_page(one: dict[str, str]) -> None:
    key = SIGNERS[one["alg"]](parse_b64u(one["seed"]))
    assert (encode_b64u(key.public), key.kid(one["owner"])) == (one["public"], one["kid"])


def test_every_event_verifies_and_has_its_digest() -> None:
    directory = Directory.empty(CHAIN["exchange"])
    for one in CHAIN["events"]:
        event = verify_event(one["event"].encode(), OPERATORS, CHAIN["quorum"], directory)
        assert event.digest == one["digest"]
        directory = directory.apply(event)


@pytest.mark.parametrize("one", CHAIN["accepted"], ids=lambda one: f"{one['party']} at {one['at']}")
def test_the_keys_that_count_are_those_of_the_page(one: dict[str, Any]) -> None:
    waits = Waits(compared=frozenset(one["compared"]), logged={e["seq"]: parse_time(e["at"]) for e in one["logged"]})
    directory, at = directory_after(one["index"]).under(waits), parse_time(one["at"])
    for use in get_args(Use):
        accepted = [key.kid for key in directory.accepted(one["party"], use, at)]
        assert accepted == one["kids"][use], use
        even_waiting = directory.accepted(one["party"], use, at, even_waiting=True)
        assert directory.current(one["party"], use, at) == (even_waiting[0] if even_waiting else None)


@pytest.mark.parametrize("one", REFUSED, ids=lambda one: one["name"])
def test_an_event_that_breaks_a_rule_is_refused(one: dict[str, Any]) -> None:
    with pytest.raises(KeyEventRefused):
        verify_event(one["event"].encode(), OPERATORS, CHAIN["quorum"], directory_after(one["after"]))
