"""What every process says of its readiness, asked all the time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from deploy.local.exchange import LocalExchange

ASK_EVERY_S: Final = 0.25


class ReadinessWatch:
    """Asks `/readyz` of every process, in threads of its own. Replicas of the gateway answer for each other."""

    def __init__(self, exchange: LocalExchange) -> None:
        self._exchange = exchange
        self.names = frozenset(exchange.names) - _SHARING
        """Those that are asked."""
        self._ready: dict[str, bool] = {}
        self._asked = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask_all, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def unready(self) -> set[str]:
        """Who did not say that it is ready when it was asked last."""
        return {name for name, ready in dict(self._ready).items() if not ready}

    def _ask_all(self) -> None:
        names = sorted(self.names)
        with ThreadPoolExecutor(len(names)) as threads:
            while not self._stop.wait(ASK_EVERY_S):
                answers = threads.map(self._exchange.is_ready, names)
                self._ready.update(zip(names, answers, strict=True))
                self._asked += 1


_SHARING: Final = frozenset(f"gateway-{number}" for number in range(2, 9))
