"""A whole exchange on this machine: a private RabbitMQ and PostgreSQL, and one process or more for each service.

Rules:
- Each process has a directory of its own with its own keys and no other's, and gets its passwords as files. On both
  servers it is a user of its own, with the rights of its service only.
- Replicas of the gateway share one port; every other process answers `/readyz` on a port of its own.
- Everything goes through the `comity` command, as an operator has it. What was started here ends with this process.

Not here: making the exchange's keys (`comity operator init` did that), and starting anew what died (`supervisor`).
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from deploy.local.endpoint import HOST, keep_password, load_or_choose
from deploy.local.postgres import PrivatePostgres
from deploy.local.process import OwnedProcess, ServerFailed, wait_until
from deploy.local.rabbitmq import PrivateRabbitMQ

SERVICES: Final = ("gateway", "intake", "routing", "notification", "ledger")
DATABASE: Final = "comity"
MOST_REPLICAS: Final = 8
READY_WITHIN_S: Final = 60.0
STOPPED_WITHIN_S: Final = 15.0
_ANSWER_S: Final = 3.0
_READY: Final = b'{"ready": true'
_COMITY: Final = (sys.executable, "-m", "comity.main")


class ServiceProcess(Protocol):
    """A started process; `OwnedProcess` says what each method promises."""

    @property
    def pid(self) -> int: ...

    def is_running(self) -> bool: ...

    def stop(self, ask: signal.Signals, timeout_s: float) -> int: ...

    def wait(self, within_s: float) -> int: ...

    def kill(self) -> None: ...

    def last_lines(self) -> str: ...


Launch = Callable[[str, Mapping[str, str], Path, Path], ServiceProcess]
"""(service, environment, working directory, log) → the process that runs `comity serve SERVICE`."""


def launch_command(service: str, environment: Mapping[str, str], cwd: Path, log: Path) -> ServiceProcess:
    """As an operator starts it."""
    return OwnedProcess([*_COMITY, "serve", service], env=environment, cwd=cwd, log=log)


class LocalExchange:
    """The processes are called `intake-1`, `intake-2` and so on; `gateway` with several replicas has one address."""

    def __init__(
        self,
        directory: Path,
        data: Path,
        replicas: Mapping[str, int] | None = None,
        settings: Mapping[str, str] | None = None,
        launch: Launch = launch_command,
    ) -> None:
        """`data` is an initialised exchange directory; `settings` are more `COMITY_*` for every process, without the
        prefix. Nothing is started yet.
        """
        self.directory = directory.absolute()
        self.data = data.absolute()
        self.rabbitmq = PrivateRabbitMQ(self.directory / "rabbitmq")
        self.postgres = PrivatePostgres(self.directory / "postgres")
        self.names = tuple(
            f"{service}-{number + 1}" for service in SERVICES for number in range((replicas or {}).get(service, 1))
        )
        self._settings = dict(settings or {})
        self._ports: dict[str, int] = {}
        self._launch = launch
        self._processes: dict[str, ServiceProcess] = {}
        self._read_from: dict[str, int] = {}
        """Where in its log each process began."""
        self._announced: set[str] = set()

    @property
    def url(self) -> str:
        """Where the API is called."""
        return self.url_of("gateway-1")

    def url_of(self, name: str) -> str:
        """Where this process answers `/readyz`. Replicas of the gateway answer in each other's place."""
        port = "gateway" if name.startswith("gateway") else name
        return f"http://{HOST}:{self._ports[port]}"

    @property
    def addresses(self) -> dict[str, str]:
        """Each address at which somebody answers `/readyz`, once, by who that is."""
        services = {name: self.url_of(name) for name in self.names if service_of(name) != "gateway"}
        return {"gateway": self.url, **services}

    def log_of(self, name: str) -> Path:
        return self.directory / "log" / f"{name}.log"

    def start(self, is_given_up: Callable[[], bool] = lambda: False) -> None:
        """Start the servers, bring the schema up to date, start every process and wait until all are ready; or stop in
        between, once `is_given_up`. Raises ServerFailed.
        """
        self.prepare()
        for name in self.names:
            if not is_given_up():
                self.start_process(name)
        for name in self._processes:
            self.wait_ready(name, is_given_up=is_given_up)

    def prepare(self) -> None:
        """The servers run, the schema is there, each process has its directory. Raises ServerFailed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        names = [f"{service}-{number + 1}" for service in SERVICES[1:] for number in range(MOST_REPLICAS)]
        self._ports = load_or_choose(self.directory / "ports.json", ["gateway", *names]).ports
        with ThreadPoolExecutor(2) as both:
            for started in [both.submit(self._start_rabbitmq), both.submit(self._start_postgres)]:
                started.result()
        self._migrate()
        (self.directory / "log").mkdir(exist_ok=True)
        for name in self.names:
            self._prepare_process(name)

    def start_process(self, name: str, settings: Mapping[str, str] | None = None) -> None:
        """Start this process, with these settings on top; no effect on one that runs. See `wait_ready`."""
        if self.is_running(name):
            return
        environment = {**plain_environment(), **self._environment_of(name, {**self._settings, **(settings or {})})}
        log = self.log_of(name)
        self._read_from[name] = log.stat().st_size if log.exists() else 0
        self._announced.discard(name)
        self._processes[name] = self._launch(service_of(name), environment, self.directory, log)

    def wait_ready(
        self, name: str, within_s: float = READY_WITHIN_S, is_given_up: Callable[[], bool] = lambda: False
    ) -> None:
        """Until it has said that it is ready, and is. Raises ServerFailed when it ends first, or takes too long."""
        wait_until(lambda: is_given_up() or self.is_ready(name), self._processes[name], name, within_s)

    def is_running(self, name: str) -> bool:
        return name in self._processes and self._processes[name].is_running()

    def is_ready(self, name: str) -> bool:
        """What it says of itself now. Of the gateways that share a port any one answers, so a gateway counts as ready
        once it has printed that it is, too.
        """
        return self.is_running(name) and self._has_announced(name) and not self.why_not_ready(name)

    def why_not_ready(self, name: str) -> str:
        """What `/readyz` says at this address; empty when it is ready."""
        try:
            with urllib.request.urlopen(f"{self.url_of(name)}/readyz", timeout=_ANSWER_S) as answer:  # noqa: S310 - our own http address
                return "" if answer.status == 200 else str(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return _why(refused.read())
        except OSError:
            return "it does not answer"

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL, as a crash would."""
        self._processes.pop(name).kill()

    def stop_process(self, name: str) -> int:
        """SIGTERM, and wait; its exit code."""
        return self._processes.pop(name).stop(signal.SIGTERM, STOPPED_WITHIN_S)

    def wait_ended(self, name: str, within_s: float) -> int:
        """Wait until the process has ended by itself; its exit code, negative for a signal. Raises ServerFailed."""
        code = self._processes[name].wait(within_s)
        del self._processes[name]
        return code

    def stop(self) -> dict[str, int]:
        """Stop every process, then the servers; the exit codes of the processes that ran."""
        codes = self.stop_processes(self.names)
        self.rabbitmq.stop()
        self.postgres.stop()
        return codes

    def stop_processes(self, names: Iterable[str]) -> dict[str, int]:
        """All at once; their exit codes."""
        running = [name for name in names if name in self._processes]
        with ThreadPoolExecutor(max(1, len(running))) as at_once:
            return dict(zip(running, at_once.map(self.stop_process, running), strict=True))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _has_announced(self, name: str) -> bool:
        """Whether the process has printed its line since it was started."""
        if name not in self._announced:
            with self.log_of(name).open("rb") as log:
                log.seek(self._read_from[name])
                if _READY in log.read():
                    self._announced.add(name)
        return name in self._announced

    def _start_rabbitmq(self) -> None:
        """With a user for each service."""
        (passwords := self.directory / "passwords").mkdir(mode=0o700, exist_ok=True)
        for service in SERVICES:
            keep_password(passwords / user_of(service))
        prefix = self._settings.get("queue_prefix", "comity.")
        written = self._comity("broker", "definitions", "--passwords", str(passwords), "--queue-prefix", prefix)
        self.rabbitmq.definitions = json.loads(written)
        self.rabbitmq.start()

    def _start_postgres(self) -> None:
        self.postgres.start()
        if not (self.directory / "database-made").exists():
            self.postgres.create_database(DATABASE)
            (self.directory / "database-made").touch()
        self.postgres.make_roles()

    def _migrate(self) -> None:
        # Not as an argument: those of a process can be read by everybody on the machine.
        self._comity("database", "migrate", database=self.postgres.dsn(DATABASE))

    def _comity(self, *arguments: str, **settings: str) -> str:
        """What the command prints. Raises ServerFailed."""
        env = {**plain_environment(), **{f"COMITY_{name.upper()}": value for name, value in settings.items()}}
        done = subprocess.run([*_COMITY, *arguments], env=env, cwd=self.directory, capture_output=True, text=True)
        if done.returncode != 0:
            raise ServerFailed(f"comity {' '.join(arguments[:2])} failed:\n{(done.stdout + done.stderr).strip()}")
        return done.stdout

    def _prepare_process(self, name: str) -> None:
        """Its own keys, the public files, and its passwords, nothing else."""
        service, place = service_of(name), self._place_of(name)
        (place / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
        (place / "secrets").mkdir(exist_ok=True, mode=0o700)
        for file in ("trust.json", "roster.json"):
            shutil.copy2(self.data / file, place / file)
        for file in (f"{service}.json", *(["log.json"] if service == "ledger" else [])):
            shutil.copy2(self.data / "keys" / file, place / "keys" / file)
        user = user_of(service)
        broker = self.rabbitmq.url_of(user, (self.directory / "passwords" / user).read_text())
        for setting, value in {"database": self.postgres.dsn(DATABASE, user), "broker": broker}.items():
            secret = place / "secrets" / f"comity_{setting}"
            secret.touch(mode=0o600)
            secret.write_text(value)

    def _environment_of(self, name: str, settings: Mapping[str, str]) -> dict[str, str]:
        place = self._place_of(name)
        own = {
            "data": str(place),
            "secrets": str(place / "secrets"),
            "port": self.url_of(name).rpartition(":")[2],
            "public_url": self.url,
            "shares_port": str(service_of(name) == "gateway"),
        }
        return {f"COMITY_{setting.upper()}": value for setting, value in {**own, **settings}.items()}

    def _place_of(self, name: str) -> Path:
        return self.directory / "processes" / name


def service_of(name: str) -> str:
    """`intake` of `intake-2`."""
    return name.rpartition("-")[0]


def user_of(service: str) -> str:
    """How the service is called on both servers."""
    return f"comity_{service}"


def _why(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["why"])
    except (ValueError, KeyError, TypeError):
        return "it answers something else"


def plain_environment() -> dict[str, str]:
    """Ours, without any setting of an exchange: what counts is given by name."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COMITY_")}
