"""A wrong address is refused in a sentence that does not hold it: passwords stand in addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import SettingsRefused
from shared.runtime.settings import load_settings

SECRET = "s3cret-Word"
GOOD = {"database": "postgresql+asyncpg://u:p@db:5432/comity", "broker": "amqp://u:p@broker:5672/"}
WRONG = (
    *(f"u:{SECRET}@host/db", f"{SECRET}", f"http://u:{SECRET}@host/db", f"//u:{SECRET}@host/db", ""),
    *(f"SCHEME://u:{SECRET}/x@host/db", f"SCHEME://u:{SECRET}?x@host:5/db", f"SCHEME://u:{SECRET}#x@host/db"),
    *(f"SCHEME://u:{SECRET}@host:port/db", f"SCHEME://u:{SECRET}@host:99999/db", f"SCHEME://u:{SECRET}@host:0/db"),
    *(f"SCHEME://u:{SECRET}@[::1/db", f"SCHEME://u:{SECRET}@/db", "SCHEME:///db"),
)


@pytest.mark.parametrize("setting", GOOD)
@pytest.mark.parametrize("address", WRONG)
def test_a_wrong_address_is_refused_by_its_setting_and_not_quoted(setting: str, address: str, tmp_path: Path) -> None:
    scheme = GOOD[setting].partition(":")[0]
    given = {**GOOD, setting: address.replace("SCHEME", scheme)}
    with pytest.raises(SettingsRefused, match=f"{setting}: ") as refused:
        load_settings(data=tmp_path, **given)
    assert "s3cret" not in f"{refused.value} {refused.value.__cause__}"


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        ("database", "postgresql+asyncpg://u:a%2Fb%40c@db/comity"),
        ("database", "postgresql+asyncpg://u@[::1]:5432/comity"),
        ("database", "postgresql+asyncpg:///comity?host=/run/postgresql"),
        ("broker", "amqps://u:p@broker.example:5671/%2F"),
        ("broker", "amqp://localhost"),
    ],
)
def test_addresses_in_use_are_taken_as_they_are(setting: str, address: str, tmp_path: Path) -> None:
    assert getattr(load_settings(data=tmp_path, **{**GOOD, setting: address}), setting) == address
