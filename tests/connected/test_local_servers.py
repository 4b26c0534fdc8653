"""The private servers keep what was confirmed through a kill and a restart, and end with whoever started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aio_pika
import asyncpg  # type: ignore[import-untyped]  # ships no types
import pytest
from aio_pika.abc import AbstractChannel, AbstractQueue

from deploy.local import PrivatePostgres, PrivateRabbitMQ, ServerFailed
from deploy.local.endpoint import answers


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn.replace("+asyncpg", ""))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def _value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn.replace("+asyncpg", ""))
    value: object = await connection.fetchval(query)
    await connection.close()
    return value


async def _declare(channel: AbstractChannel, name: str) -> AbstractQueue:
    return await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})


async def test_a_confirmed_message_survives_the_killing_of_the_broker(
    rabbitmq: PrivateRabbitMQ, queue_prefix: str
) -> None:
    name = f"{queue_prefix}durable"
    async with await aio_pika.connect(rabbitmq.url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await _declare(channel, name)
        message = aio_pika.Message(b"sealed", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key=name)

    rabbitmq.wait_until_durable(name)

    url = rabbitmq.url
    rabbitmq.kill()
    assert not answers(rabbitmq.port)
    rabbitmq.start()

    assert rabbitmq.url == url
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await _declare(channel, name)
        kept = await queue.get(timeout=10)
        assert kept is not None
        assert kept.body == b"sealed"
        await kept.ack()


async def test_a_committed_row_survives_the_killing_of_the_database(postgres: PrivatePostgres, database: str) -> None:
    await _execute(database, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")

    postgres.kill()
    assert not answers(postgres.port)
    postgres.start()

    assert await _value(database, "SELECT n FROM kept") == 42


async def test_a_copied_database_has_the_rows_of_its_template_and_is_its_own(postgres: PrivatePostgres) -> None:
    postgres.create_database("original")
    await _execute(postgres.dsn("original"), "CREATE TABLE t (n int)", "INSERT INTO t VALUES (1)")
    postgres.create_database("copy", template="original")
    await _execute(postgres.dsn("copy"), "INSERT INTO t VALUES (2)")

    assert await _value(postgres.dsn("copy"), "SELECT sum(n) FROM t") == 3
    assert await _value(postgres.dsn("original"), "SELECT sum(n) FROM t") == 1

    postgres.drop_database("copy")
    postgres.drop_database("original")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(postgres.dsn("copy").replace("+asyncpg", ""))


async def test_the_broker_knows_only_the_user_that_was_made_for_it(rabbitmq: PrivateRabbitMQ) -> None:
    with pytest.raises(aio_pika.exceptions.ProbableAuthenticationError):
        await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{rabbitmq.port}/")


def test_the_database_asks_for_the_password_that_was_made_for_it(postgres: PrivatePostgres) -> None:
    refused = subprocess.run(
        ["psql", "-w", f"postgresql://comity@127.0.0.1:{postgres.port}/postgres", "-c", "SELECT 1"],
        env={"PATH": os.environ["PATH"], "HOME": os.devnull},
        capture_output=True,
        text=True,
    )
    assert refused.returncode != 0
    assert "no password supplied" in refused.stderr


def test_a_port_that_another_program_took_is_refused_and_that_program_left_alone(tmp_path: Path) -> None:
    first = PrivatePostgres(tmp_path / "first")
    with first:
        second = PrivatePostgres(tmp_path / "second")
        second.directory.mkdir()
        (second.directory / "endpoint.json").write_text((first.directory / "endpoint.json").read_text())
        with pytest.raises(ServerFailed, match="in use by another program"):
            second.start()
        second.stop()
        assert first.is_running()
        first.create_database("still_here")
    assert not answers(first.port)


@pytest.mark.parametrize("death", [signal.SIGTERM, signal.SIGKILL])
def test_servers_end_with_the_process_that_started_them_however_it_ends(tmp_path: Path, death: signal.Signals) -> None:
    program = (
        "import sys, time, pathlib; from deploy.local import PrivatePostgres\n"
        "server = PrivatePostgres(pathlib.Path(sys.argv[1])); server.start()\n"
        "print(server.port, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        port = int(owner.stdout.readline()) if owner.stdout else 0
        assert answers(port)
        owner.send_signal(death)
    give_up_at = time.monotonic() + 10
    while answers(port) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    assert not answers(port)
