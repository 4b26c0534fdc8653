from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.apisig.request_text import SignedRequest, verify_signed_request_text
from shared.apisig.sign import sign_request
from shared.apisig.verify import verify_request
from shared.errors import CallKeyUnknown, CallSignatureInvalid
from shared.keys.base64url import encode_b64u
from shared.keys.private import generate_ed25519

NOW = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)
URL = "https://exchange.example/v1/messages/0193-a?x=1"
SIGNER = generate_ed25519()
KEYID = SIGNER.kid("FR.BEPI")
KEYS = {KEYID: SIGNER.public_key()}


def text_of(body: bytes = b"") -> str:
    headers = sign_request("GET", URL, body, "text/plain" if body else None, SIGNER, KEYID, NOW)
    return verify_request("GET", URL, headers, body, KEYS.get, NOW).signature_text


def test_the_text_proves_who_asked_for_what_and_when() -> None:
    request = verify_signed_request_text(text_of(), KEYS.get)
    assert (request.method, request.target_uri, request.keyid) == ("GET", URL, KEYID)
    assert (request.created, request.expires, request.content_digest) == (NOW, NOW + timedelta(seconds=60), None)


def test_the_text_of_a_call_with_body_names_its_digest() -> None:
    request = verify_signed_request_text(text_of(b"body"), KEYS.get)
    assert request.content_digest is not None
    assert request.content_digest.startswith("sha-256=:")


def test_the_text_needs_no_clock() -> None:
    """It is verified years later, by whoever has the key."""
    assert isinstance(verify_signed_request_text(text_of(), KEYS.get), SignedRequest)


@pytest.mark.parametrize("body", [b"", b"body"])
def test_no_character_of_the_text_can_change(body: bytes) -> None:
    text = text_of(body)
    for position in range(len(text)):
        for other in ("A", "B", "\n"):
            if text[position] != other:
                with pytest.raises((CallSignatureInvalid, CallKeyUnknown)):
                    verify_signed_request_text(text[:position] + other + text[position + 1 :], KEYS.get)


def test_the_text_is_neither_cut_nor_lengthened() -> None:
    text = text_of()
    for length in range(len(text)):
        with pytest.raises((CallSignatureInvalid, CallKeyUnknown)):
            verify_signed_request_text(text[:length], KEYS.get)
    for more in (text + "\n", "\n" + text, text + "=", text + "\nsignature: AA", "x" * 20_000):
        with pytest.raises(CallSignatureInvalid):
            verify_signed_request_text(more, KEYS.get)


@given(st.text(max_size=100))
def test_noise_is_refused(noise: str) -> None:
    for text in (noise, f'"@method": GET\n"@signature-params": {noise}\nsignature: ' + "A" * 86):
        with pytest.raises(CallSignatureInvalid):
            verify_signed_request_text(text, KEYS.get)


def resigned(edit: Callable[[str], str]) -> str:
    """The signature base as its owner might write it otherwise, signed with the right key."""
    base = edit(text_of().rpartition("\nsignature: ")[0])
    return f"{base}\nsignature: {encode_b64u(SIGNER.sign(base.encode()))}"


def test_the_same_base_signed_again_verifies() -> None:
    assert verify_signed_request_text(resigned(str), KEYS.get).keyid == KEYID


FAULTS: dict[str, Callable[[str], str]] = {
    "one component missing": lambda b: re.sub(r'"@authority": [^\n]*\n', "", b).replace(' "@authority"', ""),
    "a component that is not listed": lambda b: '"x": 1\n' + b,
    "a component twice": lambda b: b.replace('"@authority":', '"@method": GET\n"@authority":'),
    "listed in another order": lambda b: b.replace('("@method" "@authority"', '("@authority" "@method"'),
    "another tag": lambda b: b.replace('tag="comity-v1"', 'tag="x"'),
    "another algorithm": lambda b: b.replace('alg="ed25519"', 'alg="x"'),
    "no nonce": lambda b: re.sub(r';nonce="[^"]*"', "", b),
    "a parameter twice": lambda b: b + ';tag="comity-v1"',
    "an unknown parameter": lambda b: b + ";x=1",
    "a time beyond the calendar": lambda b: re.sub(r"created=\d+", "created=999999999999999", b),
    "a time that is text": lambda b: re.sub(r"created=\d+", 'created="now"', b),
    "no parameters": lambda b: b.partition('\n"@signature-params"')[0],
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_base_that_is_not_the_profiles_is_refused_even_if_signed(fault: Callable[[str], str]) -> None:
    with pytest.raises(CallSignatureInvalid):
        verify_signed_request_text(resigned(fault), KEYS.get)


def test_a_text_under_another_key_is_refused() -> None:
    with pytest.raises(CallSignatureInvalid):
        verify_signed_request_text(text_of(), {KEYID: generate_ed25519().public_key()}.get)
    with pytest.raises(CallKeyUnknown):
        verify_signed_request_text(text_of(), lambda _: None)
