"""A machine without the strangers' programs is told in one line what to install; tests are left out, not broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.javascript import missing_javascript


def pretend(place: Path, monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    """A PATH with a node of this version, or with none."""
    if version is not None:
        node = place / "node"
        node.write_text(f"#!/bin/sh\necho {version}\n")
        node.chmod(0o755)
    monkeypatch.setenv("PATH", str(place))


def test_without_node_its_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch, None)
    assert "apt-get install --no-install-recommends nodejs npm" in str(missing_javascript())


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.9", "v9.99.0"])
def test_a_node_that_is_too_old_is_not_tried(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch, version)
    assert missing_javascript() == f"Node.js {version} is too old: 20.19 or newer is needed"
