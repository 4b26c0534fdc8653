"""Spans: none unless asked for; then how long and how many, of nobody in particular; and never at a service's cost."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import SettingsRefused
from shared.runtime import collector
from shared.runtime.collector import CLOSE_WITHIN_S, QUEUED_SPANS
from shared.runtime.logs import configure_logs
from shared.runtime.settings import Settings, load_settings
from shared.runtime.telemetry import Size, SpanName, span, telling
from tests.trace_receiver import TraceReceiver, attributes_of, receiving
from tests.unit.gateway.fakes import MESSAGE
from tests.unit.gateway.letters import CONTENT_TYPE, PATH, a_letter
from tests.unit.gateway.world import World
from tests.unit.runtime.workplace import Workplace, a_message

pytestmark = pytest.mark.usefixtures("logs_as_before")
PINNED = {"comity.accept", "comity.batch", "comity.publish", "comity.ledger.round"}
SERVICES_LOADED = (
    "import services.intake.main, services.routing.main, services.notification.main, services.ledger.main, comity.serve"
    "; import shared.runtime.backends, shared.runtime.health, shared.runtime.http_server, shared.runtime.telemetry"
)
TELL = (
    "import json, sys; print(json.dumps([name for name in sys.modules"
    " if name.startswith(('opentelemetry', 'requests', 'shared.runtime.collector'))]))"
)


@pytest.fixture
def receiver() -> Iterator[TraceReceiver]:
    with receiving() as made:
        yield made


def settings_for(url: str | None) -> Settings:
    return Settings(telemetry=url)


def test_unless_a_collector_is_named_nothing_of_it_is_loaded_but_what_the_gateway_s_framework_brings() -> None:
    script = f"{SERVICES_LOADED}; {TELL}; import gateway.main; {TELL}"
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    by_services, by_gateway = (json.loads(line) for line in said.splitlines())
    assert by_services == []
    assert "opentelemetry.trace" in by_gateway, "FastAPI has the interface, so this would see more"
    more = ("opentelemetry.sdk", "opentelemetry.exporter", "requests", "shared")
    assert [name for name in by_gateway if name.startswith(more)] == []


def test_off_a_span_costs_next_to_nothing() -> None:
    with telling(settings_for(None), "routing"):
        costs_s = []
        for _ in range(5):  # the best of them: others may have the processor
            began = time.perf_counter()
            for _ in range(1000):
                with span(SpanName.batch, "routing") as told:
                    told.note({Size.frames: 1})
            costs_s.append((time.perf_counter() - began) / 1000)
    assert min(costs_s) < 10e-6


async def test_a_batch_and_its_publishing_are_told_in_numbers(place: Workplace, receiver: TraceReceiver) -> None:
    messages = [a_message() for _ in range(5)]
    with telling(settings_for(receiver.url), "routing"):
        await place.post(place.seal(*messages))
        await place.work_off()
    by_name = {one.name: one for one in receiver.spans}
    assert set(by_name) == {"comity.batch", "comity.publish"}
    batch, publish = by_name["comity.batch"], by_name["comity.publish"]
    assert attributes_of(batch.attributes) == {
        "comity.service": "routing",
        "comity.frames": 1,
        "comity.items": 5,
        "comity.parked": 0,
    }
    assert attributes_of(publish.attributes) == {"comity.rows": 5, "comity.frames": 1, "comity.frames_confirmed": 1}
    assert publish.parent_span_id == batch.span_id
    assert batch.end_time_unix_nano >= publish.end_time_unix_nano > publish.start_time_unix_nano
    assert receiver.resources == {(("service.name", "comity-routing"),)}
    assert {path for path, _ in receiver.posts} == {"/v1/traces"}
    assert_names_nobody(receiver, *[message.message for message in messages], *[m.recipient for m in messages])


async def test_each_submission_is_one_span_refused_or_not_and_no_other_call_is(receiver: TraceReceiver) -> None:
    world = World()
    with telling(settings_for(receiver.url), "gateway"):
        assert (await world.post("MA.PGR", PATH, a_letter().submission, CONTENT_TYPE)).status_code == 202
        assert (await world.post("FR.BEPI", PATH, a_letter().submission, CONTENT_TYPE)).status_code >= 400
        await world.get("MA.PGR", f"/v1/messages/{MESSAGE}")
        await world.get("MA.PGR", "/v1/feed")
    told = [(one.name, one.status.code, one.status.message, list(one.events)) for one in receiver.spans]
    assert sorted(told) == [("comity.accept", 0, "", []), ("comity.accept", 2, "", [])]
    assert all(not one.attributes for one in receiver.spans)
    assert_names_nobody(receiver, MESSAGE, "MA.PGR", "FR.BEPI", "/v1/messages")


def test_what_failed_is_told_without_its_words(receiver: TraceReceiver) -> None:
    with (
        telling(settings_for(receiver.url), "intake"),
        pytest.raises(ValueError, match="of MA"),
        span(SpanName.batch, "MA.PGR"),
    ):
        raise ValueError("of MA.PGR in the dossier")
    [failed] = receiver.spans
    assert (failed.status.code, failed.status.message, list(failed.events)) == (2, "", [])
    assert not failed.attributes, "only a service's name is taken for a service"
    assert_names_nobody(receiver, "MA.PGR", "dossier")


def test_an_empty_round_is_not_told(receiver: TraceReceiver) -> None:
    with telling(settings_for(receiver.url), "ledger"):
        for placed in (0, 7, 0):
            with span(SpanName.ledger_round) as told:
                told.note({Size.leaves: placed}) if placed else told.drop()
    assert [attributes_of(one.attributes) for one in receiver.spans] == [{"comity.leaves": 7}]


def test_the_library_s_own_variables_add_nothing_to_a_span(
    receiver: TraceReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=canary-of-the-machine")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "canary-of-the-name")
    with telling(settings_for(receiver.url), "intake"), span(SpanName.publish):
        pass
    assert receiver.resources == {(("service.name", "comity-intake"),)}
    assert_names_nobody(receiver, "canary", socket.gethostname())


def test_a_silent_collector_neither_slows_a_service_nor_holds_up_its_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "SEND_EVERY_S", 0.02)
    monkeypatch.setattr(collector, "SEND_TIMEOUT_S", 1.0)
    configure_logs("debug", "intake")
    slow = 0
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        with telling(settings_for(f"http://127.0.0.1:{silent.getsockname()[1]}"), "intake"):
            for _ in range(2 * QUEUED_SPANS):
                began = time.perf_counter()
                with span(SpanName.publish):
                    pass
                slow += time.perf_counter() - began > 0.8
                assert slow < 3, "a full queue drops, and does not wait for the collector"
            attempts = [silent.accept()[0] for _ in range(3)]  # a third, when two of them have failed
            began = time.monotonic()
        took_s = time.monotonic() - began
        for attempt in attempts:
            attempt.close()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines if "telemetry" in line["event"]] == ["telemetry.lost"]
    assert [line for line in lines if str(line.get("logger", "")).startswith("opentelemetry")] == []
    assert took_s < CLOSE_WITHIN_S + 1.5  # three seconds, were the collector waited for


def test_the_log_says_when_a_collector_takes_spans_again_and_holds_no_token(
    receiver: TraceReceiver, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "SEND_EVERY_S", 0.02)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "canary of a token without a form, authorization=canary")
    configure_logs("debug", "intake")
    receiver.status = 400
    logged = ""
    until = time.monotonic() + 10
    with telling(settings_for(receiver.url), "intake"):
        while "telemetry.reached" not in logged and time.monotonic() < until:
            with span(SpanName.publish):
                time.sleep(0.02)
            logged += capsys.readouterr().err
            if "telemetry.lost" in logged:
                receiver.status = 200
    events = [json.loads(line)["event"] for line in logged.splitlines()]
    assert [event for event in events if "telemetry" in event] == ["telemetry.lost", "telemetry.reached"]
    assert "canary" not in logged


def test_a_collector_without_the_optional_part_is_refused_saying_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "shared.runtime.collector")
    monkeypatch.delattr("shared.runtime.collector")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsRefused, match=r"install comity\[telemetry\]"), telling(settings_for("http://h"), "all"):
        pass


@pytest.mark.parametrize(
    "address", ["http://u:canary@h:4318", "https://h/?token=canary", "grpc://canary:4317", "canary", "http://"]
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused_without_quoting_it(address: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="telemetry: ") as refused:
        load_settings(data=tmp_path, telemetry=address)
    assert "canary" not in str(refused.value)


def test_the_names_are_pinned() -> None:
    """Dashboards rest on them."""
    assert {name.value for name in SpanName} == PINNED
    assert {size.value for size in Size} == {
        f"comity.{name}" for name in ("frames", "items", "parked", "rows", "frames_confirmed", "leaves")
    }


def assert_names_nobody(receiver: TraceReceiver, *canaries: str) -> None:
    sent = b"".join(body for _, body in receiver.posts)
    assert sent, "nothing came"
    forms = [form for one in canaries for form in (one.encode(), one.replace("-", "").encode())]
    forms += [bytes.fromhex(one.replace("-", "")) for one in canaries if one.count("-") == 4]
    assert [form for form in forms if form in sent] == []
