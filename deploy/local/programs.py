"""Finds the programs of RabbitMQ and PostgreSQL on this machine, and installs Debian's packages of them on request; and
what strangers hold us against: Go with its checksum-database library, and nginx before the gateway. Without these,
their tests are left out and say so.

Does not start anything: while Debian's packages are being installed, a policy forbids them to start their services.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path

_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_DENIES = "#!/bin/sh\n# Written for the length of one installation: packages start no service.\nexit 101\n"
_GO_LIBRARY = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")
_GO_PACKAGES = ["golang-go", "golang-golang-x-mod-dev"]
_STRANGERS = {"nginx": "nginx", "softhsm2-util": "softhsm2", "pdftotext": "poppler-utils"}
_POSTGRES_PROGRAMS = ("initdb", "postgres", "psql")


@dataclass(frozen=True)
class Programs:
    """Where the servers' programs are; None stands for one that was not found."""

    rabbitmq_server: Path | None
    """The server's own start script, not the wrapper in /usr/sbin, which insists on Debian's user."""
    epmd: Path | None
    """Erlang's port mapper, which RabbitMQ needs."""
    postgres_bin: Path | None
    """The directory that holds initdb, postgres and psql of one version."""

    @property
    def debian_packages(self) -> list[str]:
        """The Debian packages that would bring what is missing."""
        rabbitmq = [] if self.rabbitmq_server and self.epmd else ["rabbitmq-server"]
        return rabbitmq + ([] if self.postgres_bin else ["postgresql"])

    @property
    def missing(self) -> str:
        """One line that says what is missing and how to get it; empty when everything is here."""
        names = {"rabbitmq-server": "RabbitMQ", "postgresql": "PostgreSQL"}
        packages = self.debian_packages
        if not packages:
            return ""
        wanted = " and ".join(names[package] for package in packages)
        return f"{wanted} not found on this machine; on Debian or Ubuntu: apt-get install {' '.join(packages)}"


def find_programs() -> Programs:
    """Look where Debian, and then where PATH, keeps them. The newest version wins."""
    return Programs(
        rabbitmq_server=_newest("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
        or _on_path("rabbitmq-server"),
        epmd=_on_path("epmd"),
        postgres_bin=_newest_postgres() or _postgres_on_path(),
    )


def install_missing() -> str:
    """Install Debian's packages of what is missing, if this user may; start none of their services.

    Returns an empty string when everything is there afterwards, else the line that says what to do by hand.
    """
    programs = find_programs()
    packages = programs.debian_packages + _strangers_packages() + printing_packages()
    if not packages or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return programs.missing
    print(f"installing {' '.join(packages)}", flush=True)
    failed = install_packages(packages)
    return f"{programs.missing} ({failed})" if failed and programs.missing else find_programs().missing


def install_packages(packages: Sequence[str]) -> str:
    """By apt-get, as root; none of their services is started. Empty, or in one line what failed."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages]
    failed = ""
    with _no_service_starts():
        for command in (["apt-get", "update", "-qq"], install):
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                failed = f"{' '.join(command[:2])} failed: {_last_line(done.stderr)}"
    return failed


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Debian's way to forbid it: packages ask policy-rc.d before they start a service. An existing one is kept."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text(_POLICY_DENIES)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def _strangers_packages() -> list[str]:
    has_go = shutil.which("go") is not None and _GO_LIBRARY.is_dir()
    return ([] if has_go else _GO_PACKAGES) + [
        package for program, package in _STRANGERS.items() if shutil.which(program) is None
    ]


def printing_packages() -> list[str]:
    """What a PDF is laid out with, where it is missing: Pango, and faces that have Latin and Arabic letters."""
    libraries = {"pangoft2-1.0": "libpangoft2-1.0-0", "harfbuzz-subset": "libharfbuzz-subset0"}
    fonts = {"dejavu": "fonts-dejavu-core", "fonts-hosny-amiri": "fonts-hosny-amiri"}
    missing = [package for library, package in libraries.items() if find_library(library) is None]
    folders = {folder.name for folder in Path("/usr/share/fonts").glob("*/*")}
    return missing + [package for folder, package in fonts.items() if folder not in folders]


def _newest(pattern: str) -> Path | None:
    found = sorted(Path("/").glob(pattern.removeprefix("/")), key=_version)
    return found[-1] if found else None


def _newest_postgres() -> Path | None:
    found = _newest("/usr/lib/postgresql/*/bin/postgres")
    return found.parent if found and _is_complete(found.parent) else None


def _postgres_on_path() -> Path | None:
    found = _on_path("postgres")
    return found.parent if found and _is_complete(found.parent) else None


def _is_complete(directory: Path) -> bool:
    return all((directory / name).exists() for name in _POSTGRES_PROGRAMS)


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    # /usr/sbin/rabbitmq-server is the wrapper that runs as Debian's user or not at all.
    return Path(found).resolve() if found and Path(found).parent != Path("/usr/sbin") else None


def _version(path: Path) -> list[int]:
    """The numbers in a path, for comparison: 15 is above 9, 3.10.8 above 3.9.1."""
    return [int(number) for number in "".join(c if c.isdigit() else " " for c in str(path)).split()]


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no output"
