"""Every attack of the catalogue is refused, at the stage and with the code that it names."""

from __future__ import annotations

import pytest

from client.opening import OpenedMessage
from shared.envelope.container import parse_submission
from tests.unit.envelope.attacks import CATALOGUE, Attack
from tests.unit.envelope.workshop import forge, open_as, read, refusal_of, seal


@pytest.mark.parametrize("attack", CATALOGUE.values(), ids=CATALOGUE)
def test_an_attack_is_refused_where_and_as_it_says(attack: Attack) -> None:
    stage, refused = refusal_of(attack.make(), attack.now)
    assert (stage, type(refused)) == (attack.stage, attack.refused_with), refused
    assert refused is not None
    assert "<" not in refused.sentence(), "a fact is missing from the sentence"


def test_what_the_attacks_start_from_is_valid() -> None:
    for submission in (forge().submission(), seal().submission):
        assert isinstance(read(submission), OpenedMessage)


def test_unequal_secrets_do_not_stop_the_recipient_whose_secret_is_the_committed_one() -> None:
    received = parse_submission(CATALOGUE["recipients-get-unequal-secrets"].make())
    assert open_as("FR.BEPI", received).attachments


@pytest.mark.parametrize("name", ["recipients-get-unequal-secrets", "each-recipient-opens-another-part"])
def test_unequal_secrets_are_refused_before_any_part_is_decrypted(name: str) -> None:
    stage, refused = refusal_of(CATALOGUE[name].make())
    assert (stage, refused is not None and "committed to" in refused.sentence()) == ("open", True)
