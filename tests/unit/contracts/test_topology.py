"""Who speaks to whom: every message has one way, and no way leads back."""

from __future__ import annotations

from graphlib import TopologicalSorter

from shared.contracts.registry import MODELS
from shared.contracts.topology import CONSUMER, DESTINATION, PRODUCERS, QUEUES, SERVICES, WAKEUPS


def test_the_queues_form_no_cycle() -> None:
    graph = {CONSUMER[destination]: PRODUCERS[destination] for destination in QUEUES}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert order.index("intake") < order.index("routing") < order.index("notification")


def test_every_message_on_the_bus_has_exactly_one_destination() -> None:
    assert set(DESTINATION) == set(MODELS.values())
    assert set(DESTINATION.values()) == {*QUEUES, WAKEUPS}


def test_every_destination_has_a_consumer_and_known_producers() -> None:
    assert set(PRODUCERS) == set(CONSUMER) == {*QUEUES, WAKEUPS}
    assert {*CONSUMER.values(), *(one for producers in PRODUCERS.values() for one in producers)} <= set(SERVICES)


def test_a_type_and_version_name_one_model() -> None:
    assert len({(model.TYPE, model.VERSION) for model in MODELS.values()}) == len(MODELS)
