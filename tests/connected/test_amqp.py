"""RabbitMQ's own ways to fail, beyond what every bus promises (`tests/conformance`): silence, lost and wrong queues."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aio_pika
import pytest

from deploy.local import PrivateRabbitMQ
from shared.adapters.amqp import AmqpBus, subscription
from shared.errors import BusUnavailable, SettingsRefused
from shared.ports.bus import Consumer, Outcome, Outgoing
from tests.connected.silent_proxy import SilentProxy, silent_proxy
from tests.promptness import in_time

WORK = "intake"
ONE = [Outgoing(WORK, b"1")]


@asynccontextmanager
async def opened(url: str, prefix: str) -> AsyncIterator[AmqpBus]:
    bus = AmqpBus(url, prefix, queues=(WORK,))
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def opened_through_proxy(rabbitmq: PrivateRabbitMQ, prefix: str) -> AsyncIterator[tuple[AmqpBus, SilentProxy]]:
    async with AsyncExitStack() as both:
        proxy = await both.enter_async_context(silent_proxy(rabbitmq.port))
        url = rabbitmq.url.replace(f":{rabbitmq.port}/", f":{proxy.port}/")
        yield await both.enter_async_context(opened(url, prefix)), proxy


async def test_a_publish_into_silence_fails_in_time_and_a_later_one_finds_a_new_connection(
    rabbitmq: PrivateRabbitMQ, queue_prefix: str
) -> None:
    async with opened_through_proxy(rabbitmq, f"{queue_prefix}publish.") as (bus, proxy):
        assert await bus.publish(ONE, timeout_s=5) == [Outcome.confirmed]
        proxy.fall_silent()
        async with asyncio.timeout(15):  # before two heartbeats could be missing
            while proxy.accepted < 2:
                assert await in_time(1.5, lambda: bus.publish(ONE, timeout_s=1))
        proxy.speak_again()
        await _publish_in_the_end(bus)
        await _until(lambda: proxy.open_connections == 1, within_s=30)


async def test_a_consumer_in_silence_is_told_within_seconds(rabbitmq: PrivateRabbitMQ, queue_prefix: str) -> None:
    async with opened_through_proxy(rabbitmq, f"{queue_prefix}consume.") as (bus, proxy):
        async with bus.consume(WORK, prefetch=1) as consumer:
            assert await consumer.take(1, wait_s=0.1) == []
            proxy.fall_silent()
            await _loses_its_subscription(consumer)
        proxy.speak_again()
        await _publish_in_the_end(bus)
        async with bus.consume(WORK, prefetch=1) as consumer:
            assert len(await consumer.take(1, wait_s=20)) == 1


async def test_nothing_waits_for_a_silent_broker_for_long(rabbitmq: PrivateRabbitMQ, queue_prefix: str) -> None:
    async with opened_through_proxy(rabbitmq, f"{queue_prefix}silence.") as (bus, proxy):
        await bus.ping()
        proxy.fall_silent()

        async def ping_in_vain() -> None:
            with pytest.raises(BusUnavailable):
                await bus.ping()

        assert await in_time(8, ping_in_vain)
        assert await in_time(1.5, lambda: bus.announce(b"hint"))
        async with asyncio.timeout(10):
            await bus.close()


async def test_a_consumer_of_a_deleted_queue_is_told_and_the_next_one_finds_the_queue_again(
    rabbitmq: PrivateRabbitMQ, queue_prefix: str
) -> None:
    prefix = f"{queue_prefix}deleted."
    async with opened(rabbitmq.url, prefix) as bus:
        async with bus.consume(WORK, prefetch=1) as consumer:
            await _delete_queue(rabbitmq.url, f"{prefix}{WORK}")
            await _loses_its_subscription(consumer)
        async with bus.consume(WORK, prefetch=1) as consumer:
            await _publish_in_the_end(bus)
            assert len(await consumer.take(1, wait_s=20)) == 1


async def test_who_leaves_while_the_watch_asks_lets_it_be_answered(
    rabbitmq: PrivateRabbitMQ, queue_prefix: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Were it cancelled, the library would close the channel on its own: one that both sides close at once, as when its
    queue is deleted, takes the whole connection with it [once in 300 tries].
    """
    monkeypatch.setattr(subscription, "WATCH_EVERY_S", 0.1)
    async with opened_through_proxy(rabbitmq, f"{queue_prefix}left.") as (bus, proxy):
        async with bus.consume(WORK, prefetch=1):
            proxy.fall_silent()
            await asyncio.sleep(0.3)  # its question is on the way
            asyncio.get_running_loop().call_later(0.2, proxy.speak_again)
        await bus.ping()
        assert proxy.accepted == 2
    assert "cancelled" not in caplog.text


async def test_queues_of_another_shape_are_named_at_the_start_and_never_published_to(
    rabbitmq: PrivateRabbitMQ, queue_prefix: str
) -> None:
    prefix = f"{queue_prefix}shape."
    async with await aio_pika.connect(rabbitmq.url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(f"{prefix}{WORK}", durable=True)  # classic and without limits
    bus = AmqpBus(rabbitmq.url, prefix, queues=(WORK,))
    with pytest.raises(SettingsRefused, match=f"{prefix}{WORK}"):
        await bus.open()
    assert await bus.publish(ONE, timeout_s=5) == [Outcome.failed]
    await bus.close()


async def test_a_broker_that_is_not_there_is_unavailable(rabbitmq: PrivateRabbitMQ) -> None:
    async with silent_proxy(rabbitmq.port) as proxy:
        nobody_listens = proxy.port
    bus = AmqpBus(f"amqp://u:secret@127.0.0.1:{nobody_listens}/", "none.", queues=(WORK,))
    with pytest.raises(BusUnavailable) as refused:
        await bus.open()
    assert "secret" not in str(refused.value)
    assert await bus.publish(ONE, timeout_s=5) == [Outcome.failed]
    await bus.close()


def test_tls_settings_for_an_address_without_tls_are_refused() -> None:
    with pytest.raises(SettingsRefused):
        AmqpBus("amqp://broker/", "tls.", ssl_context=ssl.create_default_context())


async def _loses_its_subscription(consumer: Consumer) -> None:
    """Before two heartbeats could be missing."""
    async with asyncio.timeout(15):
        with pytest.raises(BusUnavailable):
            await _take_for_ever(consumer)


async def _take_for_ever(consumer: Consumer) -> None:
    while True:
        assert await consumer.take(1, wait_s=1) == []


async def _publish_in_the_end(bus: AmqpBus) -> None:
    """Once the connection that fell silent is given up; duplicates are nothing to this file."""
    async with asyncio.timeout(30):
        while await bus.publish(ONE, timeout_s=5) != [Outcome.confirmed]:
            await asyncio.sleep(0.1)


async def _until(claim: Callable[[], bool], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not claim():
            await asyncio.sleep(0.02)


async def _delete_queue(url: str, name: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(name)
