"""What `deploy/` says, and what the code says that it must agree with."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import typer
from prometheus_client import CollectorRegistry

from comity.main import COMMANDS
from comity.serve import app as serve_app
from gateway.app import ROUTERS
from shared.adapters.clock import SystemClock
from shared.runtime.health import HealthServer
from shared.runtime.meters import Meters
from shared.runtime.readiness import Readiness
from tests.unit.deploy.kustomize import Document, load_documents, render

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
OVERLAYS = ("production", "trial")
PREFIX = "comity_"
"""What the names of roles and users begin with, in the code's defaults and in `deploy/`."""


@cache
def compose() -> Document:
    return load_documents(DEPLOY / "compose.yaml")[0]


@cache
def overlay(name: str) -> tuple[Document, ...]:
    return tuple(render(DEPLOY / "kubernetes" / name))


def of_kind(documents: tuple[Document, ...], kind: str) -> dict[str, Document]:
    return {document["metadata"]["name"]: document for document in documents if document["kind"] == kind}


def pod(document: Document) -> Document:
    """The pod that a Deployment or Job makes."""
    return dict(document["spec"]["template"]["spec"])


def container(document: Document) -> Document:
    (only,) = pod(document)["containers"]
    return dict(only)


def image() -> str:
    return (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def image_environment() -> dict[str, str]:
    """What ENV sets in the last stage."""
    last = image().rpartition("\nFROM ")[2]
    return dict(re.findall(r"^\s*(?:ENV )?([A-Z_]+)=(\S+)", last, re.MULTILINE))


def entrypoint() -> list[str]:
    (found,) = re.findall(r"^ENTRYPOINT \[(.*)\]$", image(), re.MULTILINE)
    return [word.strip().strip('"') for word in found.split(",")]


def command_exists(words: list[str]) -> bool:
    """Whether `comity WORDS` is a command, and not only the name of a group of them."""
    program, group, *rest = words
    if program != "comity" or group not in COMMANDS:
        return False
    found = serve_app if group == "serve" else _load(COMMANDS[group][0])
    names = [command.name or getattr(command.callback, "__name__", "") for command in found.registered_commands]
    return len(rest) == 1 and rest[0] in names


def _load(place: str) -> typer.Typer:
    from importlib import import_module

    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    assert isinstance(found, typer.Typer)
    return found


def gateway_paths() -> set[str]:
    return {route.path for module in ROUTERS for route in module.router.routes if hasattr(route, "path")}


def service_paths() -> set[str]:
    """What a service other than the gateway answers."""
    meters = Meters(CollectorRegistry())
    server: Any = HealthServer(Readiness("intake", [], SystemClock(), meters), meters.registry)
    return {route.path for route in server._server._server.config.app.routes}
