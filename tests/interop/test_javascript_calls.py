"""Signed calls and receipts, ours and those of two strangers: an implementation from the page, and a library of npm."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.apisig.profile import covered_components
from shared.apisig.receipts import verify_receipt
from shared.apisig.sign import sign_request
from shared.apisig.verify import verify_request
from shared.domain.ids import encode_time, parse_time
from shared.errors import ComityError
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer
from shared.keys.public import parse_ed25519
from tests.interop.javascript import JavaScript, RefusedThere, missing_javascript

FILES = Path(__file__).parents[1] / "vectors" / "calls"
CALLS = json.loads((FILES / "calls.json").read_text(encoding="utf-8"))
RECEIPT = json.loads((FILES / "receipt.json").read_text(encoding="utf-8"))
SIGNER = Ed25519Signer(parse_b64u(CALLS["seed"]))
KEYID = CALLS["keyid"]
KEYS = {KEYID: SIGNER.public_key()}
RAW_KEYS = {KEYID: encode_b64u(SIGNER.public)}
TYPE = "application/vnd.comity.message+json"
ADDRESSES = (
    "https://exchange.example/v1/feed?after=a%2Fb",
    "http://127.0.0.1:8470/v1/x",
    "https://x.example/comity/v1/y",
)
BODIES = ("", '{"jws":{}}')


@pytest.fixture(scope="module")
def there() -> Iterator[JavaScript]:
    missing = missing_javascript()
    if missing:
        pytest.skip(missing)
    with JavaScript() as asked:
        yield asked


def read_there(there: JavaScript, call: dict[str, Any], now: str) -> Any:
    given = {name: call[name] for name in ("method", "url", "body")}
    pairs = list(call["headers"].items())
    return there.ask("call", **given, headers=pairs, has_body=bool(call["body"]), keys=RAW_KEYS, now=now)


def read_here(call: dict[str, Any], now: str) -> Any:
    body, moment = call["body"].encode(), parse_time(now)
    return verify_request(call["method"], call["url"], call["headers"], body, KEYS.get, moment)


def outcomes(there: JavaScript, call: dict[str, Any], now: str) -> tuple[str, str]:
    """What each says: the code of the refusal, or the text that it keeps."""
    try:
        here = read_here(call, now).signature_text
    except ComityError as refused:
        here = refused.code
    try:
        said = read_there(there, call, now)["text"]
    except RefusedThere as refusal:
        said = refusal.code
    return here, said


def signed_here(url: str, body: str, at: datetime) -> dict[str, Any]:
    method = "POST" if body else "GET"
    headers = sign_request(method, url, body.encode(), TYPE if body else None, SIGNER, KEYID, at)
    return {"method": method, "url": url, "body": body, "headers": headers}


def asked(url: str, body: str, at: datetime) -> dict[str, Any]:
    method = "POST" if body else "GET"
    given = {"method": method, "url": url, "body": body, "content_type": TYPE, "keyid": KEYID}
    return {**given, "seed": CALLS["seed"], "created": int(at.timestamp())}


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
    """One to three characters of a header replaced by what means something in it."""
    chance = random.Random(20261122)
    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(600):
        call = signed_here(ADDRESSES[0], BODIES[number % 2], now)
        name = chance.choice(list(call["headers"]))
        text = call["headers"][name]
        at = chance.randrange(len(text))
        put = "".join(chance.choice('";=(), :\\aB1\t*') for _ in range(chance.randrange(4)))
        changed = text[:at] + put + text[at + chance.randrange(4) :]
        here, said = outcomes(there, {**call, "headers": {**call["headers"], name: changed}}, encode_time(now))
        assert here == said, f"number {number}: {name}: {changed}"


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
