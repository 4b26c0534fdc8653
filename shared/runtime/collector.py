"""The way of spans to a collector, over HTTP. Loaded only when one is named: see telemetry.py.

Rules:
1. A collector that is slow, silent or gone costs spans and nothing else: they wait in a bounded queue, what does not
   fit is dropped, and a thread of its own sends them.
2. It is told once that a collector cannot be reached, and once that it can be again: without the library's words,
   which quote addresses and what stands in them.
3. Nothing is registered with the process: no other library's spans come this way, and none of its variables names the
   process, its machine or its command.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

import structlog
from opentelemetry.context import attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context
from typing_extensions import override

from shared.runtime.telemetry import SERVICE, SERVICES, Mark, Size, SpanName

TRACES_PATH: Final = "/v1/traces"
QUEUED_SPANS: Final = 2048
SENT_TOGETHER: Final = 512
SEND_EVERY_S: Final = 5.0
SEND_TIMEOUT_S: Final = 2.0
CLOSE_WITHIN_S: Final = 1.0
"""What has not been sent by then is lost: a process that is asked to stop has 10 s for everything."""

log = structlog.get_logger()


class Collector:
    def __init__(self, endpoint: str, service: str) -> None:
        """`endpoint` is its address without the path, as OTEL_EXPORTER_OTLP_ENDPOINT has it."""
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)  # rule 2
        sender = _Sender(endpoint)
        self._provider = TracerProvider(
            resource=Resource({"service.name": f"comity-{service}"}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                sender,
                max_queue_size=QUEUED_SPANS,
                max_export_batch_size=SENT_TOGETHER,
                schedule_delay_millis=SEND_EVERY_S * 1000,
            )
        )
        self._tracer = self._provider.get_tracer("comity")

    def begin(self, name: SpanName, service: str) -> _Begun:
        attributes = {SERVICE: service} if service in SERVICES else None
        # Only a batch has children. Submissions of many callers are published together, which is none of theirs.
        return _Begun(self._tracer.start_span(name.value, attributes=attributes), name is SpanName.batch)

    def close(self) -> None:
        """Send what waits, within CLOSE_WITHIN_S."""
        closing = threading.Thread(target=self._provider.shutdown, name="telemetry-closes", daemon=True)
        closing.start()
        closing.join(CLOSE_WITHIN_S)


class _Begun:
    def __init__(self, span: Span, has_children: bool) -> None:
        self._span = span
        self._outer = attach(set_span_in_context(span)) if has_children else None
        self._is_dropped = False

    def __enter__(self) -> Mark:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if self._outer is not None:
            detach(self._outer)
        if error is not None:
            self._span.set_status(Status(StatusCode.ERROR))
        if not self._is_dropped:  # a span that never ends is never sent
            self._span.end()

    def note(self, sizes: Mapping[Size, int]) -> None:
        for size, number in sizes.items():
            self._span.set_attribute(size.value, int(number))

    def drop(self) -> None:
        self._is_dropped = True


class _Sender(SpanExporter):
    """Sends on the thread of the queue, and tells of it when that stops working or works again."""

    def __init__(self, endpoint: str) -> None:
        self._inner = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + TRACES_PATH, timeout=SEND_TIMEOUT_S)
        self._host = urlsplit(endpoint).hostname
        self._is_lost = False

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        is_lost = result is not SpanExportResult.SUCCESS
        if is_lost and not self._is_lost:
            log.warning("telemetry.lost", host=self._host, why="the collector cannot be reached or refuses spans")
        elif self._is_lost and not is_lost:
            log.info("telemetry.reached", host=self._host)
        self._is_lost = is_lost
        return result

    @override
    def shutdown(self) -> None:
        self._inner.shutdown()  # type: ignore[no-untyped-call]  # the library says no types here
