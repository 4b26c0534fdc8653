"""Every service may do on the broker what its code does, and nothing else: asked of RabbitMQ itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelAccessRefused

from deploy.local import PrivateRabbitMQ
from shared.adapters.amqp import AmqpBus
from shared.adapters.amqp.definitions import COUNTS_WHAT_WAITS
from shared.adapters.amqp.topology import dead_queue, entry, fanout, work_queue
from shared.contracts.topology import CONSUMER, PRODUCERS, QUEUES, SERVICES, WAKEUPS
from shared.ports.bus import Delivery, Outcome, Outgoing
from tests.connected.users import QUEUE_PREFIX, url_of

Try = Callable[[AbstractChannel], Awaitable[object]]


@pytest.fixture(autouse=True)
async def empty_queues(guarded_rabbitmq: PrivateRabbitMQ) -> None:
    """The broker is the whole run's: other files may have left frames on it."""
    async with await aio_pika.connect(guarded_rabbitmq.url) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            for name in (work_queue(QUEUE_PREFIX, queue), dead_queue(QUEUE_PREFIX, queue)):
                await (await channel.get_queue(name, ensure=False)).purge()


@asynccontextmanager
async def bus_of(server: PrivateRabbitMQ, service: str) -> AsyncIterator[AmqpBus]:
    bus = AmqpBus(url_of(server, service), QUEUE_PREFIX)
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()


async def test_each_service_does_its_work_with_its_rights(guarded_rabbitmq: PrivateRabbitMQ) -> None:
    async with AsyncExitStack() as all_of_them:
        buses = {
            service: await all_of_them.enter_async_context(bus_of(guarded_rabbitmq, service)) for service in SERVICES
        }
        for queue in QUEUES:
            outgoing = {service: Outgoing(queue, f"from {service}".encode()) for service in PRODUCERS[queue]}
            for service, frame in outgoing.items():
                assert await buses[service].publish([frame], 5) == [Outcome.confirmed]
            consuming = buses[CONSUMER[queue]]
            async with consuming.consume(queue, prefetch=10) as consumer:
                taken: list[Delivery] = []
                while len(taken) < len(outgoing):
                    taken += await consumer.take(10, wait_s=5)
                assert {delivery.frame for delivery in taken} == {frame.frame for frame in outgoing.values()}
                await consumer.acknowledge(taken)
            assert await consuming.drain_dead(queue, 10, _refuse) == 0
            assert await buses["gateway"].depth(queue) == 0
        async with buses[CONSUMER[WAKEUPS]].listen() as listener, asyncio.timeout(5):
            await buses["notification"].announce(b"wake up")
            assert await listener.next() == b"wake up"


async def test_a_frame_given_up_reaches_the_dead_queue_though_nobody_may_write_there(
    guarded_rabbitmq: PrivateRabbitMQ,
) -> None:
    async with bus_of(guarded_rabbitmq, "gateway") as gateway, bus_of(guarded_rabbitmq, "intake") as intake:
        assert await gateway.publish([Outgoing("intake", b"poison")], 5) == [Outcome.confirmed]
        async with connected(guarded_rabbitmq, "intake") as connection:
            channel = await connection.channel()
            taken = await (await channel.get_queue(work_queue(QUEUE_PREFIX, "intake"), ensure=False)).get(timeout=5)
            assert taken is not None
            await taken.reject(requeue=False)
        kept: list[bytes] = []

        async def keep(frames: list[bytes]) -> None:
            kept.extend(frames)

        async with asyncio.timeout(10):
            while not await intake.drain_dead("intake", 10, keep):
                await asyncio.sleep(0.05)
        assert kept == [b"poison"]


def forbidden_to(service: str) -> dict[str, Try]:
    """What this service has no business to do on the broker."""
    tries: dict[str, Try] = {
        "declare a queue": lambda channel: channel.declare_queue("mine", durable=True),
        "declare an exchange": lambda channel: channel.declare_exchange("mine", durable=True),
        "publish to the fanout of the broker": lambda channel: _publish(channel, "amq.fanout", ""),
    }
    for queue in QUEUES:
        names = work_queue(QUEUE_PREFIX, queue), dead_queue(QUEUE_PREFIX, queue)
        if service not in PRODUCERS[queue]:
            tries[f"publish to {queue}"] = _publishing(entry(QUEUE_PREFIX, queue), names[0])
        for name in names:
            tries[f"publish to {name} behind its exchange"] = _publishing("", name)
            tries[f"delete {name}"] = _deleting(name)
            if service != COUNTS_WHAT_WAITS:
                tries[f"have the wake-ups in {name}"] = _binding(name)
            if service != CONSUMER[queue]:
                tries[f"read {name}"] = _reading(name)
                tries[f"empty {name}"] = _emptying(name)
    if service not in PRODUCERS[WAKEUPS]:
        tries["wake up"] = _publishing(fanout(QUEUE_PREFIX), "")
    return tries


@pytest.mark.parametrize("service", SERVICES)
async def test_what_a_service_has_no_business_with_is_refused(guarded_rabbitmq: PrivateRabbitMQ, service: str) -> None:
    async with connected(guarded_rabbitmq, service) as connection:
        allowed = []
        for what, attempt in forbidden_to(service).items():
            channel = await connection.channel(publisher_confirms=True)
            try:
                async with asyncio.timeout(5):
                    await attempt(channel)
                allowed.append(what)
            except ChannelAccessRefused:
                """As it should be; the channel is closed."""
        assert allowed == []


async def test_the_definitions_are_what_a_user_with_all_rights_declares(guarded_rabbitmq: PrivateRabbitMQ) -> None:
    bus = AmqpBus(guarded_rabbitmq.url, QUEUE_PREFIX)
    await bus.open()  # refused for queues of another shape
    await bus.close()


@asynccontextmanager
async def connected(server: PrivateRabbitMQ, service: str) -> AsyncIterator[aio_pika.abc.AbstractConnection]:
    async with await aio_pika.connect(url_of(server, service)) as connection:
        yield connection


async def _refuse(frames: list[bytes]) -> None:
    raise AssertionError(f"nothing was given up, and there is {frames}")


async def _publish(channel: AbstractChannel, exchange: str, key: str) -> None:
    to = channel.default_exchange if not exchange else await channel.get_exchange(exchange, ensure=False)
    await to.publish(aio_pika.Message(b"not mine"), key)


def _publishing(exchange: str, key: str) -> Try:
    return lambda channel: _publish(channel, exchange, key)


def _deleting(name: str) -> Try:
    return lambda channel: channel.queue_delete(name)


def _binding(name: str) -> Try:
    async def bind(channel: AbstractChannel) -> None:
        queue = await channel.get_queue(name, ensure=False)
        await queue.bind(fanout(QUEUE_PREFIX))

    return bind


def _reading(name: str) -> Try:
    async def read(channel: AbstractChannel) -> None:
        queue = await channel.get_queue(name, ensure=False)
        await queue.get(fail=False)

    return read


def _emptying(name: str) -> Try:
    async def empty(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).purge()

    return empty
