"""No plaintext lies where separate services, RabbitMQ and PostgreSQL write, and no secret where it does not belong."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from client.signing import generate_authority_keys
from tests.canaries_exchange import Search, enrol_separate, plant_and_search
from tests.canary_harvest import Harvest, harvest
from tests.exchange_process import PARTIES
from tests.outages.forked import launch_forks

LETTERS = 8


@pytest.fixture(scope="module")
def searches(server_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Search]]:
    """A campaign whose exchange is dead."""
    place = tmp_path_factory.mktemp("canaries")
    with enrol_separate(place, [generate_authority_keys(party) for party in PARTIES], launch_forks()) as exchange:
        yield plant_and_search(exchange, LETTERS, seed=1)


def _harvest(search: Search) -> Harvest:
    return harvest(search.places, search.texts, search.controls)


def test_no_sealed_plaintext_is_found_and_every_control_is(searches: dict[str, Search]) -> None:
    result = _harvest(searches["canaries"])
    assert result.found == ()
    assert result.missed == ()
    assert result.passed == result.attempted > 10 * LETTERS


def test_no_secret_is_found_where_it_does_not_belong(searches: dict[str, Search]) -> None:
    result = _harvest(searches["secrets"])
    assert result.found == ()
    assert result.attempted > 20  # ten private seeds, two passwords or more, and those of the refused starts


def test_one_leak_of_each_kind_is_found(searches: dict[str, Search], tmp_path: Path) -> None:
    """As a dump shows a value of a value, as a log rotates, as a broker keeps a message."""
    texts = searches["canaries"].texts
    first, second, third = [one for one in texts if isinstance(one, str) and len(one) > 40][:3]
    manifest = json.dumps({"payload": base64.b64encode(f'{{"body":"{first}"}}'.encode()).decode()})
    (tmp_path / "dump.sql").write_text(f"COPY envelope FROM stdin;\nx\t\\\\x{manifest.encode().hex()}\n")
    (tmp_path / "intake-1.log.1.gz").write_bytes(gzip.compress(json.dumps({"why": second}).encode()))
    (tmp_path / "00000001.segment").write_bytes(b"\x00\x01" * 50 + third.encode() + b"\x00")
    result = _harvest(replace(searches["canaries"], places=[tmp_path], controls=[]))
    assert {one.number for one in result.found} == {texts.index(one) for one in (first, second, third)}
    assert not result.ok
