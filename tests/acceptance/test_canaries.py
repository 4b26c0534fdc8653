"""The exchange is blind: nothing of what is sealed lies anywhere that it writes; and the search would have found it."""

from __future__ import annotations

import base64
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from client.signing import generate_authority_keys
from tests.canaries_embedded import controls_of, places_of
from tests.canary_harvest import Control, Harvest, harvest, plant
from tests.canary_letters import Letter
from tests.exchange_process import PARTIES, enrol_exchange

LETTERS = 10


@dataclass(frozen=True)
class Field:
    """A campaign whose exchange is dead: its letters, the places to search, and what must be found there."""

    root: Path
    letters: list[Letter]
    controls: list[Control]
    places: list[Path]

    @property
    def canaries(self) -> list[str | bytes]:
        return [canary for letter in self.letters for canary in letter.canaries]

    @property
    def database(self) -> Path:
        return self.root / "exchange" / "exchange.sqlite3"

    @property
    def log(self) -> Path:
        return self.root / "exchange.log"

    def harvest(self) -> Harvest:
        return harvest(self.places, self.canaries, self.controls)

    def copied_to(self, root: Path) -> Field:
        """The same, to leak into."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return replace(self, root=root, places=[root / place.relative_to(self.root) for place in self.places])


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    root = tmp_path_factory.mktemp("canaries")
    with enrol_exchange(root, [generate_authority_keys(party) for party in PARTIES]) as exchange:
        letters = plant(exchange, LETTERS, seed=1)
        return Field(root, letters, controls_of(exchange, letters), places_of(exchange))


def test_no_sealed_plaintext_is_found_and_every_control_is(field: Field) -> None:
    result = field.harvest()
    assert result.found == ()
    assert result.missed == ()
    assert result.passed == result.attempted > 10 * LETTERS


def test_every_letter_has_a_canary_in_each_of_its_sealed_fields(field: Field) -> None:
    sown = [len(letter.canaries) for letter in field.letters]
    assert sorted(set(sown)) == [1, 6, 19]  # a question; a refusal with two attachments; a request with them
    assert len(set(field.canaries)) == sum(sown)


def test_one_plaintext_in_a_log_line_is_found(field: Field, tmp_path: Path) -> None:
    leaky = field.copied_to(tmp_path)
    leaked = field.letters[3].canaries[2]
    assert isinstance(leaked, str)
    with leaky.log.open("ab") as log:
        log.write(b'{"event": "refused", "body": "' + base64.b64encode(leaked.encode()) + b'"}\n')
    result = leaky.harvest()
    assert (result.passed, result.ok) == (result.attempted - 1, False)
    assert {one.form for one in result.found} == {"base64", "plain"}  # as it stands, and unwrapped


def test_one_plaintext_in_a_row_that_was_deleted_is_found(field: Field, tmp_path: Path) -> None:
    leaky = field.copied_to(tmp_path)
    leaked = field.canaries[-1]
    with closing(sqlite3.connect(leaky.database, isolation_level=None)) as database:
        database.execute("INSERT INTO bus_message (queue, deliveries, frame) VALUES ('x', 0, ?)", (leaked,))
        database.execute("DELETE FROM bus_message WHERE queue = 'x'")
        result = leaky.harvest()  # before the connection closes: with the last one SQLite removes its log
    assert {one.number for one in result.found} == {len(field.canaries) - 1}


def test_a_search_that_misses_what_is_there_fails(field: Field) -> None:
    control = Control("something that is nowhere", "exchange.log", ("a text that nobody ever wrote",))
    result = harvest(field.places, field.canaries, [control])
    assert (result.passed, result.missed, result.ok) == (result.attempted, (control,), False)


def test_the_command_ends_with_one_plain_line() -> None:
    command = [sys.executable, "-m", "tests.canaries", "--n", "3", "--seed", "7", "--mode", "embedded"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "canaries (embedded): passed 44 / attempted 44"
    assert done.stdout.count("passed") == 1
