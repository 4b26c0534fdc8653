"""What is installed elsewhere works there: the wheel holds all that its commands read, and needs no checkout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED: Final = (
    "comity/demo_files/demande.json",
    "deploy/Dockerfile",
    "deploy/compose.yaml",
    "deploy/kubernetes/base/kustomization.yaml",
    "deploy/postgres/roles.sh",
    "deploy/samples/instruments.json",
    "migrations/env.py",
    "migrations/script.py.mako",
    "migrations/versions/0001_first_schema.py",
)
STOPPED_WITHIN_S: Final = 15


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer would, in a directory of its own."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "site")
    return place / "site"


def elsewhere(installed: Path) -> dict[str, str]:
    """The dependencies of this environment without the checkout, which only a .pth file of it puts on the path."""
    path = os.pathsep.join([str(installed), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": path, "COMITY_PASSPHRASE": "of the operators of a test"}


def run(*words: str) -> list[str]:
    """The interpreter below the environment's, so that nothing of the checkout is found by chance."""
    return [str(getattr(sys, "_base_executable", sys.executable)), *words]


def test_the_wheel_holds_everything_that_commands_read(installed: Path) -> None:
    assert [name for name in NEEDED if not (installed / name).is_file()] == []
    assert not (installed / "tests").exists()


def test_the_wheel_holds_every_file_of_its_packages_that_the_checkout_has(installed: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "comity", "client", "gateway", "services", "witness", "shared", "migrations", "deploy"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    assert [name for name in tracked.stdout.splitlines() if not (installed / name).is_file()] == []


def test_the_exchange_runs_from_the_wheel_where_there_is_no_checkout(installed: Path, tmp_path: Path) -> None:
    env = elsewhere(installed)
    where = run("-c", "import comity, migrations; print(comity.__file__, migrations.__file__)")
    found = subprocess.run(where, env=env, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
    assert [file for file in found if not file.startswith(str(installed))] == []

    init = ["operator", "init", "--data", "exchange", "--origin", "wheel.example/log", "--operator-key", "op.json"]
    subprocess.run(run("-m", "comity.main", *init), env=env, cwd=tmp_path, check=True, capture_output=True)
    serve = run("-m", "comity.main", "serve", "all", "--data", "exchange", "--port", "0")
    with subprocess.Popen(serve, env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            with urllib.request.urlopen(f"{told['url']}/readyz", timeout=30) as answer:  # noqa: S310 - our own http address
                assert answer.status == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOPPED_WITHIN_S) == 0
        finally:
            process.kill()
