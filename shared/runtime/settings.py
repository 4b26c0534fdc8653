"""Settings. Of several sources the first wins: the command line, `COMITY_*`, files of secrets, `comity.toml`.

Files of secrets lie in the directory that `COMITY_SECRETS` names, one for each setting, called `comity_<setting>` as
containers have them. `comity.toml` lies in the data directory.

A setting whose name begins with `unsafe_` is refused outside development.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from typing_extensions import override

from shared.domain.misfits import first_misfit
from shared.errors import SettingsRefused
from shared.runtime.addresses import BROKER_SCHEMES, DATABASE_SCHEMES, check_address, check_collector

SETTINGS_FILE: Final = "comity.toml"
DEFAULT_PORTS: Final = {
    "gateway": 8470,
    "all": 8470,
    "intake": 8471,
    "routing": 8472,
    "notification": 8473,
    "ledger": 8474,
}
"""Where each process listens: the API, or `/livez`, `/readyz` and `/metrics` of a service."""
_PASSWORD: Final = re.compile(r"[^:/]+://[^:/]*:(.+)@")


class Settings(BaseSettings):
    """One process of the exchange. Times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="COMITY_", extra="forbid", frozen=True)

    data: Path = Path("var/exchange")
    """Keys, roster, trust file; in embedded mode also the database."""
    state: Path | None = None
    """What a process must not forget, outside the database: the ledger's last signed head, the newest key event and
    registry that gateway and intake judged by. Must outlive the process and is never restored from a backup; without
    it, the data directory, which containers mount read-only."""
    keys_mounted: bool = False
    """Key files come from a container's platform, which sets their modes; nobody else is in there who could read them.
    Elsewhere a key file that others may read is refused; one that others may write, everywhere."""
    ledger_copy: Path | None = None
    """Directory of a copy of the ledger (`comity ledger export`): with a database that does not continue it, the ledger
    does not start."""
    ledger_read_back: int = Field(default=100_000, ge=1000)
    """Entries that the ledger reads back at most to know whether a leaf that waited long has its place already."""
    time_stamps: str = ""
    """Addresses of RFC 3161 authorities, with blanks between them, which stamp checkpoints. Of the ledger."""
    time_stamps_ca: Path | None = None
    """PEM file of the root certificates that these are believed under."""
    time_stamps_every_s: float = Field(default=3600.0, ge=1)
    """Of each authority one stamp in this time, if the tree has grown."""
    time_stamps_timeout_s: float = Field(default=15.0, gt=0)
    """From the question to the end of its answer."""
    secrets: Path | None = None
    """Directory of files of secrets. Read from the environment only."""
    name: str = "Comity"
    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65535)
    """0 takes a free one; without it, the service's of DEFAULT_PORTS."""
    shares_port: bool = False
    """Several gateways of one machine listen on one port, and the kernel divides the calls among them."""
    public_url: str | None = None
    """The address that callers sign, behind a proxy another than host and port. Without a slash at its end."""
    database: str | None = None
    """postgresql+asyncpg://…; without it, SQLite in the data directory."""
    broker: str | None = None
    """amqp://…; without it, the embedded bus in the same SQLite file."""
    database_ca: Path | None = None
    """PEM file of the CA that certified the database's server: then TLS is demanded, with full verification."""
    broker_ca: Path | None = None
    """The same for the broker; its address begins with amqps:// then."""
    queue_prefix: str = "comity."
    log_level: str = "info"
    telemetry: str | None = None
    """http://… or https://…: the collector that gets spans by OTLP, without its path. Without it, nobody does."""
    inbox_retention_s: float = Field(default=7 * 86400, ge=3600)
    """How long delivered items are remembered; frames older than this are refused."""
    told_after_s: float = Field(default=60.0, ge=0)
    """A service that has worked for so long tells the ledger that it started: no loop of crashes writes more often."""
    parts_kept_days: int | None = Field(default=None, ge=1)
    """Sealed parts are pruned so many days after their dossier was closed; without it, never. Of routing."""
    rate_submissions: str = "5000 per 10 seconds"
    """Of one authority on one gateway process. So are the other rates."""
    rate_documents: str = "1000 per 10 seconds"
    """Key events and registries of instruments, which operators post."""
    rate_reads: str = "20000 per 10 seconds"
    connections_most: int = Field(default=1000, ge=10)
    """Open at once on one gateway process; fewer where its limit of open files is near."""
    head_timeout_s: float = Field(default=10.0, gt=0)
    """For all header fields of a call, and for the first byte on a new connection."""
    body_timeout_s: float = Field(default=20.0, gt=0)
    """For a body, and as long again as it takes at …"""
    body_bytes_per_s: int = Field(default=32 * 1024, ge=1)
    """… this rate, the least at which it must come."""
    idle_timeout_s: float = Field(default=75.0, gt=0)
    """A connection is kept so long without a call. Longer than a proxy or a client in front keeps it, or calls are
    lost: the end of a connection and a call on it cross."""
    polls_per_party: int = Field(default=16, ge=1)
    """Calls of one authority that wait for updates on one gateway process."""
    admission_target_s: float = Field(default=1.0, gt=0)
    """From a submission to its delivery, when more comes than can be delivered: gateways let in what keeps to it."""
    admission_least: int = Field(default=64, ge=2)
    """Submissions that a gateway lets be on their way however slow they are."""
    admission_most: int = Field(default=2000, ge=2)
    unsafe_slow: str = ""
    """`service:seconds`: the service takes so long for each message besides. For tests of overload."""
    unsafe_crash_at: str = ""
    """`service:point`: the process kills itself there. For tests of recovery."""

    @field_validator("database", "broker")
    @classmethod
    def _address(cls, address: str | None, info: ValidationInfo) -> str | None:
        schemes = DATABASE_SCHEMES if info.field_name == "database" else BROKER_SCHEMES
        return None if address is None else check_address(address, schemes)

    @field_validator("telemetry")
    @classmethod
    def _collector(cls, address: str | None) -> str | None:
        return None if address is None else check_collector(address)

    @model_validator(mode="after")
    def _one_way_to_run(self) -> Settings:
        if (self.database is None) != (self.broker is None):
            raise ValueError("give both a database and a broker, or neither: the embedded bus lives in the SQLite file")
        if self.database is None and (self.database_ca or self.broker_ca):
            raise ValueError("a CA is for a database and a broker behind TLS, and there are none")
        if bool(self.time_stamps) != bool(self.time_stamps_ca):
            raise ValueError("give both the authorities of time_stamps and their time_stamps_ca, or neither")
        return self

    def slowed_s(self, service: str) -> float:
        """Seconds that this service is to lose on each message; see `unsafe_slow`."""
        slowed, _, seconds = self.unsafe_slow.partition(":")
        return float(seconds) if slowed == service else 0.0

    @property
    def is_embedded(self) -> bool:
        return self.broker is None

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite+aiosqlite:///{self.data.resolve() / 'exchange.sqlite3'}"

    @property
    def state_directory(self) -> Path:
        return self.state or self.data

    @property
    def passwords(self) -> list[str]:
        """Those that stand in addresses, for whoever keeps them out of sight."""
        found = [_PASSWORD.match(address) for address in (self.database, self.broker) if address]
        return [unquote(password[1]) for password in found if password]

    def port_of(self, service: str) -> int:
        return DEFAULT_PORTS[service] if self.port is None else self.port

    def url_of(self, service: str) -> str:
        """Where this process is called; for the gateway, the address that callers sign."""
        is_public = self.public_url is not None and service in ("gateway", "all")
        return str(self.public_url) if is_public else f"http://{self.host}:{self.port_of(service)}"

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
        secrets = SecretsSettingsSource(settings_cls, secrets_dir=os.environ.get("COMITY_SECRETS"))
        return (init_settings, env_settings, secrets, file)


def load_settings(**given: Any) -> Settings:
    """Settings with what the command line gave on top. Raises SettingsRefused naming the setting."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as invalid:
        raise SettingsRefused(why=first_misfit(invalid, "settings")) from None


def refuse_embedded(settings: Settings, service: str) -> None:
    """Raises SettingsRefused for one service without a database and a broker to share with the others."""
    if settings.is_embedded:
        why = f"{service} alone needs a database and a broker; everything in one process is: comity serve all"
        raise SettingsRefused(why=why)


def refuse_unsafe(settings: Settings, environment: str) -> None:
    """Raises SettingsRefused when a dangerous setting is on outside development."""
    for name in type(settings).model_fields:
        if name.startswith("unsafe_") and getattr(settings, name) and environment != "development":
            raise SettingsRefused(why=f"{name} is for development only")
