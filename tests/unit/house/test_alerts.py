"""An alert that nobody can look up, or that asks for a figure nobody shows, wakes people for nothing or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from comity.main import app
from gateway.metrics import Metrics
from gateway.problems import error_classes
from shared.audit.leaf_catalogue import CATALOGUE
from shared.runtime.meters import LedgerMeters, Meters, StampingMeters, WitnessingMeters
from shared.runtime.settings import Settings
from shared.runtime.telemetry import SERVICE, Size, SpanName
from witness.server import WitnessMeters

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "guide" / "operator.md").read_text(encoding="utf-8")
RULES = (ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text(encoding="utf-8")
RULE = re.compile(r"- alert: (\w+)\n +expr: (.+)\n +for: (\w+)\n +labels: \{severity: (page|ticket)\}\n")
ALERTS = {name: (condition, wait, severity) for name, condition, wait, severity in RULE.findall(RULES)}
SPANS = {SERVICE, *(name.value for name in SpanName), *(size.value for size in Size)}
LINES_OF_THE_LOG = {
    "transport.limit-passed",
    "ledger.time-stamp-missing",
    "ledger.waits",
    "ledger.witness-knows",
    "ledger.witness-refuses",
    "ledger.witness-silent",
    "pump.waits",
    "telemetry.lost",
    "telemetry.reached",
}
SECTIONS = dict(re.findall(r"^### (Comity\w+)\n(.*?)(?=^##|\Z)", GUIDE, re.M | re.S))


def shown() -> set[str]:
    """Every name under which some process of the exchange shows a figure."""
    meters = Meters(CollectorRegistry())
    LedgerMeters(meters)
    WitnessingMeters(meters)
    StampingMeters(meters)
    WitnessMeters(meters.registry)
    found = set()
    for family in Metrics(meters.registry).registry.collect():
        found.add(family.name)
        found |= {f"{family.name}_total"} if family.type == "counter" else set()
    return found


def test_every_rule_is_read_here() -> None:
    assert len(ALERTS) == RULES.count("- alert:") > 0


def test_the_page_and_the_rules_name_the_same_alerts() -> None:
    assert list(SECTIONS) == list(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_the_page_says_when_an_alert_fires_what_it_means_and_what_to_do(name: str) -> None:
    condition, wait, severity = ALERTS[name]
    assert f"    {condition}\n" in SECTIONS[name]
    assert f"for {wait}, {severity}" in SECTIONS[name]
    for part in ("**Means.**", "**Do.**", "**Do not.**"):
        assert part in SECTIONS[name]


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_asks_for_figures_that_the_exchange_shows(name: str) -> None:
    asked = set(re.findall(r"\bcomity_\w+", ALERTS[name][0]))
    assert asked <= shown()


def test_every_command_of_the_page_is_one() -> None:
    import typer

    operator = typer.main.get_command(app)
    assert operator is not None
    for command in set(re.findall(r"comity operator ([a-z-]+)", GUIDE)):
        from comity.operator import app as operator_app

        known = typer.main.get_command(operator_app)
        assert command in getattr(known, "commands", {}), command


def test_the_page_names_every_span_and_attribute() -> None:
    assert set(re.findall(r"`(comity\.[a-z_.]+)`", GUIDE)) - {"comity.toml", "comity."} == SPANS


def test_every_code_of_the_page_is_one() -> None:
    known = {cls.code for cls in error_classes()}
    named = set(re.findall(r"`([a-z]+\.[a-z-]+)`", GUIDE)) - LINES_OF_THE_LOG - SPANS - {"comity.toml"} - set(CATALOGUE)
    assert "frame.refused" in named
    assert {code for code in named if not code.endswith((".json", ".sh", ".yaml", ".conf"))} <= known


def test_every_setting_is_in_the_table() -> None:
    named = set(re.findall(r"`COMITY_([A-Z_]+)`", GUIDE))
    assert {name.upper() for name in Settings.model_fields} <= named
