"""A sample of the campaign: each service dies at a point, broker and database die under load, and all is well after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outages.arena import build_arena
from tests.outages.campaign import Campaign
from tests.outages.faults import Crash, Fault, Outage, Zombie, all_faults
from tests.outages.twists import freeze_where_asked

SEED = 20261122
SAMPLE = [
    Crash("gateway", "submitted"),
    Crash("intake", "written", replicas=2),
    Crash("routing", "committed"),
    Crash("notification", "published"),
    Zombie("ledger", "round-written", loses_sessions=True),
    Outage(("broker",)),
    Outage(("database",)),
]


@pytest.fixture(scope="module")
def campaign(server_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    replicas = {"gateway": 1, "intake": 2, "routing": 1, "notification": 1, "ledger": 2}
    with build_arena(tmp_path_factory.mktemp("outages"), SEED, replicas, (freeze_where_asked,)) as arena:
        yield Campaign(arena, SEED)


@pytest.mark.parametrize("fault", SAMPLE, ids=lambda fault: fault.kind)
def test_nothing_is_lost_duplicated_or_stuck(fault: Fault, campaign: Campaign) -> None:
    assert campaign.play(fault).findings == ()


def test_every_kind_of_fault_has_a_name_of_its_own_and_is_played_by_a_hundred() -> None:
    kinds = [fault.kind for fault in all_faults()]
    assert len(set(kinds)) == len(kinds) <= 100
