"""A private PostgreSQL cluster, reached over TCP only.

PostgreSQL refuses to run as root. Root's servers therefore run as the user postgres (or nobody), and keep the one
capability that lets them reach a data directory below directories closed to others, such as a test run's.
"""

import atexit
import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.endpoint import HOST, USER, Certificate, Endpoint, answers, keep_password, load_or_choose
from deploy.local.process import OwnedProcess, ServerFailed, wait_until
from deploy.local.programs import find_programs

ROLES_SCRIPT = Path(__file__).parents[1] / "postgres" / "roles.sh"
_ROLES = ("owner", "gateway", "intake", "routing", "notification", "ledger")

_READY_WITHIN_S = 60.0
_STOPPED_WITHIN_S = 20.0
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_STATUS_LINE = 7  # of postmaster.pid: LOCK_FILE_LINE_PM_STATUS, counted from 0


class PrivatePostgres:
    """One cluster under one directory. `start` after `stop` or `kill` brings the databases back on the same port."""

    def __init__(self, directory: Path, certificate: Certificate | None = None) -> None:
        """Nothing is made or started yet. With a certificate, the server answers TLS to those who ask for it."""
        self.directory = directory.absolute()
        self._certificate = certificate
        self._endpoint: Endpoint | None = None
        self._server: OwnedProcess | None = None

    @property
    def port(self) -> int:
        return self._known_endpoint.ports["postgres"]

    def dsn(self, database: str, role: str | None = None) -> str:
        """SQLAlchemy's URL of a database for asyncpg, as the cluster's superuser or a role that `make_roles` made."""
        user, password = USER, self._known_endpoint.password
        if role is not None:
            user, password = role, (self._passwords / role).read_text()
        return f"postgresql+asyncpg://{user}:{password}@{HOST}:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """Of the postmaster, whose children are its own. Raises ServerFailed when it is not running."""
        if self._server is None:
            raise ServerFailed("what does not run has no process")
        return self._server.pid

    def is_running(self) -> bool:
        return self._server is not None and self._server.is_running()

    def start(self) -> None:
        """Start, making the cluster the first time, and wait until it takes connections; no effect on a running one.

        Raises ServerFailed when programs are missing, its port is taken, or it ends or stays silent; nothing of it then
        runs on.
        """
        if self.is_running():
            return
        binaries = self._binaries()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._endpoint = load_or_choose(self.directory / "endpoint.json", ["postgres"])
        if answers(self.port):
            raise ServerFailed(f"port {self.port}, kept for {self.directory}, is in use by another program")
        if not self._data.exists():
            self._make_cluster(binaries)
        if self._certificate is not None:
            self._take_over(self._certificate)
        atexit.register(self.stop)
        try:
            self._server = OwnedProcess(
                [*_unprivileged(), binaries / "postgres", "-D", self._data, *self._settings()],
                env=_env(),
                cwd=self.directory,
                log=self.directory / "postgres.log",
                orphan_signal="QUIT",
            )
            wait_until(self._is_ready, self._server, "PostgreSQL", _READY_WITHIN_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut down in good order, ending open connections; no effect when stopped."""
        atexit.unregister(self.stop)
        if self._server is not None:
            self._server.stop(signal.SIGINT, _STOPPED_WITHIN_S)
            self._server = None

    def kill(self) -> None:
        """SIGKILL the server and every backend, as a crash would."""
        if self._server is not None:
            self._server.kill()
            self._server = None

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, as a copy of `template` where one is named; nobody may be connected to that one.

        Raises ValueError for a name that is not a plain identifier, ServerFailed with PostgreSQL's words otherwise.
        """
        copied = f" TEMPLATE {_identifier(template)}" if template is not None else ""
        self._run_sql(f"CREATE DATABASE {_identifier(name)}{copied}")

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending the connections to it. Raises as `create_database` does."""
        self._run_sql(f"DROP DATABASE IF EXISTS {_identifier(name)} WITH (FORCE)")

    def make_roles(self, prefix: str = "comity_", database: str = "") -> None:
        """Make a role for each service and an owner, by the script for real servers; passwords are made once and kept.

        With `database`, that one belongs to the owner, and is made if it is not there. Raises ServerFailed.
        """
        self._passwords.mkdir(mode=0o700, exist_ok=True)
        for service in _ROLES:
            keep_password(self._passwords / f"{prefix}{service}")
        env = {
            "PATH": f"{self._binaries()}:{os.environ.get('PATH', os.defpath)}",
            "PGHOST": HOST,
            "PGPORT": str(self.port),
            "PGUSER": USER,
            "PGPASSWORD": self._known_endpoint.password,
            "COMITY_PASSWORDS": str(self._passwords),
            "COMITY_ROLE_PREFIX": prefix,
            "COMITY_OWNED": database,
        }
        _run(["sh", ROLES_SCRIPT], {**_env(), **env})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _passwords(self) -> Path:
        return self.directory / "passwords"

    @property
    def _known_endpoint(self) -> Endpoint:
        if self._endpoint is None:
            raise ServerFailed("a private PostgreSQL has an address once it was started")
        return self._endpoint

    def _binaries(self) -> Path:
        programs = find_programs()
        if programs.postgres_bin is None:
            raise ServerFailed(programs.missing)
        return programs.postgres_bin

    def _make_cluster(self, binaries: Path) -> None:
        """Made beside its place and then moved there, so that an interrupted start leaves no half of one."""
        making, password = self.directory / "data.making", self.directory / "password"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        password.write_text(self._known_endpoint.password)
        password.chmod(0o600)
        for path in (making, password):
            _give_away(path)
        command: list[str | Path] = [
            *_unprivileged(),
            binaries / "initdb",
            f"--pgdata={making}",
            f"--username={USER}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]
        done = subprocess.run(command, env=_env(), cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True)
        password.unlink()
        if done.returncode != 0:
            raise ServerFailed(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")
        making.rename(self._data)

    def _settings(self) -> list[str]:
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",  # a socket's path may not exceed 107 bytes, a test directory's does
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if self._certificate is not None:
            settings |= {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
        return [f"--{name}={value}" for name, value in settings.items()]

    def _take_over(self, certificate: Certificate) -> None:
        """PostgreSQL refuses a key that others could read, or that is not its own."""
        for source, name in ((certificate.file, "server.crt"), (certificate.key, "server.key")):
            copy = self._data / name
            copy.unlink(missing_ok=True)
            copy.touch(mode=0o600)
            copy.write_bytes(source.read_bytes())
            _give_away(copy)

    def _is_ready(self) -> bool:
        """What pg_ctl reads: the line of the lock file in which this very postmaster says that it is ready."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        ours = self._server is not None and lines[:1] == [str(self._server.pid)]
        return ours and len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"

    def _run_sql(self, statement: str) -> None:
        url = f"postgresql://{USER}@{HOST}:{self.port}/postgres"
        command: list[str | Path] = [self._binaries() / "psql", "--no-psqlrc", "--quiet", "--command", statement, url]
        _run(command, {**_env(), "PGPASSWORD": self._known_endpoint.password})


def _run(command: Sequence[str | Path], env: Mapping[str, str]) -> None:
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise ServerFailed(done.stderr.decode(errors="replace").strip())


def _identifier(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a plain lower-case database name: {name!r}")
    return name


def _unprivileged() -> list[str]:
    """The start of a command that leaves root's rights behind, but for reaching files; empty for other users."""
    if os.geteuid() != 0:
        return []
    user = _server_user()
    only = "-all,+dac_override"
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *identity, f"--inh-caps={only}", f"--ambient-caps={only}"]


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        user = _server_user()
        os.chown(path, user.pw_uid, user.pw_gid)


def _server_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _env() -> dict[str, str]:
    """Nothing of the caller's PG* settings gets through."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
