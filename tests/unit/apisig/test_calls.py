"""A signed call is its signer's and nobody else's: no covered value can change, and the key must be a known one."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.apisig.verify import verify_request
from shared.errors import (
    CallDigestMismatch,
    CallKeyUnknown,
    CallSignatureInvalid,
    CallUnsigned,
    ComityError,
    StoreUnavailable,
)
from shared.keys.private import generate_ed25519
from shared.keys.public import Ed25519Public
from tests.unit.apisig.signed_calls import BODY, KEYID, NOW, SECOND, Call, a_call, changed


def test_a_signed_call_is_its_signers() -> None:
    verified = a_call().verify()
    assert (verified.keyid, verified.created, verified.expires) == (KEYID, NOW, NOW + 60 * SECOND)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", verified.nonce)


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_a_call_without_body_covers_no_content(method: str) -> None:
    call = a_call(method, body=b"")
    assert set(call.headers) == {"Signature-Input", "Signature"}
    assert call.verify().keyid == KEYID


def test_no_two_calls_share_a_nonce() -> None:
    assert a_call().verify().nonce != a_call().verify().nonce


PATHS = st.from_regex(r"/[a-zA-Z0-9._~/-]{0,40}(\?[a-z]{1,5}=[a-zA-Z0-9%]{0}[a-zA-Z0-9]{0,9})?", fullmatch=True)


@settings(max_examples=60)
@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), PATHS, st.binary(max_size=200))
def test_every_call_that_is_signed_verifies(method: str, path: str, body: bytes) -> None:
    call = a_call(method, "https://exchange.example" + path, body)
    assert call.verify().keyid == KEYID


# --- every covered value


@pytest.mark.parametrize("method", ["PUT", "GET", "post"])
def test_another_method_is_refused(method: str) -> None:
    call = a_call()
    with pytest.raises(CallSignatureInvalid):
        Call(method, call.url, call.headers, call.body).verify()


@pytest.mark.parametrize(
    "url",
    [
        "http://exchange.example/v1/messages?wait=5&after=a%2Fb",
        "https://other.example/v1/messages?wait=5&after=a%2Fb",
        "https://exchange.example:444/v1/messages?wait=5&after=a%2Fb",
        "https://exchange.example/v1/message?wait=5&after=a%2Fb",
        "https://exchange.example/v1/messages?wait=6&after=a%2Fb",
        "https://exchange.example/v1/messages?after=a%2Fb&wait=5",
        "https://exchange.example/v1/messages?wait=5&after=a/b",
        "https://exchange.example/v1/messages?wait=5&after=a%2fb",
        "https://exchange.example/v1/messages",
        "https://exchange.example/v1/messages?wait=5&after=a%2Fb&",
        "/v1/messages?wait=5&after=a%2Fb",
        "not a url",
        "",
    ],
)
def test_another_url_is_refused(url: str) -> None:
    call = a_call()
    with pytest.raises(CallSignatureInvalid):
        Call(call.method, url, call.headers, call.body).verify()


@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], BODY.upper(), b"x"])
def test_another_body_is_refused(body: bytes) -> None:
    call = a_call()
    with pytest.raises(CallDigestMismatch):
        Call(call.method, call.url, call.headers, body).verify()


def test_a_body_that_was_taken_away_or_added_is_refused() -> None:
    with pytest.raises(CallSignatureInvalid, match="covers exactly"):
        Call(headers=a_call().headers, body=b"").verify()
    with pytest.raises(CallSignatureInvalid, match="covers exactly"):
        Call(headers=a_call(body=b"").headers, body=BODY).verify()


def test_another_content_type_is_refused() -> None:
    with pytest.raises(CallSignatureInvalid):
        changed(a_call(), "Content-Type", lambda _: "application/json").verify()


def test_a_digest_of_another_body_does_not_pass_with_it() -> None:
    other = a_call(body=b"other").headers["Content-Digest"]
    call = changed(a_call(), "Content-Digest", lambda _: other)
    with pytest.raises(CallSignatureInvalid):
        Call(call.method, call.url, call.headers, b"other").verify()


@pytest.mark.parametrize("name", ["Content-Type", "Content-Digest", "Signature", "Signature-Input"])
def test_a_header_that_is_missing_is_refused(name: str) -> None:
    headers = {given: value for given, value in a_call().headers.items() if given != name}
    with pytest.raises((CallSignatureInvalid, CallUnsigned)):
        Call(headers=headers).verify()


def test_no_character_of_the_signature_fields_can_change() -> None:
    call = a_call()
    for name in ("Signature-Input", "Signature"):
        text = call.headers[name]
        for position in range(len(text)):
            swapped = "Q" if text[position] != "Q" else "A"  # differ in the bits that base64's last character uses
            broken = text[:position] + swapped + text[position + 1 :]
            with pytest.raises(ComityError):
                Call(headers={**call.headers, name: broken}).verify()


PARAMETER_EDITS: dict[str, Callable[[str], str]] = {
    "created": lambda v: re.sub(r"created=(\d+)", lambda m: f"created={int(m[1]) + 1}", v),
    "expires": lambda v: re.sub(r"expires=(\d+)", lambda m: f"expires={int(m[1]) - 1}", v),
    "nonce": lambda v: re.sub(r'nonce="[^"]*"', 'nonce="AAAAAAAAAAAAAAAAAAAAAA"', v),
    "alg": lambda v: v.replace("ed25519", "hmac-sha256"),
    "tag": lambda v: v.replace("comity-v1", "comity-v2"),
    "label": lambda v: v.replace("comity=", "other="),
    "order": lambda v: v.replace('"@method" "@authority"', '"@authority" "@method"'),
    "one less": lambda v: v.replace(' "content-type"', ""),
    "one twice": lambda v: v.replace('"@method"', '"@method" "@method"'),
    "flagged": lambda v: v.replace('"content-type"', '"content-type";sf'),
    "response's": lambda v: v.replace('"@method"', '"@method";req'),
    "unknown parameter": lambda v: v + ";x=1",
    "no parameter": lambda v: re.sub(r";nonce=\"[^\"]*\"", "", v),
    "created as text": lambda v: re.sub(r"created=(\d+)", r'created="\1"', v),
    "created beyond the calendar": lambda v: re.sub(r"created=\d+", "created=999999999999999", v),
    "not a list": lambda v: "comity=1",
    "not a dictionary": lambda v: "(((",
}


@pytest.mark.parametrize("edit", PARAMETER_EDITS.values(), ids=PARAMETER_EDITS)
def test_nothing_about_the_signature_can_be_rewritten(edit: Callable[[str], str]) -> None:
    with pytest.raises((CallSignatureInvalid, CallUnsigned)):
        changed(a_call(), "Signature-Input", edit).verify()


@given(st.text(max_size=80), st.text(max_size=80))
def test_noise_in_the_signature_fields_is_refused(signature_input: str, signature: str) -> None:
    for prefix in ("", 'comity=("@method");tag="comity-v1"'):
        call = Call(headers={"Signature-Input": prefix + signature_input, "Signature": signature})
        with pytest.raises((CallUnsigned, CallSignatureInvalid, CallKeyUnknown)):
            call.verify()


# --- keys


def test_a_key_that_nobody_knows_is_named() -> None:
    call = a_call()
    with pytest.raises(CallKeyUnknown, match=re.escape(KEYID)):
        verify_request(call.method, call.url, call.headers, call.body, lambda _: None, NOW)


def test_a_call_signed_with_another_key_under_my_name_is_refused() -> None:
    with pytest.raises(CallSignatureInvalid):
        a_call(signer=generate_ed25519()).verify()


def test_a_directory_that_cannot_be_read_is_not_a_bad_signature() -> None:
    def resolve(keyid: str) -> Ed25519Public | None:
        raise StoreUnavailable(why="down")

    call = a_call()
    with pytest.raises(StoreUnavailable):
        verify_request(call.method, call.url, call.headers, call.body, resolve, NOW)
