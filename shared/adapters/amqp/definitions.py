"""What a broker is given before any service connects: queues, exchanges, and a user per service with its rights only.

A document in RabbitMQ's own format, for `load_definitions` or `rabbitmqctl import_definitions`, from 3.10 on.

Rules:
1. A service may write to the exchanges of the queues that it produces for, and read its own queue and dead queue. It
   may declare nothing; the gateway alone declares and reads the queues of its own wake-ups.
2. The gateway also has a right on every queue, because it tells operators how much waits, and newer brokers let nobody
   look who has none. It is the right to write: no exchange has these names, so nothing can be published by it, read or
   deleted.
3. Nobody may write to the default exchange, which leads to every queue. Dead letters take that way inside the broker,
   where nobody is asked.
4. Rights are matched against names of queues and exchanges alike; so no queue is called like an exchange.
5. RabbitMQ 4.2.6 and 4.3.0 ask for the right to declare where a consumer only looks whether its queue is there. They
   are not supported; before and after them, reading it is enough.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.adapters.amqp.topology import (
    LISTENER_BYTES,
    dead_arguments,
    dead_queue,
    entry,
    fanout,
    work_arguments,
    work_queue,
)
from shared.contracts.topology import CONSUMER, PRODUCERS, QUEUES, SERVICES, WAKEUPS

SHORTEST_PASSWORD: Final = 16
"""Characters. The broker hashes fast: what protects a password is that it was drawn at random."""

NOTHING: Final = "^$"
COUNTS_WHAT_WAITS: Final = "gateway"


@dataclass(frozen=True)
class Rights:
    """Three regular expressions over names of queues and exchanges."""

    configure: str = NOTHING
    write: str = NOTHING
    read: str = NOTHING


def rights_of(service: str, prefix: str) -> Rights:
    """What this service's user may do in the broker."""
    listener = re.escape(fanout(prefix)) + rf"\.[0-9a-f]{{{LISTENER_BYTES * 2}}}"
    write = [re.escape(entry(prefix, queue)) for queue in QUEUES if service in PRODUCERS[queue]]
    read: list[str] = []
    configure: list[str] = []
    for queue in QUEUES:
        if CONSUMER[queue] == service:
            read += [re.escape(work_queue(prefix, queue)), re.escape(dead_queue(prefix, queue))]
    if service == COUNTS_WHAT_WAITS:
        write += [re.escape(name(prefix, queue)) for queue in QUEUES for name in (work_queue, dead_queue)]
    if service in PRODUCERS[WAKEUPS]:
        write.append(re.escape(fanout(prefix)))
    if CONSUMER[WAKEUPS] == service:  # to bind a queue takes writing to it, and reading the exchange
        configure.append(listener)
        write.append(listener)
        read += [re.escape(fanout(prefix)), listener]
    return Rights(_any_of(configure), _any_of(write), _any_of(read))


def broker_definitions(
    passwords: Mapping[str, str], prefix: str, user_prefix: str, administrator: tuple[str, str] | None = None
) -> dict[str, Any]:
    """The document. `passwords` by service; `administrator` is a name and a password, for a broker that starts with
    these definitions: it makes no user by itself then.
    """
    users = [_user(f"{user_prefix}{service}", passwords[service], "") for service in SERVICES]
    permissions = [
        {"user": f"{user_prefix}{service}", "vhost": "/", **vars(rights_of(service, prefix))} for service in SERVICES
    ]
    if administrator is not None:
        users.append(_user(*administrator, "administrator"))
        everything = Rights(".*", ".*", ".*")
        permissions.append({"user": administrator[0], "vhost": "/", **vars(everything)})
    return {
        "vhosts": [{"name": "/"}],
        "users": users,
        "permissions": permissions,
        "exchanges": [
            _exchange(fanout(prefix), "fanout"),
            *(_exchange(entry(prefix, queue), "direct") for queue in QUEUES),
        ],
        "queues": [
            *(_queue(dead_queue(prefix, queue), dead_arguments()) for queue in QUEUES),
            *(_queue(work_queue(prefix, queue), work_arguments(prefix, queue)) for queue in QUEUES),
        ],
        "bindings": [
            {
                "vhost": "/",
                "source": entry(prefix, queue),
                "destination": work_queue(prefix, queue),
                "destination_type": "queue",
                "routing_key": work_queue(prefix, queue),
                "arguments": {},
            }
            for queue in QUEUES
        ],
    }


def _user(name: str, password: str, tags: str) -> dict[str, Any]:
    return {
        "name": name,
        "password_hash": _salted_hash(password, secrets.token_bytes(4)),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": tags,
        "limits": {},
    }


def _salted_hash(password: str, salt: bytes) -> str:
    """RabbitMQ's format: base64 of the salt and of the SHA-256 of salt and password."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _exchange(name: str, kind: str) -> dict[str, Any]:
    return {
        "name": name,
        "vhost": "/",
        "type": kind,
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": {},
    }


def _queue(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "vhost": "/", "durable": True, "auto_delete": False, "arguments": arguments}


def _any_of(patterns: list[str]) -> str:
    return f"^({'|'.join(patterns)})$" if patterns else NOTHING
