"""Killed between any two durable steps, the exchange finds one effect of each message after it comes back."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import pytest

from shared.errors import EnvelopeExpired
from shared.runtime.crash_points import GATEWAY_POINTS, PUMP_POINTS, RELAY_POINTS, SEQUENCER_POINTS
from tests.exchange_process import EnrolledExchange
from tests.faults.letters import (
    BRUSSELS,
    LETTERS,
    MADRID,
    RABAT,
    Letter,
    Prepared,
    assert_ledger_verifies,
    assert_one_effect,
    expected_outcome,
    outcome_since,
    resume,
    send,
    write_request,
)

DIES_WITHIN_S: Final = 30.0
LIFE_S: Final = 5.0
GONE_AFTER_S: Final = 0.3
"""Patience of a client whose exchange is about to die: it gives up soon, keeps the message, and resumes."""

POINTS: Final = [f"intake:{point}" for point in PUMP_POINTS]
POINTS_AFTER_INTAKE: Final = [
    *(f"{service}:{point}" for service in ("routing", "notification") for point in PUMP_POINTS),
    *(f"ledger:{point}" for point in SEQUENCER_POINTS),
]
CASES: Final = [
    *(pytest.param(point, letter, id=f"{point}-{letter}") for point in POINTS for letter in LETTERS),
    *(pytest.param(point, list(LETTERS)[number % 2], id=point) for number, point in enumerate(POINTS_AFTER_INTAKE)),
]


@pytest.mark.parametrize("kind", LETTERS)
def test_an_undisturbed_letter_has_the_effects_that_are_written_down(
    kind: str, exchange: EnrolledExchange, prepared: Prepared
) -> None:
    exchange.process.start()
    letter = LETTERS[kind](exchange, prepared)
    assert send(exchange, letter) == "accepted"
    assert_one_effect(exchange, prepared, letter)


@pytest.mark.parametrize(("point", "kind"), CASES)
def test_a_letter_has_one_effect_wherever_the_exchange_is_killed(
    point: str, kind: str, exchange: EnrolledExchange, prepared: Prepared
) -> None:
    letter = _send_and_die(exchange, lambda: LETTERS[kind](exchange, prepared), point)
    exchange.rows.let_relays_be_due()
    exchange.process.start()
    assert resume(exchange, letter) == "accepted"
    assert_one_effect(exchange, prepared, letter)


@pytest.mark.parametrize("service", ["intake", "routing"])
@pytest.mark.parametrize("point", RELAY_POINTS)
def test_a_letter_has_one_effect_when_the_relay_is_killed_too(
    service: str, point: str, exchange: EnrolledExchange, prepared: Prepared
) -> None:
    """The first kill leaves rows in the outbox that only the relay publishes; the second meets it at work."""
    letter = _send_and_die(exchange, lambda: write_request(exchange), f"{service}:committed")
    exchange.rows.let_relays_be_due()
    exchange.process.start(crash_at=f"{service}:{point}")
    exchange.process.wait_killed(DIES_WITHIN_S)
    exchange.rows.let_relays_be_due()
    exchange.process.start()
    assert resume(exchange, letter) == "accepted"
    assert_one_effect(exchange, prepared, letter)


def test_the_relay_publishes_what_a_kill_left_without_anybody_moving_the_clock(
    exchange: EnrolledExchange, prepared: Prepared
) -> None:
    letter = _send_and_die(exchange, lambda: write_request(exchange), "intake:committed")
    exchange.process.start()
    assert resume(exchange, letter) == "accepted"
    assert_one_effect(exchange, prepared, letter)


@pytest.mark.parametrize("point", GATEWAY_POINTS)
def test_a_client_that_got_no_answer_repeats_the_bytes_and_there_is_one_effect(
    point: str, exchange: EnrolledExchange, prepared: Prepared
) -> None:
    """The client knows nothing of the kill: it is still trying when the exchange comes back."""
    exchange.process.start(crash_at=f"gateway:{point}")
    letter = write_request(exchange)
    with _reviving(exchange):
        assert send(exchange, letter) == "accepted"
    assert_one_effect(exchange, prepared, letter)


@pytest.mark.parametrize("point", GATEWAY_POINTS)
def test_a_fetch_that_got_no_answer_is_evidenced_once(
    point: str, exchange: EnrolledExchange, prepared: Prepared
) -> None:
    exchange.process.start(crash_at=f"gateway:{point}")
    with _reviving(exchange):
        news = exchange.correspondence(BRUSSELS).mailbox.read_feed()
    assert [event.message for event in news.events] == [prepared.opening]
    exchange.rows.wait_settled()
    outcome = outcome_since(exchange, prepared)
    assert outcome.effects == Counter({"evidence": 1, "leaf evidence.retrieval": 1, "ledger_leaf": 1, "feed_entry": 1})
    assert outcome.feeds == {RABAT: ["message.retrieved"]}
    assert_ledger_verifies(exchange)


@pytest.mark.parametrize("point", ["gateway:submitted", "intake:written", "intake:committed"])
def test_a_key_event_that_was_posted_into_a_kill_counts_once(
    point: str, exchange: EnrolledExchange, prepared: Prepared
) -> None:
    exchange.process.start(crash_at=point)
    with _reviving(exchange):
        exchange.post_change("suspend", MADRID)
    exchange.rows.wait_settled()
    effects = outcome_since(exchange, prepared).effects
    assert effects == Counter({"key_event": 1, "leaf directory.key-event": 1, "ledger_leaf": 1})
    assert_ledger_verifies(exchange)


def test_a_letter_that_expires_while_the_exchange_is_down_is_rejected_and_not_lost(
    exchange: EnrolledExchange, prepared: Prepared
) -> None:
    letter = _send_and_die(exchange, lambda: write_request(exchange, life_s=LIFE_S), "intake:taken")
    time.sleep(LIFE_S)
    exchange.process.start()
    assert resume(exchange, letter) == EnvelopeExpired.code
    exchange.rows.wait_settled()
    outcome = outcome_since(exchange, prepared)
    assert outcome.effects == Counter({"decision": 1, "leaf decision.rejected": 1, "ledger_leaf": 1, "feed_entry": 1})
    assert outcome.feeds == {RABAT: ["message.rejected"]}
    assert_ledger_verifies(exchange)


def test_an_exchange_that_is_killed_again_and_again_still_ends_with_one_effect(
    exchange: EnrolledExchange, prepared: Prepared
) -> None:
    """Each start dies one step later than the one before."""
    letter = _send_and_die(exchange, lambda: write_request(exchange), "intake:taken")
    for point in ("intake:written", "intake:committed", "routing:handled", "routing:published", "notification:written"):
        exchange.rows.let_relays_be_due()
        exchange.process.start(crash_at=point)
        exchange.process.wait_killed(DIES_WITHIN_S)
    exchange.rows.let_relays_be_due()
    exchange.process.start()
    assert resume(exchange, letter) == "accepted"
    assert_one_effect(exchange, prepared, letter)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_an_exchange_loses_and_doubles_no_letter(
    seed: int, exchange: EnrolledExchange, prepared: Prepared
) -> None:
    """A sender that goes on while the exchange is killed again and again under it."""
    exchange.process.start()
    letters = [write_request(exchange) for _ in range(12)]
    moments = random.Random(seed)

    def kill_again_and_again() -> None:
        for _ in range(4):
            time.sleep(moments.uniform(0.02, 0.8))  # any moment will do: this is no wait
            exchange.process.kill()
            exchange.process.start()

    with ThreadPoolExecutor(1) as thread:
        killed = thread.submit(kill_again_and_again)
        for letter in letters:
            exchange.correspondence(RABAT).outbox.send(letter.message)
        killed.result()
    assert [resume(exchange, letter) for letter in letters] == ["accepted"] * len(letters)
    exchange.rows.wait_settled()
    assert exchange.rows.dead_letters() == []
    effects = outcome_since(exchange, prepared).effects
    assert effects == sum((expected_outcome(letter, prepared).effects for letter in letters), Counter())
    assert_ledger_verifies(exchange)


def _send_and_die(exchange: EnrolledExchange, write: Callable[[], Letter], point: str) -> Letter:
    """Send one letter to an exchange that kills itself at this point."""
    exchange.patience_s, patience_s = GONE_AFTER_S, exchange.patience_s
    exchange.process.start(crash_at=point)
    letter = write()
    send(exchange, letter)
    exchange.process.wait_killed(DIES_WITHIN_S)
    exchange.hang_up()
    exchange.patience_s = patience_s
    return letter


@contextmanager
def _reviving(exchange: EnrolledExchange) -> Iterator[None]:
    """Beside what happens inside, wait until the exchange dies and start it again."""

    def revive() -> None:
        exchange.process.wait_killed(DIES_WITHIN_S)
        exchange.process.start()

    with ThreadPoolExecutor(1) as thread:
        revived = thread.submit(revive)
        yield
        revived.result()
