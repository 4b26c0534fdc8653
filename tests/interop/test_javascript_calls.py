"""Signed calls and receipts, ours and those of two strangers: an implementation from the page, and a library of npm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.apisig.profile import covered_components
from shared.apisig.receipts import verify_receipt
from shared.domain.ids import encode_time
from shared.errors import ComityError
from shared.keys.base64url import parse_b64u
from shared.keys.public import parse_ed25519
from tests.interop.changed_calls import (
    ADDRESSES,
    BODIES,
    CALLS,
    FILES,
    KEYID,
    RAW_KEYS,
    asked,
    differences_over_calls,
    outcomes,
    read_here,
    read_there,
    signed_here,
)
from tests.interop.javascript import JavaScript, RefusedThere, missing_javascript

STATEMENTS = json.loads((FILES / "directory-statement.json").read_text(encoding="utf-8"))
RECEIPT = json.loads((FILES / "receipt.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def there() -> Iterator[JavaScript]:
    missing = missing_javascript()
    if missing:
        pytest.skip(missing)
    with JavaScript() as asked:
        yield asked


@pytest.mark.parametrize("one", CALLS["accepted"], ids=lambda one: one["name"])
def test_a_vector_is_read_there_to_the_same_base_and_text(there: JavaScript, one: dict[str, Any]) -> None:
    found = read_there(there, one, one["now"])
    assert (found["base"], found["text"]) == (one["signature_base"], one["text"])
    assert there.ask("text", text=one["text"], keys=RAW_KEYS)["target"] == one["url"]


@pytest.mark.parametrize("one", CALLS["refused"], ids=lambda one: one["name"])
def test_a_refused_vector_is_refused_there_with_the_same_code(there: JavaScript, one: dict[str, Any]) -> None:
    assert outcomes(there, one, one["now"]) == (one["code"], one["code"])


@pytest.mark.parametrize("url", ADDRESSES)
@pytest.mark.parametrize("body", BODIES)
def test_each_verifies_what_the_other_signs(there: JavaScript, url: str, body: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    ours = signed_here(url, body, now)
    here, said = outcomes(there, ours, encode_time(now))
    assert here == said
    assert said.startswith('"@method"')
    theirs = asked(url, body, now)
    headers = there.ask("signed_call", **theirs)
    assert read_here({**theirs, "headers": headers}, encode_time(now)).keyid == KEYID


@pytest.mark.parametrize("url", ADDRESSES)
@pytest.mark.parametrize("body", BODIES)
def test_a_library_of_npm_and_ours_verify_each_other(there: JavaScript, url: str, body: str) -> None:
    now = datetime.now(UTC)
    ours = signed_here(url, body, now)
    library = {name: ours[name] for name in ("method", "url", "headers")}
    assert there.ask("verified_by_library", **library, keys=RAW_KEYS) is True
    theirs = asked(url, body, now)
    headers = there.ask("signed_by_library", **theirs, nonce="A" * 22)
    assert read_here({**theirs, "headers": headers}, encode_time(now)).keyid == KEYID


@pytest.mark.parametrize("name", ["method", "url"])
def test_the_library_refuses_our_call_with_something_covered_changed(there: JavaScript, name: str) -> None:
    ours = signed_here(ADDRESSES[0], BODIES[1], datetime.now(UTC))
    changed = {**{one: ours[one] for one in ("method", "url", "headers")}, name: ours[name] + "X"}
    assert there.ask("verified_by_library", **changed, keys=RAW_KEYS) is False


def test_what_the_library_signs_outside_the_profile_is_refused(there: JavaScript) -> None:
    now = datetime.now(UTC)
    theirs = asked(ADDRESSES[0], BODIES[1], now)
    freedoms: tuple[dict[str, Any], ...] = (
        {"name": "sig1"},
        {"fields": [*covered_components(True), "@path"]},
        {"fields": list(covered_components(True))[:-1]},
        {"params": ["created", "expires", "keyid", "alg", "tag"]},
    )
    for changes in freedoms:
        headers = there.ask("signed_by_library", **theirs, nonce="A" * 22, changes=changes)
        with pytest.raises(ComityError, match="does not verify"):
            read_here({**theirs, "headers": headers}, encode_time(now))


def test_both_say_the_same_of_changed_headers(there: JavaScript) -> None:
    assert list(differences_over_calls(there, 400, seed=20261122)) == []


def test_each_verifies_the_receipts_of_the_other(there: JavaScript) -> None:
    assert there.ask("receipt", receipt=RECEIPT["receipt"], key=RECEIPT["public"]) == RECEIPT["members"]
    assert there.ask("signed_receipt", members=RECEIPT["members"], seed=RECEIPT["seed"]) == RECEIPT["receipt"]
    key = parse_ed25519(parse_b64u(RECEIPT["public"]))
    for at in range(0, len(RECEIPT["receipt"]), 7):
        text = RECEIPT["receipt"]
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        with pytest.raises(RefusedThere, match=r"client\.receipt-invalid"):
            there.ask("receipt", receipt=changed, key=RECEIPT["public"])
        with pytest.raises(ComityError):
            verify_receipt(changed, key)


def test_both_verify_statements_about_the_directory_and_refuse_the_same(there: JavaScript) -> None:
    for one in STATEMENTS["accepted"]:
        assert there.ask("statement", statement=one["statement"], key=STATEMENTS["public"]) == one["members"]
    for one in STATEMENTS["refused"]:
        with pytest.raises(RefusedThere, match=r"client\.directory-undated"):
            there.ask("statement", statement=one["statement"], key=STATEMENTS["public"])
