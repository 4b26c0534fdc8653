"""What keeps to RFC 9421 and not to the profile, which takes freedoms away, is refused though it is rightly signed."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from shared.apisig.profile import content_digest, covered_components
from shared.apisig.sign import sign_request
from shared.apisig.verify import verify_request
from shared.errors import CallClockSkew, CallDigestMismatch, CallKeyUnknown, CallSignatureInvalid, CallUnsigned
from shared.keys.public import Ed25519Public
from tests.unit.apisig.plain_verifier import plainly_verifies
from tests.unit.apisig.signed_calls import (
    BODY,
    KEYID,
    NOW,
    SECOND,
    SIGNER,
    TYPE,
    URL,
    Call,
    Outgoing,
    a_call,
    changed,
    loosely_signed,
)


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


# --- headers, as a server has them


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


# --- our reading against the library's


def is_plainly_verified(call: Call) -> bool:
    return plainly_verifies(call.method, call.url, call.headers, KEYID, SIGNER.public)


@settings(max_examples=300)
@given(st.sampled_from(["Signature-Input", "Signature", "Content-Type"]), st.data())
def test_nothing_that_we_accept_is_refused_by_a_general_verifier(name: str, data: st.DataObject) -> None:
    call = loosely_signed()
    text = call.headers[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    put = data.draw(st.text(alphabet='";=(), :\\aB1\t*', max_size=3))
    edited = Call(headers={**call.headers, name: text[:start] + put + text[end:]})
    try:
        edited.verify()
    except (CallSignatureInvalid, CallUnsigned, CallKeyUnknown, CallDigestMismatch, CallClockSkew):
        return
    assert is_plainly_verified(edited)


PROXY_MEMBERS = (
    'sig1=("@method" "x-forwarded-for";sf);created=1;tag="a, comity=b"',
    'sig1=("@method");x="quoted \\" and \\\\ , ";y=?1;z=:AAAA:',
    "*a.b-c_d=token",
)


@pytest.mark.parametrize("member", PROXY_MEMBERS)
def test_whatever_a_proxy_adds_under_its_own_label_is_skipped(member: str) -> None:
    call = a_call()
    added = {name: f"{call.headers[name]},\t {member}" for name in ("Signature-Input", "Signature")}
    assert Call(headers={**call.headers, **added}).verify().keyid == KEYID


OTHER_SPELLINGS = {
    "two spaces between components": ('"@method" "@authority"', '"@method"  "@authority"'),
    "a space in the list": ('("@method"', '( "@method"'),
    "a space before a parameter": (";created", "; created"),
    "a number with a sign": ("created=", "created=+"),
    "an escaped letter": ('tag="comity-v1"', 'tag="comity-v\\1"'),
}


@pytest.mark.parametrize(("one", "other"), OTHER_SPELLINGS.values(), ids=OTHER_SPELLINGS)
def test_another_spelling_of_the_same_fields_is_refused(one: str, other: str) -> None:
    with pytest.raises((CallSignatureInvalid, CallUnsigned)):
        changed(a_call(), "Signature-Input", lambda text: text.replace(one, other)).verify()


@pytest.mark.parametrize("noise", ["(" * 4000, '"' * 4001, "a=" + " " * 3990, 'a="' + "\\" * 3900, ", " * 2000])
def test_a_field_of_the_worst_form_is_refused_at_once(noise: str) -> None:
    """Each is read in one pass: a reader that tries again from every character would take seconds."""
    call = a_call()
    for _ in range(200):
        with pytest.raises(CallSignatureInvalid):
            Call(headers={**call.headers, "Signature": noise}).verify()
