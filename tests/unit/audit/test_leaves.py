"""The leaf catalogue is closed, and each leaf has one byte form."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audit.leaf_catalogue import CATALOGUE
from shared.audit.leaf_fields import Kind
from shared.audit.leaves import (
    MAX_LEAF_BYTES,
    check_leaf,
    encode_entry,
    encode_leaf,
    leg_states,
    parse_entry,
    parse_leaf,
)
from shared.errors import LeafInvalid, LeafTooLarge
from tests.unit.audit.leaf_values import EXAMPLES, NOT

AT = datetime(2026, 11, 22, 2, 36, 28, 123456, tzinfo=UTC)
NONCE = bytes(range(16))


def fields_of(type_: str) -> dict[str, Any]:
    return {field.name: EXAMPLES[field.kind][-1] for field in CATALOGUE[type_]}


def leaf_of(type_: str = "exchange.started") -> bytes:
    return encode_leaf(type_, AT, NONCE, **fields_of(type_))


ENVELOPE = {
    "payload": "AQ",
    "signatures": [{"protected": "AA", "signature": "_-"}, {"protected": "", "signature": "AQ"}],
}
USUAL = {kind: [ENVELOPE, *EXAMPLES[kind]] for kind in (Kind.OBJECT, Kind.OBJECT_OR_NULL)}
EVERY_FIELD = [(type_, field) for type_ in CATALOGUE for field in CATALOGUE[type_]]


# --- bytes -----------------------------------------------------------------------------------------------------------


def test_a_leaf_has_exactly_these_bytes() -> None:
    assert leaf_of() == (
        b'{"at":"2026-11-22T02:36:28.123456Z","nonce":"AAECAwQFBgcICQoLDA0ODw",'
        b'"process":"019aa8f3-2d4b-7c11-8e5a-0123456789ab","roster_sha256":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",'
        b'"service":"0.1.0","started_at":"2026-11-22T09:30:00.000001Z","type":"exchange.started","v":1,"version":"0.1.0"}'
    )
    assert encode_entry(AT + timedelta(seconds=1), leaf_of()) == b"2026-11-22T02:36:29.123456Z\n" + leaf_of()


@pytest.mark.parametrize("type_", CATALOGUE)
def test_each_type_comes_back_from_its_entry(type_: str) -> None:
    logged_at, leaf = parse_entry(encode_entry(AT + timedelta(hours=1), leaf_of(type_)))
    assert logged_at == AT + timedelta(hours=1)
    assert (leaf.type, leaf.at, leaf.nonce, leaf.fields) == (type_, AT, NONCE, fields_of(type_))


@pytest.mark.parametrize(("type_", "field"), EVERY_FIELD)
def test_each_field_takes_what_it_holds_and_nothing_else(type_: str, field: Any) -> None:
    for value in EXAMPLES[field.kind]:
        raw = encode_leaf(type_, AT, NONCE, **{**fields_of(type_), field.name: value})
        assert parse_leaf(raw).fields[field.name] == value
    for value in NOT[field.kind]:
        if value is None and not field.required:
            continue
        with pytest.raises(LeafInvalid):
            encode_leaf(type_, AT, NONCE, **{**fields_of(type_), field.name: value})


@pytest.mark.parametrize(("type_", "field"), EVERY_FIELD)
def test_a_required_field_must_be_there_and_an_optional_one_is_absent_never_null(type_: str, field: Any) -> None:
    without = {name: value for name, value in fields_of(type_).items() if name != field.name}
    if field.required:
        with pytest.raises(LeafInvalid, match=f"lacks its field {field.name}"):
            encode_leaf(type_, AT, NONCE, **without)
        return
    raw = encode_leaf(type_, AT, NONCE, **without)
    assert field.name not in parse_leaf(raw).fields
    assert encode_leaf(type_, AT, NONCE, **without, **{field.name: None}) == raw
    with pytest.raises(LeafInvalid):
        parse_leaf(_canonical({**json.loads(raw), field.name: None}))


@pytest.mark.parametrize("type_", CATALOGUE)
def test_a_field_that_the_type_has_not_is_refused(type_: str) -> None:
    with pytest.raises(LeafInvalid, match="has no field name_of_suspect"):
        encode_leaf(type_, AT, NONCE, **fields_of(type_), name_of_suspect="X")


def test_a_type_that_the_catalogue_has_not_is_refused() -> None:
    with pytest.raises(LeafInvalid, match=r"no type decision\.maybe"):
        encode_leaf("decision.maybe", AT, NONCE)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("v", 2),
        ("v", True),
        ("v", "1"),
        ("type", None),
        ("type", ["exchange.started"]),
        ("type", "exchange.halted"),
        ("at", "2026-11-22T02:36:28Z"),
        ("at", "2026-11-32T02:36:28.123456Z"),
        ("at", 0),
        ("nonce", ""),
        ("nonce", "AAECAwQFBgcICQoLDA0ODx"),
        ("nonce", "AAECAwQFBgcICQoLDA0ODw=="),
        ("nonce", None),
    ],
)
def test_version_type_time_and_nonce_are_exact(member: str, value: object) -> None:
    with pytest.raises(LeafInvalid):
        parse_leaf(_canonical({**json.loads(leaf_of()), member: value}))


@pytest.mark.parametrize("member", ["v", "type", "at", "nonce"])
def test_version_type_time_and_nonce_must_be_there(member: str) -> None:
    document = json.loads(leaf_of())
    del document[member]
    with pytest.raises(LeafInvalid):
        parse_leaf(_canonical(document))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        leaf_of() + b"\n",
        leaf_of().replace(b'","', b'", "'),
        leaf_of().replace(b'"v":1', b'"v":1,"v":1'),
        leaf_of().replace(b'"v":1', b'"v":1.0'),
        leaf_of().replace(b"exchange", b"\\u0065xchange"),
        leaf_of().replace(b"exchange", b"\xffxchange"),
        json.dumps(dict(reversed(json.loads(leaf_of()).items())), separators=(",", ":")).encode(),
        b"[" * 60_000,
        b'{"a":' * 60_000,
    ],
)
def test_a_leaf_in_any_other_form_is_refused(raw: bytes) -> None:
    with pytest.raises(LeafInvalid):
        parse_leaf(raw)


SHREDS = [
    b"",
    b"0",
    b'"',
    b"\\",
    b"\x00",
    b"\xc3\xa9",
    b"{",
    b"}",
    b"[",
    b"],[",
    b'":"',
    b'","',
    b'"dossier":',
    b"2026-02-30",
    b"9" * 17,
]


@given(st.sampled_from(sorted(CATALOGUE)), st.data())
@settings(max_examples=150)
def test_what_is_read_as_a_leaf_is_the_one_form_of_a_leaf(type_: str, data: st.DataObject) -> None:
    fields = {
        field.name: data.draw(st.sampled_from(USUAL.get(field.kind, EXAMPLES[field.kind])))
        for field in CATALOGUE[type_]
    }
    raw = encode_leaf(type_, AT, NONCE, **fields)
    assert parse_leaf(raw).fields == fields
    first = data.draw(st.integers(0, len(raw)))
    changed = raw[:first] + data.draw(st.sampled_from(SHREDS)) + raw[first + data.draw(st.integers(0, 4)) :]
    with suppress(LeafInvalid):
        leaf = parse_leaf(changed)
        assert encode_leaf(leaf.type, leaf.at, leaf.nonce, **leaf.fields) == changed
    assert told(check_leaf, raw) == (type_, fields.get("service"))
    assert told(check_leaf, changed) == told(_parse_to_type_and_service, changed)


def _parse_to_type_and_service(raw: bytes) -> tuple[str, str | None]:
    leaf = parse_leaf(raw)
    return leaf.type, leaf.fields.get("service")


def told(judge: Callable[[bytes], tuple[str, str | None]], raw: bytes) -> object:
    try:
        return judge(raw)
    except LeafInvalid as refused:
        return str(refused)


def _canonical(document: dict[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("nonce", [b"", bytes(15), bytes(17)])
def test_a_nonce_has_16_bytes(nonce: bytes) -> None:
    with pytest.raises(LeafInvalid, match="nonce"):
        encode_leaf("exchange.started", AT, nonce, service="all", version="1")


def test_times_are_written_in_utc_and_a_time_without_zone_is_refused() -> None:
    abroad = AT.astimezone(timezone(timedelta(hours=1)))
    assert encode_leaf("exchange.started", abroad, NONCE, **fields_of("exchange.started")) == leaf_of()
    with pytest.raises(ValueError, match="zone"):
        encode_leaf("exchange.started", AT.replace(tzinfo=None), NONCE, **fields_of("exchange.started"))
    with pytest.raises(ValueError, match="zone"):
        encode_entry(AT.replace(tzinfo=None), leaf_of())


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
SIMPLE = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT
NESTED = st.recursive(SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@given(st.dictionaries(TEXT, NESTED, max_size=4))
def test_every_signed_object_comes_back_as_it_was(event: dict[str, Any]) -> None:
    raw = encode_leaf("directory.key-event", AT, NONCE, event=event, seq=1)
    assert parse_leaf(raw).fields["event"] == event


# --- size ------------------------------------------------------------------------------------------------------------


def test_the_largest_leaf_fits_its_entry_and_one_byte_more_does_not() -> None:
    room = MAX_LEAF_BYTES - len(retrieval(""))
    assert len(encode_entry(AT, retrieval("x" * room))) == 65_535
    with pytest.raises(LeafTooLarge, match="65508"):
        retrieval("x" * (room + 1))
    with pytest.raises(LeafTooLarge, match="65536"):
        encode_entry(AT, b"x" * (MAX_LEAF_BYTES + 1))
    with pytest.raises(LeafInvalid, match="65536"):
        parse_entry(b"x" * 65_536)


def retrieval(request: str) -> bytes:
    return encode_leaf("evidence.retrieval", AT, NONCE, **{**fields_of("evidence.retrieval"), "request": request})


def test_the_largest_envelope_to_the_most_recipients_fits_an_entry() -> None:
    legs = [f"{chr(65 + number // 26)}{chr(65 + number % 26)}.ABCDEFGHIJKLMNOP" for number in range(199)]
    states = {leg: {f"M{number}": "information-requested" for number in range(1, 51)} for leg in legs}
    fields = fields_of("decision.accepted")
    fields |= {"jws": {"payload": "x" * 59_986}, "states": leg_states(states), "flags": []}
    del fields["leg"]
    encode_leaf("decision.accepted", AT, NONCE, **fields)


def test_leg_states_are_grouped_and_have_one_order() -> None:
    states = {
        "FR.BEPI": {"M2": "refused", "M1": "accepted"},
        "ES.SGCJI": {},
        "BE.PF": {"M1": "accepted", "M2": "refused"},
    }
    grouped = [
        {"legs": ["BE.PF", "FR.BEPI"], "measures": {"M1": "accepted", "M2": "refused"}},
        {"legs": ["ES.SGCJI"], "measures": {}},
    ]
    assert leg_states(states) == leg_states(dict(reversed(states.items()))) == grouped
    del states["ES.SGCJI"]
    assert leg_states(states) == [{"measures": {"M1": "accepted", "M2": "refused"}}]
    assert leg_states({}) == []


# --- entries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        leaf_of(),
        b"\n" + leaf_of(),
        b"2026-11-22T02:36:28Z\n" + leaf_of(),
        b"2026-11-22T02:36:28.123456Z " + leaf_of(),
        b"2026-11-22T02:36:28.123456Z\r\n" + leaf_of(),
        b"2026-11-22T02:36:28.123456z\n" + leaf_of(),
        b"2026-13-22T02:36:28.123456Z\n" + leaf_of(),
        b"2026-11-22T02:36:28.12345\xffZ\n" + leaf_of(),
        b"2026-11-22T02:36:28.123456Z\n",
    ],
)
def test_an_entry_in_any_other_form_is_refused(entry: bytes) -> None:
    with pytest.raises(LeafInvalid):
        parse_entry(entry)
