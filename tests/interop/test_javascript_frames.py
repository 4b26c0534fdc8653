"""Frames and the roster, by an implementation made from `docs/spec/frames.md` and `docs/spec/keys.md` alone."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from shared.domain.ids import parse_time
from shared.domain.strict_json import encode_canonical_json
from shared.errors import FrameRefused
from shared.frame.items import Item
from shared.frame.seal import FrameSealer
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer, XWingOpener
from shared.keys.public import parse_xwing
from tests.interop.javascript import JavaScript, RefusedThere, missing_javascript
from tests.unit.frame.test_exact_frames import FRAME, ROSTER, a_reader
from tests.unit.keys.parties import EXCHANGE
from tests.unit.keys.test_roster import DRAFT, FAULTS, LOG, OPERATORS, former, signed, verify

SEEDS = ROSTER["seeds"]
TRUSTED = {"document": ROSTER["roster"], **{name: ROSTER[name] for name in ("operators", "quorum", "exchange")}}
OWN = XWingOpener(parse_b64u(SEEDS["intake"]["seal"]))


@pytest.fixture(scope="module")
def there() -> Iterator[JavaScript]:
    missing = missing_javascript()
    if missing:
        pytest.skip(missing)
    with JavaScript() as asked:
        yield asked


def trusted(roster: bytes) -> dict[str, Any]:
    """This roster, signed by operators who are trusted."""
    operators = [encode_b64u(one.public_key().raw) for one in OPERATORS]
    exchange = json.loads(roster)["exchange"]
    return {"document": signed(roster).decode(), "operators": operators, "quorum": 2, "exchange": exchange}


def opened_there(there: JavaScript, raw: bytes, trusted: dict[str, Any] = TRUSTED) -> Any:
    return there.ask(
        "frame",
        raw=encode_b64u(raw),
        trusted=trusted,
        destination=FRAME["destination"],
        service=FRAME["consumer"],
        openers={OWN.kid("exchange/intake"): SEEDS["intake"]["seal"]},
        producers=FRAME["producers"],
        retention_s=FRAME["retention_s"],
        now=FRAME["now"],
    )


def a_frame(items: list[Item]) -> bytes:
    signer = Ed25519Signer(parse_b64u(SEEDS["gateway"]["sign"]))
    sealer = FrameSealer("gateway", signer, {"intake": parse_xwing(OWN.public)}, {"intake": "intake"})
    return sealer.seal("intake", items, parse_time(FRAME["now"]))


def test_the_vector_opens_there_and_is_sealed_there_to_the_same_bytes(there: JavaScript) -> None:
    assert opened_there(there, parse_b64u(FRAME["frame"]))["items"] == FRAME["items"]
    steps = FRAME["steps"]
    header = parse_b64u(steps["epoch_header"])
    given = {
        **{name: FRAME[name] for name in ("destination", "producer", "consumer", "items")},
        "frameId": FRAME["frame_id"],
        "counter": 1,
        "seed": SEEDS["gateway"]["sign"],
        "recipient": encode_b64u(OWN.public),
        "madeAt": "2026-11-22T09:00:00Z",
        "sealedAt": FRAME["sealed_at"],
    }
    fixed = {
        "key": steps["epoch_key"],
        "encapsulation": steps["encapsulation"],
        "epoch": encode_b64u(header[48:64]),  # after the version, two names of 8 and 7 bytes, and a digest
    }
    assert there.ask("sealed_frame", given=given, fixed=fixed) == FRAME["frame"]


@pytest.mark.parametrize("one", FRAME["refused"], ids=lambda one: one["name"])
def test_a_refused_frame_is_refused_there(there: JavaScript, one: dict[str, str]) -> None:
    with pytest.raises(RefusedThere, match=r"frame\.refused"):
        opened_there(there, parse_b64u(one["frame"]))


def test_each_opens_what_the_other_seals(there: JavaScript) -> None:
    items = [Item(one["id"], one["type"], one["v"], one["data"].encode()) for one in FRAME["items"]]
    assert opened_there(there, a_frame(items))["items"] == FRAME["items"]
    given = {
        **{name: FRAME[name] for name in ("destination", "producer", "consumer", "items")},
        "frameId": FRAME["frame_id"],
        "counter": 7,
        "seed": SEEDS["gateway"]["sign"],
        "recipient": encode_b64u(OWN.public),
        "madeAt": FRAME["now"],
        "sealedAt": FRAME["now"],
    }
    theirs = parse_b64u(there.ask("sealed_frame", given=given))
    assert a_reader().open(theirs, "intake", parse_time(FRAME["now"])).items == tuple(items)


def test_no_changed_bit_of_a_frame_passes_there_or_here(there: JavaScript) -> None:
    chance, frame, reader = random.Random(20261122), parse_b64u(FRAME["frame"]), a_reader()
    for _ in range(40):
        at = chance.randrange(len(frame))
        changed = frame[:at] + bytes([frame[at] ^ 1 << chance.randrange(8)]) + frame[at + 1 :]
        with pytest.raises(RefusedThere, match=r"frame\.refused"):
            opened_there(there, changed)
        with pytest.raises(FrameRefused):
            reader.open(changed, "intake", parse_time(FRAME["now"]))


def test_the_roster_reads_the_same_and_not_without_its_quorum(there: JavaScript) -> None:
    keys = there.ask("roster", **TRUSTED)
    assert set(keys) == set(SEEDS)
    assert parse_b64u(keys["intake"]["seal"]) == OWN.public
    for changes in ({"quorum": 3}, {"exchange": "other.example/log"}, {"operators": ROSTER["operators"][:1]}):
        with pytest.raises(RefusedThere, match=r"keys\.roster-refused"):
            there.ask("roster", **{**TRUSTED, **changes})


def test_a_roster_with_keys_of_before_and_of_the_log_reads_the_same(there: JavaScript) -> None:
    written = json.loads(DRAFT)
    written["services"][1]["former"] = [former(), former(until="2026-11-21T09:30:00Z")]
    document = encode_canonical_json({**written, "log_vkeys": LOG})
    assert set(verify(signed(document)).services) == set(there.ask("roster", **trusted(document)))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_malformed_roster_is_refused_there(there: JavaScript, fault: Callable[[dict[str, Any]], object]) -> None:
    written = json.loads(DRAFT)
    fault(written)
    with pytest.raises(RefusedThere, match=r"keys\.roster-refused"):
        there.ask("roster", **{**trusted(encode_canonical_json(written)), "exchange": EXCHANGE})


@pytest.mark.parametrize(("until", "opens"), [("2026-11-22T09:00:00Z", True), ("2026-11-22T08:59:59.999999Z", False)])
def test_a_former_key_counts_there_for_epochs_of_its_time(there: JavaScript, until: str, opens: bool) -> None:
    written = json.loads(ROSTER["document"])  # the epoch was made at 09:00
    gateway = next(one for one in written["services"] if one["service"] == "gateway")
    before = {"sign": gateway["sign"], "seal": gateway["seal"], "until": until}
    gateway |= {**former(), "former": [before]}
    del gateway["until"]
    with nullcontext() if opens else pytest.raises(RefusedThere, match=r"frame\.refused"):
        opened_there(there, parse_b64u(FRAME["frame"]), trusted(encode_canonical_json(written)))
