from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from shared.apisig.profile import content_digest, covered_components
from shared.apisig.sign import sign_request
from shared.apisig.verify import VerifiedCall, verify_request
from shared.errors import (
    CallClockSkew,
    CallDigestMismatch,
    CallKeyUnknown,
    CallSignatureInvalid,
    CallUnsigned,
    ComityError,
    StoreUnavailable,
)
from shared.keys.private import Ed25519Signer, generate_ed25519
from shared.keys.public import Ed25519Public

NOW = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)
URL = "https://exchange.example/v1/messages?wait=5&after=a%2Fb"
BODY = b'{"jws":{}}'
TYPE = "application/vnd.comity.message+json"
SECOND = timedelta(seconds=1)

SIGNER = generate_ed25519()
KEYID = SIGNER.kid("MA.PGR")
KEYS = {KEYID: SIGNER.public_key()}


@dataclass
class Call:
    """A signed call, and its verification."""

    method: str = "POST"
    url: str = URL
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = BODY

    def verify(self, now: datetime = NOW, **limits: int) -> VerifiedCall:
        return verify_request(self.method, self.url, self.headers, self.body, KEYS.get, now, **limits)


def a_call(method: str = "POST", url: str = URL, body: bytes = BODY, signer: Ed25519Signer = SIGNER) -> Call:
    headers = sign_request(method, url, body, TYPE if body else None, signer, KEYID, NOW)
    return Call(method, url, headers, body)


def changed(call: Call, name: str, edit: Callable[[str], str]) -> Call:
    assert edit(call.headers[name]) != call.headers[name], "the edit must change something"
    return Call(call.method, call.url, {**call.headers, name: edit(call.headers[name])}, call.body)


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


@settings(max_examples=60, deadline=None)
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


# --- correctly signed by the caller's key, but not to the profile


@dataclass
class Outgoing:
    method: str
    url: str
    headers: dict[str, str]


def loosely_signed(  # each argument is one freedom that RFC 9421 gives and the profile takes away
    *,
    covered: tuple[str, ...] = covered_components(True),
    label: str = "comity",
    tag: str = "comity-v1",
    nonce: str | None = "AAAAAAAAAAAAAAAAAAAAAA",
    life: timedelta | None = 60 * SECOND,
    include_alg: bool = True,
    digest: str | None = None,
    keyid: str = KEYID,
) -> Call:
    call = a_call()
    headers = {"Content-Type": TYPE, "Content-Digest": digest or call.headers["Content-Digest"]}
    out = Outgoing("POST", URL, headers)
    own = Ed25519PrivateKey.from_private_bytes(SIGNER.seed)
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys={}, private_keys={keyid: own})
    )
    signer.sign(
        out,
        key_id=keyid,
        created=NOW,
        expires=NOW + life if life is not None else None,
        nonce=nonce,
        label=label,
        tag=tag,
        include_alg=include_alg,
        covered_component_ids=covered,
        use_existing_digest=True,
    )
    return Call(headers=out.headers)


def test_another_implementation_that_keeps_the_profile_is_understood() -> None:
    reordered = tuple(reversed(covered_components(True)))
    for call in (loosely_signed(), loosely_signed(covered=reordered)):
        assert call.verify().keyid == KEYID


FREEDOMS: dict[str, Call] = {
    "method not covered": loosely_signed(covered=covered_components(True)[1:]),
    "authority not covered": loosely_signed(
        covered=tuple(c for c in covered_components(True) if c != "@authority")
    ),
    "target not covered": loosely_signed(covered=tuple(c for c in covered_components(True) if c != "@target-uri")),
    "type not covered": loosely_signed(covered=tuple(c for c in covered_components(True) if c != "content-type")),
    "digest not covered": loosely_signed(covered=covered_components(True)[:-1]),
    "only the path covered": loosely_signed(covered=("@method", "@path")),
    "more covered": loosely_signed(covered=(*covered_components(True), "@path")),
    "nothing covered": loosely_signed(covered=()),
    "no nonce": loosely_signed(nonce=None),
    "short nonce": loosely_signed(nonce="abc"),
    "nonce of other characters": loosely_signed(nonce="a" * 21 + "!"),
    "endless nonce": loosely_signed(nonce="a" * 87),
    "no end": loosely_signed(life=None),
    "no life": loosely_signed(life=timedelta(0)),
    "negative life": loosely_signed(life=-SECOND),
    "long life": loosely_signed(life=61 * SECOND),
    "no algorithm": loosely_signed(include_alg=False),
    "another label": loosely_signed(label="sig1"),
}  # fmt: skip


@pytest.mark.parametrize("call", FREEDOMS.values(), ids=FREEDOMS)
def test_a_freedom_that_the_profile_takes_away_is_refused(call: Call) -> None:
    with pytest.raises(CallSignatureInvalid):
        call.verify()


def test_a_call_signed_for_another_purpose_counts_as_unsigned() -> None:
    with pytest.raises(CallUnsigned):
        loosely_signed(tag="other-v1").verify()
    with pytest.raises(CallUnsigned):
        Call(headers={}).verify()


def test_a_right_digest_in_another_form_is_refused() -> None:
    """One form only: two implementations must not differ over which of several digests counts."""
    sha256, sha512 = content_digest(BODY), f"sha-512=:{base64.b64encode(hashlib.sha512(BODY).digest()).decode()}:"
    assert loosely_signed(digest=sha256).verify().keyid == KEYID
    for digest in (sha512, f"{sha256}, {sha512}", f"{sha256};x=1"):
        with pytest.raises(CallDigestMismatch):
            loosely_signed(digest=digest).verify()


# --- several signatures


def both(one: Call, other: Call, label: str) -> Call:
    """`one`'s headers with `other`'s signature beside it, under another label."""
    renamed = {name: value.replace("comity=", f"{label}=", 1) for name, value in other.headers.items()}
    merged = {name: f"{one.headers[name]}, {renamed[name]}" for name in ("Signature-Input", "Signature")}
    return Call(headers={**one.headers, **merged})


def test_two_signatures_with_our_tag_are_refused() -> None:
    for call in (both(a_call(), a_call(), "second"), both(loosely_signed(label="second"), a_call(), "comity")):
        with pytest.raises(CallSignatureInvalid, match="exactly one"):
            call.verify()


def test_a_proxys_own_signature_is_not_our_concern() -> None:
    assert both(a_call(), loosely_signed(tag="proxy-v1", label="comity"), "proxy").verify().keyid == KEYID


def test_the_same_label_twice_is_refused() -> None:
    with pytest.raises(CallSignatureInvalid):
        both(a_call(), a_call(), "comity").verify()


def lines(*given: tuple[str, str]) -> Headers:
    """Headers as the server has them: a name may stand twice."""
    return Headers(raw=[(name.lower().encode(), value.encode()) for name, value in given])


@pytest.mark.parametrize("name", ["Content-Type", "Content-Digest", "Signature", "Signature-Input"])
def test_a_second_line_of_a_header_does_not_hide(name: str) -> None:
    call = a_call()
    sent = list(call.headers.items())
    for second in ("x", call.headers[name]):
        for order in ([*sent, (name, second)], [(name, second), *sent]):
            with pytest.raises((CallSignatureInvalid, CallDigestMismatch)):
                Call(headers=lines(*order)).verify()


def test_header_names_have_no_case() -> None:
    assert Call(headers={name.lower(): value for name, value in a_call().headers.items()}).verify().keyid == KEYID
    assert Call(headers={name.upper(): value for name, value in a_call().headers.items()}).verify().keyid == KEYID


@pytest.mark.parametrize("name", ["Signature-Input", "Signature"])
def test_a_field_beyond_its_limit_is_refused_before_anything_is_verified(name: str) -> None:
    call = a_call()
    longer = {**call.headers, name: call.headers[name] + ", x=1" * 1000}
    with pytest.raises(CallSignatureInvalid, match="4096 characters"):
        verify_request("POST", URL, longer, BODY, _must_not_be_asked, NOW)


def _must_not_be_asked(keyid: str) -> Ed25519Public | None:
    raise AssertionError(keyid)


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


# --- time


@pytest.mark.parametrize("seconds", [-10, 0, 59, 60, 70])
def test_a_call_is_accepted_within_its_life_and_the_skew(seconds: int) -> None:
    assert a_call().verify(NOW + seconds * SECOND).created == NOW


@pytest.mark.parametrize(("seconds", "limit"), [(-11, "10"), (-3600, "10"), (71, "60"), (86_400, "60")])
def test_a_call_out_of_time_is_refused_with_the_limit_that_it_broke(seconds: int, limit: str) -> None:
    with pytest.raises(CallClockSkew, match=f"the limit is {limit} s"):
        a_call().verify(NOW + seconds * SECOND)


def test_a_shorter_life_counts() -> None:
    short = loosely_signed(life=5 * SECOND)
    assert short.verify(NOW + 15 * SECOND).expires == NOW + 5 * SECOND
    with pytest.raises(CallClockSkew):
        short.verify(NOW + 16 * SECOND)


def test_a_stricter_exchange_may_shorten_the_limits() -> None:
    assert loosely_signed(life=30 * SECOND).verify(max_age_s=30, skew_s=0).keyid == KEYID
    with pytest.raises(CallSignatureInvalid):
        a_call().verify(max_age_s=30)
    with pytest.raises(CallClockSkew):
        a_call().verify(NOW - SECOND, skew_s=0)


def test_the_clock_of_the_machine_plays_no_part() -> None:
    year = timedelta(days=365)
    headers = sign_request("GET", URL, b"", None, SIGNER, KEYID, NOW - 20 * year)
    assert verify_request("GET", URL, headers, b"", KEYS.get, NOW - 20 * year).created == NOW - 20 * year
    headers = sign_request("GET", URL, b"", None, SIGNER, KEYID, NOW + 20 * year)
    assert verify_request("GET", URL, headers, b"", KEYS.get, NOW + 20 * year).created == NOW + 20 * year


# --- the other side


def test_a_plain_rfc_9421_verifier_accepts_our_calls() -> None:
    now = datetime.now(UTC)
    out = Outgoing("POST", URL, sign_request("POST", URL, BODY, TYPE, SIGNER, KEYID, now))
    public = Ed25519PrivateKey.from_private_bytes(SIGNER.seed).public_key()
    verifier = HTTPMessageVerifier(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys={KEYID: public}, private_keys={})
    )
    assert verifier.verify(out, expect_tag="comity-v1", body=BODY)[0].parameters["keyid"] == KEYID


def test_a_body_without_content_type_is_not_signed() -> None:
    with pytest.raises(ValueError, match="content type"):
        sign_request("POST", URL, BODY, None, SIGNER, KEYID, NOW)
