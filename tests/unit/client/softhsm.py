"""A token of Debian's SoftHSM, of its own for each run of tests: a real PKCS#11 module without the hardware."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PIN, LABEL = "canary-pin-7391", "comity-tests"
_LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


@dataclass(frozen=True)
class SoftHsm:
    module: Path
    label: str = LABEL
    pin: str = PIN


def missing_softhsm() -> str:
    """Why there is none here; empty if there is one."""
    if shutil.which("softhsm2-util") is None or _library() is None:
        return "SoftHSM is not installed; on Debian or Ubuntu: apt-get install softhsm2"
    return ""


def make_softhsm(folder: Path) -> SoftHsm:
    """A new token under `folder`. The module reads where it lies from the environment, once for each process."""
    module = _library()
    assert module is not None
    tokens = folder / "tokens"
    tokens.mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    made = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin", "0123456789", "--pin", PIN]
    subprocess.run(made, check=True, capture_output=True, timeout=60)
    return SoftHsm(module)


def _library() -> Path | None:
    return next((Path(one) for one in _LIBRARIES if Path(one).exists()), None)
