"""An exchange on test whose directory is still empty."""

from __future__ import annotations

import pytest

from tests.unit.keys.parties import ExchangeOnTest


@pytest.fixture
def exchange() -> ExchangeOnTest:
    return ExchangeOnTest()
