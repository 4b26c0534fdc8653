"""An implementation made from `docs/spec/envelope.md` alone, in JavaScript, seals, verifies and opens as ours does.

What it makes of the golden attacks and of changed envelopes must be what ours makes of them, to the code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.sealing import Attachment
from shared.domain.ids import parse_time
from shared.envelope.container import parse_submission
from shared.errors import EnvelopePartMismatch
from shared.keys.base64url import parse_b64u
from tests.interop.changed_envelopes import differences
from tests.interop.envelopes import (
    circumstances,
    opened_by_javascript,
    opened_by_python,
    outcome_in_javascript,
    outcome_in_python,
    sealed_by_javascript,
    sealed_with_uploads,
)
from tests.interop.javascript import JavaScript, RefusedThere, missing_javascript
from tests.unit.envelope.test_envelope_strangers import KEYS, verified_by_jwcrypto
from tests.unit.envelope.workshop import ATTACHMENTS, CONTENT, forge, header_document, later, refusal_of, seal

ATTACKS = sorted((Path(__file__).parents[1] / "vectors" / "envelope" / "attacks").glob("*.json"))
SIZES = (0, 1, 1016, 1017, 16_375, 16_376, 16_377, 32_760, 100_000)
"""Bytes of a document; 16,376 with its length field fills one chunk, so that an empty one follows."""


@pytest.fixture(scope="module")
def there() -> Iterator[JavaScript]:
    missing = missing_javascript()
    if missing:
        pytest.skip(missing)
    with JavaScript() as asked:
        yield asked


def documents(size: int) -> list[Attachment]:
    return [Attachment("يوم.bin", "application/octet-stream", bytes(index % 251 for index in range(size)))]


@pytest.mark.parametrize("reader", ["BE.PF", "FR.BEPI", "MA.PGR"])
@pytest.mark.parametrize("size", SIZES)
def test_what_python_seals_javascript_opens(there: JavaScript, reader: str, size: int) -> None:
    submission = seal(attachments=documents(size)).submission
    assert opened_by_javascript(there, submission, reader) == opened_by_python(submission, reader)


@pytest.mark.parametrize("size", SIZES)
def test_what_javascript_seals_python_opens(there: JavaScript, size: int) -> None:
    sealed = sealed_by_javascript(there, header(), CONTENT, documents(size), "MA.PGR")
    for reader in ("BE.PF", "FR.BEPI", "MA.PGR"):
        opened = opened_by_python(sealed, reader)
        assert opened == opened_by_javascript(there, sealed, reader)
        assert opened["content"] == CONTENT
        assert [one["name"] for one in opened["attachments"]] == ["يوم.bin"]


LARGE = [Attachment(f"{number}.bin", "application/octet-stream", bytes(250_000)) for number in range(5)]
LARGE += [Attachment("large.bin", "application/octet-stream", bytes(300_000)), *ATTACHMENTS]


def test_parts_that_do_not_fit_go_before_the_submission_either_way(there: JavaScript) -> None:
    ours = seal(attachments=LARGE)
    apart = {one.name: one.ct for one in ours.uploads}
    assert "p6" in apart
    here = opened_by_python(ours.submission, "BE.PF", uploaded=apart)
    assert opened_by_javascript(there, ours.submission, "BE.PF", uploaded=apart) == here
    sealed, uploads = sealed_with_uploads(there, header(), CONTENT, LARGE, "MA.PGR")
    assert set(uploads) == set(apart)
    assert opened_by_python(sealed, "BE.PF", uploaded=uploads)["attachments"] == here["attachments"]
    del uploads["p6"]
    with pytest.raises(EnvelopePartMismatch):
        opened_by_python(sealed, "BE.PF", uploaded=uploads)
    with pytest.raises(RefusedThere, match=r"envelope\.part-mismatch at open"):
        opened_by_javascript(there, sealed, "BE.PF", uploaded=uploads)


def test_a_third_library_verifies_both_signatures_of_what_javascript_sealed(there: JavaScript) -> None:
    sealed = parse_submission(sealed_by_javascript(there, header(), CONTENT, [], "MA.PGR"))
    for index, alg in enumerate(KEYS):
        assert verified_by_jwcrypto(sealed, index, alg) == sealed.manifest.encoded


def header(**changes: Any) -> bytes:
    return json.dumps(header_document(**changes), ensure_ascii=False).encode()


def test_javascript_seals_to_nobody_rather_than_to_some(there: JavaScript) -> None:
    stranger = header(recipients=["BE.PF", "XX.NOBODY"])
    with pytest.raises(Exception, match=r"envelope\.recipients-mismatch"):
        sealed_by_javascript(there, stranger, CONTENT, [], "MA.PGR")


def test_a_bit_changed_in_what_javascript_sealed_is_refused_by_both(there: JavaScript) -> None:
    sealed = sealed_by_javascript(there, header(), CONTENT, list(ATTACHMENTS), "MA.PGR")
    for position in range(7, len(sealed), len(sealed) // 40):
        changed = bytearray(sealed)
        changed[position] ^= 1
        here = outcome_in_python(bytes(changed))
        assert here[0] in ("parse", "verify"), f"byte {position}"
        assert outcome_in_javascript(there, bytes(changed)) == here, f"byte {position}"


@pytest.mark.parametrize("file", ATTACKS, ids=lambda file: file.stem)
def test_javascript_refuses_each_golden_attack_as_its_file_says(there: JavaScript, file: Path) -> None:
    golden = json.loads(file.read_text(encoding="utf-8"))
    found = outcome_in_javascript(there, golden["submission"].encode(), parse_time(golden["now"]))
    assert found == (golden["stage"], golden["code"])


def test_there_are_golden_attacks() -> None:
    assert len(ATTACKS) > 50


@pytest.mark.parametrize(("now", "code"), [(later(30), "envelope.expired"), (later(-1), "envelope.future-dated")])
def test_both_refuse_it_at_another_time(there: JavaScript, now: Any, code: str) -> None:
    submission = seal().submission
    assert outcome_in_python(submission, now) == outcome_in_javascript(there, submission, now) == ("verify", code)


@pytest.mark.parametrize("version", [True, 1.0, "1", 2, 0, None])
def test_a_version_that_is_not_the_integer_1_is_refused_by_both(there: JavaScript, version: Any) -> None:
    submission = forge(v=version).submission()
    assert outcome_in_python(submission) == outcome_in_javascript(there, submission) == ("parse", "envelope.malformed")


@pytest.mark.parametrize("kid", ["é", '"', "MA.PGR", "MA.PGR#" + "A" * 42 + "B", "ma.pgr#" + "A" * 43])
def test_a_kid_that_is_none_is_refused_by_both_before_it_is_looked_up(there: JavaScript, kid: str) -> None:
    submission = forge().sign(protected={"Ed25519": {"kid": kid}}).submission()
    assert outcome_in_python(submission) == outcome_in_javascript(there, submission) == ("parse", "envelope.malformed")


def test_both_say_the_same_of_changed_envelopes(there: JavaScript) -> None:
    submission = seal().submission
    outcome, refused = refusal_of(submission)
    assert (outcome, refused) == ("opened", None)
    assert list(differences(there, submission, 250, seed=20261122)) == []


def test_javascript_seals_the_vector_to_the_same_bytes(there: JavaScript) -> None:
    """With all that was drawn at random given: no byte of the format is left to choice."""
    complete, steps = vector("complete"), vector("steps")
    fixed = {
        "secret": steps["secret"],
        "salts": [part["salt"] for part in steps["parts"]],
        "encapsulations": [wrap["encapsulation"] for wrap in steps["wraps"]],
    }
    documents = [Attachment(one["name"], one["media_type"], parse_b64u(one["data"])) for one in complete["attachments"]]
    sealed = sealed_by_javascript(
        there, steps["header"].encode(), complete["content"], documents, complete["sender"], fixed=fixed
    )
    assert sealed.decode() == complete["submission"]


def test_one_disclosed_part_key_proves_one_document_to_javascript(there: JavaScript) -> None:
    complete, steps = vector("complete"), vector("steps")
    body, first, second = steps["parts"]
    given = {"jws": steps["jws"], "circumstances": circumstances(), "name": "p1", "ct": first["ct"]}
    assert there.ask("disclosed", **given, key=first["key"]) == complete["attachments"][0]["data"]
    for other in (body, second):
        with pytest.raises(RefusedThere, match=r"envelope\.cannot-open"):
            there.ask("disclosed", **given, key=other["key"])


def vector(name: str) -> Any:
    return json.loads((ATTACKS[0].parents[1] / f"{name}.json").read_text(encoding="utf-8"))
