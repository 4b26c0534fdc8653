"""A private RabbitMQ node with a port mapper, cookie, configuration and data of its own.

Works as any user, root included, because it calls the server's own start script with every path set: what Debian's
package configured for the machine's node is not read.
"""

import atexit
import json
import os
import secrets
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.local.endpoint import HOST, USER, Certificate, Endpoint, answers, load_or_choose
from deploy.local.process import OwnedProcess, ServerFailed, wait_until
from deploy.local.programs import find_programs

_READY_WITHIN_S = 90.0
_STOPPED_WITHIN_S = 20.0
_DURABLE_WITHIN_S = 10.0
_AMQP_HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = b"\x01"


class PrivateRabbitMQ:
    """One node under one directory. `start` after `stop` or `kill` brings the same queues back on the same port."""

    def __init__(
        self, directory: Path, definitions: Mapping[str, Any] | None = None, certificate: Certificate | None = None
    ) -> None:
        """Nothing is made or started yet.

        With `definitions`, in RabbitMQ's own format, the node has these users, queues and so on at each start, beside
        its one user who may do everything. With a certificate it answers TLS on a second port.
        """
        self.directory = directory.absolute()
        self.definitions = definitions
        self._certificate = certificate
        self._endpoint: Endpoint | None = None
        self._epmd: OwnedProcess | None = None
        self._node: OwnedProcess | None = None

    @property
    def url(self) -> str:
        """`amqp://user:password@127.0.0.1:port/`, the same for the life of the directory."""
        return f"amqp://{USER}:{self._known_endpoint.password}@{HOST}:{self.port}/"

    def url_of(self, user: str, password: str, tls: bool = False) -> str:
        """The address for a user of the definitions."""
        scheme, port = ("amqps", self.tls_port) if tls else ("amqp", self.port)
        return f"{scheme}://{user}:{password}@{HOST}:{port}/"

    @property
    def port(self) -> int:
        return self._known_endpoint.ports["amqp"]

    @property
    def pid(self) -> int:
        """Of the Erlang machine, whose children are its own. Raises ServerFailed when it is not running."""
        if self._node is None:
            raise ServerFailed("what does not run has no process")
        return self._node.pid

    @property
    def tls_port(self) -> int:
        return self._known_endpoint.ports["amqps"]

    def is_running(self) -> bool:
        return self._node is not None and self._node.is_running()

    def start(self) -> None:
        """Start and wait until it answers AMQP, a few seconds; no effect on a running node.

        Raises ServerFailed when programs are missing, its port is taken, or it ends or stays silent; nothing of it then
        runs on.
        """
        if self.is_running():
            return
        programs = find_programs()
        if programs.rabbitmq_server is None or programs.epmd is None:
            raise ServerFailed(programs.missing)
        self._prepare()
        if answers(self.port):
            raise ServerFailed(f"port {self.port}, kept for {self.directory}, is in use by another program")
        atexit.register(self.stop)
        try:
            self._start_epmd(programs.epmd)
            log = self.directory / "node.log"
            self._node = OwnedProcess([programs.rabbitmq_server], env=self._env(), cwd=self.directory, log=log)
            wait_until(lambda: _speaks_amqp(self.port), self._node, "RabbitMQ", _READY_WITHIN_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut the node down in good order, and its port mapper; no effect when stopped."""
        atexit.unregister(self.stop)
        if self._node is not None:
            self._node.stop(signal.SIGTERM, _STOPPED_WITHIN_S)
            self._node = None
        if self._epmd is not None:
            self._epmd.stop(signal.SIGTERM, _STOPPED_WITHIN_S)
            self._epmd = None

    def kill(self) -> None:
        """SIGKILL the Erlang machine, as a crash would. The port mapper stays for the restart; `stop` ends it."""
        if self._node is not None:
            self._node.kill()
            self._node = None

    def wait_until_durable(self, queue: str) -> None:
        """Wait, about a second from its declaration, until a new quorum queue would survive `kill`.

        RabbitMQ 3.10 confirms the declaration and the first messages before the queue's name is in its directory on
        disk. Killed before that, it makes the queue anew after the restart: empty, and for ever without a leader.
        Raises ServerFailed if the name does not appear.
        """
        if self._node is None:
            raise ServerFailed("a private RabbitMQ that is not running makes nothing durable")
        name = f"%2F_{queue}".encode()
        wait_until(lambda: name in self._queue_directory(), self._node, f"queue {queue}", _DURABLE_WITHIN_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def _known_endpoint(self) -> Endpoint:
        if self._endpoint is None:
            raise ServerFailed("a private RabbitMQ has an address once it was started")
        return self._endpoint

    def _queue_directory(self) -> bytes:
        return b"".join(file.read_bytes() for file in self.directory.glob("data/*/quorum/*/names.dets"))

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._endpoint = load_or_choose(self.directory / "endpoint.json", ["amqp", "amqps", "distribution", "epmd"])
        cookie = self.directory / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(secrets.token_hex(16))
            cookie.chmod(0o400)  # Erlang refuses a cookie that others could read
        (self.directory / "enabled_plugins").write_text("[].\n")
        lines = [
            f"listeners.tcp.default = {HOST}:{self.port}",
            f"default_user = {USER}",
            f"default_pass = {self._endpoint.password}",
            "log.file.level = info",
            # Half a gigabyte, the default, is written out ahead for every node.
            "raft.wal_max_size_bytes = 67108864",
        ]
        if self._certificate is not None:
            lines += [
                f"listeners.ssl.default = {HOST}:{self.tls_port}",
                f"ssl_options.certfile = {self._certificate.file}",
                f"ssl_options.keyfile = {self._certificate.key}",
                "ssl_options.versions.1 = tlsv1.3",
                "ssl_options.versions.2 = tlsv1.2",
            ]
        if self.definitions is not None:
            definitions = self.directory / "definitions.json"
            _write_secret(definitions, json.dumps(self._with_own_user(self.definitions)))
            lines.append(f"load_definitions = {definitions}")
        _write_secret(self.directory / "rabbitmq.conf", "".join(f"{line}\n" for line in lines))

    def _with_own_user(self, definitions: Mapping[str, Any]) -> dict[str, Any]:
        """A node that starts with definitions makes no user by itself."""
        user = {"name": USER, "password": self._known_endpoint.password, "tags": "administrator", "limits": {}}
        rights = {"user": USER, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
        return {
            **definitions,
            "users": [*definitions["users"], user],
            "permissions": [*definitions["permissions"], rights],
        }

    def _start_epmd(self, program: Path) -> None:
        """Our own, in the foreground: the one that a node starts by itself is a daemon that outlives it."""
        if self._epmd is not None and self._epmd.is_running():
            return
        port = self._known_endpoint.ports["epmd"]
        command: list[str | Path] = [program, "-port", str(port), "-address", HOST]
        self._epmd = OwnedProcess(command, env=self._env(), cwd=self.directory, log=self.directory / "epmd.log")
        wait_until(lambda: answers(port), self._epmd, "epmd", _READY_WITHIN_S)

    def _env(self) -> dict[str, str]:
        """Every path is ours; nothing of the caller's RABBITMQ_* or ERL_* settings gets through."""
        ports = self._known_endpoint.ports
        here = str(self.directory)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": here,
            "ERL_EPMD_PORT": str(ports["epmd"]),
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_NODENAME": "comity@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(ports["amqp"]),
            "RABBITMQ_DIST_PORT": str(ports["distribution"]),
            "RABBITMQ_BASE": here,
            "RABBITMQ_MNESIA_BASE": f"{here}/data",
            "RABBITMQ_LOG_BASE": f"{here}/log",
            "RABBITMQ_SCHEMA_DIR": f"{here}/schema",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{here}/config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/enabled_plugins",
            "RABBITMQ_PID_FILE": f"{here}/node.pid",
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{here}/advanced.config",
            "RABBITMQ_CONF_ENV_FILE": f"{here}/rabbitmq-env.conf",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
            # The start script then becomes the Erlang machine instead of waiting for it: one process to signal.
            "detached": "true",
        }


def _write_secret(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


def _speaks_amqp(port: int) -> bool:
    """Whether an AMQP 0-9-1 header is answered with a method frame, which is connection.start."""
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(_AMQP_HEADER)
            return connection.recv(1) == _METHOD_FRAME
    except OSError:
        return False
