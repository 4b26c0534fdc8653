"""Every golden attack is refused by whom and with the code that its file says; what it was made from is accepted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.make_attacks import attacks_page
from gateway.problems import error_classes
from shared.keys.base64url import parse_b64u
from tests.unit.attacks import bad_keys, moves
from tests.unit.attacks.exchange_on_file import Outcome
from tests.unit.attacks.judging import Court, expected_of_key, read_key
from tests.unit.envelope import attacks as envelopes
from tests.vectors.golden import HERE, Golden, golden_attacks, submission_of

GOLDEN = golden_attacks()
ENVELOPES = [golden for golden in GOLDEN if "stage" in golden.document]
STEPS = [golden for golden in GOLDEN if "steps" in golden.document]
KEYS = [golden for golden in GOLDEN if "refused" in golden.document]
PAGE = Path(__file__).parents[3] / "docs" / "spec" / "attacks.md"


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    court = Court(tmp_path_factory.mktemp("court"))
    yield court
    court.close()


@pytest.mark.parametrize("golden", ENVELOPES, ids=lambda golden: golden.name)
def test_an_envelope_is_refused_as_its_file_says(golden: Golden, court: Court) -> None:
    outcome = court.judge_envelope(submission_of(golden.document), golden.document["now"])
    assert outcome == Outcome(golden.code, golden.by)


def test_the_envelope_that_they_alter_is_accepted_and_opens(court: Court) -> None:
    complete = json.loads((HERE / "envelope" / "complete.json").read_text(encoding="utf-8"))
    assert court.judge_envelope(submission_of(complete), complete["now"]) == Outcome("accepted", "recipient")


@pytest.mark.parametrize("golden", STEPS, ids=lambda golden: golden.name)
def test_a_submission_is_refused_on_its_past_as_its_file_says(golden: Golden, court: Court) -> None:
    said = [Outcome(step["outcome"], step["by"]) for step in golden.document["steps"]]
    assert court.judge_steps(golden.document) == said
    attacks = [step["outcome"] for step in golden.document["steps"] if step["is_attack"]]
    assert "accepted" not in attacks
    assert len(attacks) == 1


@pytest.mark.parametrize("golden", KEYS, ids=lambda golden: golden.name)
def test_a_bad_key_is_refused_wherever_one_is_read(golden: Golden) -> None:
    alg = golden.document["alg"]
    for bad in golden.document["refused"]:
        came = read_key(alg, parse_b64u(bad["public"]))
        assert came == expected_of_key(golden.code, came), bad["what"]
    good = read_key(alg, parse_b64u(golden.document["accepted"]))
    assert {code for place, code in good.items() if not place.startswith("event")} == {None}


def test_each_attack_of_the_catalogues_has_its_file_and_each_file_its_attack() -> None:
    names = [golden.name for golden in GOLDEN]
    assert Counter(names) == Counter(
        [*envelopes.CATALOGUE, *moves.CATALOGUE, *(bad.name for bad in bad_keys.CATALOGUE)]
    )


def test_every_code_is_one_of_the_tree_of_errors() -> None:
    known = {error.code for error in error_classes()}
    assert {golden.code for golden in GOLDEN} - known == {"repeat"}


def test_the_page_lists_the_files() -> None:
    """Otherwise: make docs"""
    assert PAGE.read_text(encoding="utf-8") == attacks_page()
