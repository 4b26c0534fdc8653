"""The format read and written: round trips, one byte form each, and no bytes that make a reader stumble."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope.body import AttachmentEntry, Body, encode_body, parse_body
from shared.envelope.container import encode_submission, parse_envelope, parse_submission
from shared.envelope.encoding import MAX_JWS_BYTES, MAX_SUBMISSION_BYTES, digest_of, part_name
from shared.envelope.jws import parse_jws
from shared.envelope.manifest import ManifestPart, ManifestRecipient, encode_manifest, parse_manifest
from shared.envelope.padding import MIN_PADDED_BYTES, pad_part, padded_length, unpad_part
from shared.errors import ComityError, EnvelopeMalformed, EnvelopeTooLarge
from shared.keys.base64url import encode_b64u
from tests.unit.envelope.workshop import forge, header_document, seal

digests = st.binary(min_size=32, max_size=32).map(encode_b64u)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=5000))
def test_a_padded_part_comes_back(data: bytes) -> None:
    assert unpad_part(pad_part(data)) == data


@given(st.integers(0, 2**50))
def test_padding_costs_at_most_an_eighth_and_never_shrinks(length: int) -> None:
    padded = padded_length(length)
    assert length + 8 <= padded <= max(MIN_PADDED_BYTES, (length + 8) * 1.12)
    assert padded <= padded_length(length + 1)


def test_short_parts_are_padded_alike() -> None:
    assert {len(pad_part(bytes(length))) for length in range(1017)} == {MIN_PADDED_BYTES}


@given(st.binary(max_size=3000), st.data())
def test_a_part_has_one_padding(data: bytes, draw: st.DataObject) -> None:
    padded = pad_part(data)
    if len(padded) > len(data) + 8:
        position = draw.draw(st.integers(len(data) + 8, len(padded) - 1))
        with pytest.raises(ValueError, match="padding"):
            unpad_part(padded[:position] + b"\x01" + padded[position + 1 :])
    for other in (padded + b"\x00", padded[:-1], b"", padded[:8]):
        with pytest.raises(ValueError, match="padding"):
            unpad_part(other)


@given(
    st.binary(min_size=1, max_size=200),
    st.binary(min_size=32, max_size=32),
    st.lists(st.tuples(digests, st.integers(0, 2**40)), min_size=1, max_size=64),
    st.lists(digests, max_size=200, unique=True),
)
def test_a_manifest_comes_back(
    header: bytes, commit: bytes, parts: list[tuple[str, int]], recipients: list[str]
) -> None:
    listed = [ManifestPart(part_name(index), digest, size) for index, (digest, size) in enumerate(parts)]
    sealed_to = [ManifestRecipient(f"BE.PF#{digest}", digest) for digest in recipients]
    raw = encode_manifest(header, commit, listed, sealed_to)
    manifest = parse_manifest(raw)
    assert (manifest.header, manifest.key_commit, manifest.encoded) == (header, commit, raw)
    assert (list(manifest.parts), list(manifest.recipients)) == (listed, sealed_to)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"parts": []}, "no body"),
        ({"parts": {}}, "not a list"),
        ({"parts": [7]}, "not an object"),
        ({"key_commit": "AAAA"}, "32 bytes"),
        ({"key_commit": 7}, "not a text"),
        ({"header": "é"}, "base64url"),
        ({"header": None}, "not a text"),
        ({"recipients": [{"kid": "BE.PF#x", "wrap_sha256": "short"}]}, "not a digest"),
        ({"recipients": [{"kid": "BE.PF#x"}]}, "lacks the member wrap_sha256"),
        ({"extra": 1}, "unknown member extra"),
    ],
)
def test_a_malformed_manifest_is_refused_by_name(change: dict[str, Any], why: str) -> None:
    manifest = {**forge().manifest, **change}
    with pytest.raises(EnvelopeMalformed, match=why):
        parse_manifest(json.dumps(manifest).encode())


def test_a_negative_size_is_refused() -> None:
    manifest = forge().manifest
    manifest["parts"][0]["ct_len"] = -1
    with pytest.raises(EnvelopeMalformed, match="not a size"):
        parse_manifest(json.dumps(manifest).encode())


def test_a_jws_has_one_byte_form_and_so_one_digest() -> None:
    received = parse_submission(seal().submission)
    again = parse_jws(received.jws_bytes)
    assert again == received.jws
    assert digest_of(received.jws_bytes) == received.digest
    loose = json.dumps(json.loads(received.jws_bytes)).encode()
    assert loose != received.jws_bytes
    with pytest.raises(EnvelopeMalformed, match="canonical"):
        parse_jws(loose)


def test_a_jws_that_is_long_by_white_space_is_not_even_read() -> None:
    received = parse_submission(seal().submission)
    with pytest.raises(EnvelopeTooLarge):
        parse_jws(received.jws_bytes.ljust(MAX_JWS_BYTES + 1))


def test_white_space_and_escapes_around_the_jws_do_not_change_its_digest() -> None:
    sealed = seal()
    document = json.loads(sealed.submission)
    document["jws"] = dict(reversed(document["jws"].items()))
    loose = json.dumps(document, indent=3).replace("payload", "p\\u0061yload").encode()
    assert parse_submission(loose).digest == sealed.digest


def test_a_protected_header_in_another_byte_form_is_refused_even_when_signed() -> None:
    forgery = forge()
    members = {"kid": forgery.signers[0].signing_kids[0], "alg": "Ed25519", "typ": "comity-env-1+jws"}
    forgery.jws["signatures"][0]["protected"] = encode_b64u(json.dumps(members, separators=(",", ":")).encode())
    with pytest.raises(EnvelopeMalformed, match="canonical"):
        parse_submission(forgery.submission())


def test_a_submission_comes_back_and_its_pieces_give_the_same_envelope() -> None:
    received = parse_submission(seal().submission)
    assert parse_submission(encode_submission(received.jws_bytes, received.wraps, received.parts)) == received
    assert parse_envelope(received.jws_bytes, received.wraps, received.parts) == received


def test_a_submission_beyond_the_limit_is_not_written() -> None:
    received = parse_submission(seal().submission)
    with pytest.raises(EnvelopeTooLarge):
        encode_submission(received.jws_bytes, {}, {"p1": bytes(MAX_SUBMISSION_BYTES)})


@pytest.mark.parametrize(
    ("member", "items", "why"),
    [
        ("wraps", [{"kid": "BE.PF#x", "wrap": "AAAA"}], "1168 bytes"),
        ("parts", [{"name": "p1", "ct": "AAAA"}, {"name": "p1", "ct": "AAAA"}], "stands twice"),
        ("parts", [{"name": 1, "ct": "AAAA"}], "not a text"),
        ("parts", None, "not a list"),
    ],
)
def test_a_malformed_submission_is_refused_by_name(member: str, items: Any, why: str) -> None:
    document = {**forge().document(), member: items}
    with pytest.raises(EnvelopeMalformed, match=why):
        parse_submission(json.dumps(document).encode())


def test_a_wrap_that_stands_twice_is_refused() -> None:
    document = forge().document()
    document["wraps"].append(document["wraps"][0])
    with pytest.raises(EnvelopeMalformed, match="stands twice"):
        parse_submission(json.dumps(document).encode())


@given(st.binary(max_size=300))
def test_no_bytes_make_the_parser_fail_otherwise_than_by_refusal(raw: bytes) -> None:
    with pytest.raises(ComityError):
        parse_submission(raw)


@given(st.sampled_from(["jws", "wraps", "parts", "payload", "signatures"]), json_values)
def test_no_json_makes_the_parser_fail_otherwise_than_by_refusal(member: str, value: Any) -> None:
    document = _FORGED.document()
    document = {**document, "jws": dict(document["jws"])}
    holder = document if member in document else document["jws"]
    holder[member] = value
    try:
        parse_submission(json.dumps(document).encode())
    except ComityError:
        return
    assert value == []  # no wraps or no parts are well-formed; verification misses them


@given(st.sampled_from(sorted(header_document())), json_values)
def test_no_header_makes_the_parser_fail_otherwise_than_by_refusal(member: str, value: Any) -> None:
    manifest = dict(_FORGED.manifest)
    manifest["header"] = encode_b64u(json.dumps(header_document(**{member: value})).encode())
    jws = {**_FORGED.jws, "payload": encode_b64u(json.dumps(manifest).encode())}
    try:
        received = parse_submission(json.dumps({"jws": jws, "wraps": [], "parts": []}).encode())
    except ComityError:
        return
    assert received.header.model_dump(mode="json")[member] == value


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4), st.binary(max_size=50))
def test_a_body_comes_back(content: dict[str, Any], data: bytes) -> None:
    content = json.loads(json.dumps(content).replace("\\u0000", ""))
    entry = AttachmentEntry("p1", "قرار.pdf", "application/pdf", len(data), digest_of(data))
    body = Body("request", {"deadline": "2027-01-31"}, content, (entry,))
    assert parse_body(encode_body(body)) == body


@pytest.mark.parametrize("name", ["", ".", "..", " ", "a/b", "a\\b", "a\nb", "a\x00b", "a\u202eb", "é" * 101])
def test_an_unsafe_file_name_is_refused(name: str) -> None:
    entry = AttachmentEntry("p1", name, "text/plain", 0, "A" * 43)
    with pytest.raises(EnvelopeMalformed):
        encode_body(Body("request", {}, {}, (entry,)))


@pytest.mark.parametrize("media_type", ["", "text", "text/", "Text/Plain", "text/plain; charset=utf-8", "a/b/c"])
def test_a_media_type_is_a_plain_one(media_type: str) -> None:
    entry = AttachmentEntry("p1", "a.txt", media_type, 0, "A" * 43)
    with pytest.raises(EnvelopeMalformed):
        encode_body(Body("request", {}, {}, (entry,)))


@pytest.mark.parametrize("content", [{"x": 1.5}, {"x": float("nan")}, {"x": b""}, {"x": 2**53}, {"x": "\ud800"}])
def test_a_body_that_could_not_be_read_is_not_written(content: dict[str, Any]) -> None:
    with pytest.raises(EnvelopeMalformed):
        encode_body(Body("request", {}, content, ()))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"v": 2}, "version"),
        ({"v": True}, "version"),
        ({"act": []}, "act"),
        ({"content": None}, "content"),
        ({"x": 1}, "x"),
    ],
)
def test_a_malformed_body_is_refused_by_name(change: dict[str, Any], why: str) -> None:
    document = {**_FORGED.body(), **change}
    with pytest.raises(EnvelopeMalformed, match=why):
        parse_body(json.dumps(document).encode())


_FORGED = forge()
