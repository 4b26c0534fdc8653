"""Private servers, and whole exchanges on them, on one machine: for the test run, the demonstrations and `make up`.

Rules:
- A server lives under one directory that the caller names, on free ports of 127.0.0.1 that it keeps for the life of
  that directory, behind a password made for it. It can be stopped or killed, and started again on the same data and
  ports.
- Only what was started here is ever stopped: processes are known by their own id, never searched for by name.
- When the Python process that started a server ends, in whatever way, the server ends too.

Not here: servers for production, clusters of several nodes, and anything that knows what Comity keeps in them.
"""

from deploy.local.endpoint import Certificate
from deploy.local.exchange import LocalExchange
from deploy.local.postgres import PrivatePostgres
from deploy.local.process import ServerFailed
from deploy.local.programs import Programs, find_programs
from deploy.local.rabbitmq import PrivateRabbitMQ

__all__ = [
    "Certificate",
    "LocalExchange",
    "PrivatePostgres",
    "PrivateRabbitMQ",
    "Programs",
    "ServerFailed",
    "find_programs",
]
