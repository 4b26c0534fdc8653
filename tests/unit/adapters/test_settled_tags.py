"""Settling tags with few frames, against a model of the broker, which closes the channel for a tag it does not know."""

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.amqp.consumer import SettledTags


class BrokerModel:
    """RabbitMQ's own rule: the tag must be outstanding, and `multiple` settles it and all before it."""

    def __init__(self, delivered: int) -> None:
        self.outstanding = set(range(1, delivered + 1))

    def settle(self, tag: int, multiple: bool) -> set[int]:
        assert tag in self.outstanding, "PRECONDITION_FAILED - unknown delivery tag"
        settled = {other for other in self.outstanding if other == tag or (multiple and other < tag)}
        self.outstanding -= settled
        return settled


def settle(tags: SettledTags, broker: BrokerModel, wanted: list[int]) -> set[int]:
    run_end, singles = tags.settle(wanted)
    settled = broker.settle(run_end, multiple=True) if run_end is not None else set()
    for tag in singles:
        settled |= broker.settle(tag, multiple=False)
    return settled


@given(st.lists(st.lists(st.integers(1, 12), max_size=8), max_size=12))
def test_exactly_the_tags_that_were_asked_for_are_settled_and_each_once(rounds: list[list[int]]) -> None:
    tags, broker, before = SettledTags(), BrokerModel(delivered=12), set[int]()
    for wanted in rounds:
        assert settle(tags, broker, wanted) == set(wanted) - before
        before |= set(wanted)
    assert broker.outstanding == set(range(1, 13)) - before


def test_a_whole_batch_is_settled_with_one_frame() -> None:
    tags = SettledTags()
    assert tags.settle(range(1, 301)) == (300, [])
    assert tags.settle(range(301, 305)) == (304, [])


def test_a_gap_is_never_settled_by_a_later_tag() -> None:
    tags = SettledTags()
    assert tags.settle([2, 3]) == (None, [2, 3])
    assert tags.settle([5]) == (None, [5])
    assert tags.settle([1]) == (1, [])
    assert tags.settle([4, 6]) == (6, [])
