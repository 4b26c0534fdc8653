"""Who speaks to whom: every message has one way, and no way leads back."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

from shared.contracts.registry import MODELS
from shared.contracts.topology import CONSUMER, DESTINATION, PRODUCERS, QUEUES, SAID_BY, SERVICES, WAKEUPS


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
    page = (Path(__file__).parents[3] / "docs/spec/frames.md").read_text()
    for service in SERVICES:
        said = ", ".join(f"`{message.TYPE}`" for message in MODELS.values() if service in SAID_BY[message])
        told = re.search(rf"^\| {service} \| (.*) \|$", page, re.MULTILINE)
        assert set(told[1].split(", ") if told else ()) == set(said.split(", ") if said else ()), service
