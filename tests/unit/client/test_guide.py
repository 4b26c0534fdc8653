"""The samples in the guide are accepted as they stand there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from client.composition import compose_request
from client.request_file import load_request
from comity.main import COMMANDS
from shared.domain.instruments import parse_registry
from tests.unit.client.paper_services import REGISTRY

GUIDES = Path(__file__).parents[3] / "docs" / "guide"


def test_the_sample_request_can_be_sent_as_it_is(tmp_path: Path) -> None:
    page = (GUIDES / "authority.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- sample: request.json -->\n```json\n(.*?)```", page, re.DOTALL)
    assert found is not None
    file = tmp_path / "request.json"
    file.write_text(found[1], encoding="utf-8")
    composed = compose_request(
        load_request(file),
        exchange="comity.example/log",
        sender="MA.PGR",
        recipients=("BE.PF", "FR.BEPI"),
        instrument=None,
        registry=parse_registry(REGISTRY),
        now=datetime(2026, 11, 22, tzinfo=UTC),
    )
    assert composed.flags == ()
    assert composed.header.measures == {"M1": "bank-data", "M2": "testimony"}


def test_the_guides_name_commands_that_exist() -> None:
    for page in ("authority.md", "auditor.md"):
        named = set(re.findall(r"^comity ([a-z]+)", (GUIDES / page).read_text(encoding="utf-8"), re.MULTILINE))
        assert named
        assert named <= set(COMMANDS)
