"""Settings, from `comity.toml` in the data directory and from `COMITY_*`; the environment wins.

A setting whose name begins with `unsafe_` is refused outside development.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from typing_extensions import override

from shared.errors import SettingsRefused

SETTINGS_FILE: Final = "comity.toml"


class Settings(BaseSettings):
    """One process of the exchange. Times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="COMITY_", extra="forbid", frozen=True)

    data: Path = Path("var/exchange")
    """Keys, roster, trust file; in embedded mode also the database."""
    name: str = "Comity"
    host: str = "127.0.0.1"
    port: int = Field(default=8470, ge=0, le=65535)
    public_url: str | None = None
    """The address that callers sign, behind a proxy another than host and port. Without a slash at its end."""
    database: str | None = None
    """postgresql+asyncpg://…; without it, SQLite in the data directory."""
    broker: str | None = None
    """amqp://…; without it, the embedded bus in the same SQLite file."""
    queue_prefix: str = "comity."
    log_level: str = "info"
    inbox_retention_s: float = Field(default=7 * 86400, ge=3600)
    """How long delivered items are remembered; frames older than this are refused."""
    unsafe_crash_at: str = ""
    """`service:point`: the process kills itself there. For tests of recovery."""

    @model_validator(mode="after")
    def _one_way_to_run(self) -> Settings:
        if (self.database is None) != (self.broker is None):
            raise ValueError("give both a database and a broker, or neither: the embedded bus lives in the SQLite file")
        return self

    @property
    def is_embedded(self) -> bool:
        return self.broker is None

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite+aiosqlite:///{self.data.resolve() / 'exchange.sqlite3'}"

    @property
    def url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"

    @override
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        data = init_settings().get("data") or os.environ.get("COMITY_DATA", cls.model_fields["data"].default)
        file = TomlConfigSettingsSource(settings_cls, Path(data) / SETTINGS_FILE)
        return (init_settings, env_settings, file)


def load_settings(**given: Any) -> Settings:
    """Settings with what the command line gave on top. Raises SettingsRefused naming the setting."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "settings"
        raise SettingsRefused(why=f"{where}: {first['msg']}") from None


def refuse_unsafe(settings: Settings, environment: str) -> None:
    """Raises SettingsRefused when a dangerous setting is on outside development."""
    if environment != "development" and settings.unsafe_crash_at:
        raise SettingsRefused(why="unsafe_crash_at is for development only")
