"""Strangers' software, made once for all that use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.strangers import build_go_verifier, missing_go


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    missing = missing_go()
    if missing:
        pytest.skip(missing)
    return build_go_verifier(tmp_path_factory.mktemp("go"))
