"""Who speaks to whom: every message has one way, and no way leads back."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

from shared.audit.leaf_catalogue import CATALOGUE
from shared.contracts.registry import MODELS
from shared.contracts.topology import (
    CONSUMER,
    DESTINATION,
    LEAF_WRITERS,
    PRODUCERS,
    QUEUES,
    SAID_BY,
    SERVICES,
    WAKEUPS,
    WRITTEN_BY,
)

SPEC = Path(__file__).parents[3] / "docs/spec"


def test_the_queues_form_no_cycle() -> None:
    graph = {CONSUMER[destination]: PRODUCERS[destination] for destination in QUEUES}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert order.index("intake") < order.index("routing") < order.index("notification")


def test_every_message_on_the_bus_has_exactly_one_destination() -> None:
    assert set(DESTINATION) == set(MODELS.values())
    assert set(DESTINATION.values()) == {*QUEUES, WAKEUPS}


def test_every_message_is_said_by_one_service() -> None:
    assert {message: len(services) for message, services in SAID_BY.items()} == dict.fromkeys(MODELS.values(), 1)


def test_every_destination_has_a_consumer_and_known_producers() -> None:
    assert set(PRODUCERS) == set(CONSUMER) == {*QUEUES, WAKEUPS}
    assert {*CONSUMER.values(), *(one for producers in PRODUCERS.values() for one in producers)} <= set(SERVICES)


def test_a_type_and_version_name_one_model() -> None:
    assert len({(model.TYPE, model.VERSION) for model in MODELS.values()}) == len(MODELS)


def test_the_page_of_frames_says_who_may_say_what() -> None:
    page = (SPEC / "frames.md").read_text()
    for service in SERVICES:
        said = ", ".join(f"`{message.TYPE}`" for message in MODELS.values() if service in SAID_BY[message])
        told = re.search(rf"^\| {service} \| (.*) \|$", page, re.MULTILINE)
        assert set(told[1].split(", ") if told else ()) == set(said.split(", ") if said else ()), service


def test_every_leaf_of_the_catalogue_has_its_writers_and_the_gateway_is_none() -> None:
    assert set(WRITTEN_BY) == set(CATALOGUE)
    assert all(WRITTEN_BY.values())
    assert set(SERVICES) - {"gateway"} >= LEAF_WRITERS


def test_the_page_of_leaves_says_who_may_write_what() -> None:
    page = (SPEC / "leaves.md").read_text()
    table = page[page.index("| leaves | written by |") : page.index("## What fields hold")]
    told = {}
    for leaves, writers in re.findall(r"^\| (`.*`) \| ([a-z, :]+) \|$", table, re.MULTILINE):
        for leaf in re.findall(r"`([a-z.-]+)`", leaves):
            told[leaf] = frozenset(re.split(r", ", writers.partition(":")[0]))
    assert told == WRITTEN_BY
