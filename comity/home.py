"""The home of a party: where its keys, its trust file and its register lie, and how the exchange is called.

`comity.toml` in the home holds `url` and `passphrase_file`; COMITY_HOME, COMITY_URL, COMITY_PASSPHRASE and
COMITY_PASSPHRASE_FILE win over it. One home is one party on one exchange.
"""

from __future__ import annotations

import os
import stat
import sys
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shared.errors import SettingsRefused

if TYPE_CHECKING:
    from client.correspondence import Correspondence
    from client.exchange import Exchange
    from shared.keys.custody import Signer
    from shared.keys.private import Ed25519Signer
    from shared.keys.trust import Trust

SETTINGS_FILE: Final = "comity.toml"
MAX_SECRET_BYTES: Final = 4096
_KNOWN: Final = frozenset({"url", "passphrase_file"})


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Home:
    """Paths and settings of one party; `url` is None until it was set."""

    path: Path
    url: str | None
    passphrase_file: Path | None

    @property
    def keys(self) -> Path:
        return self.path / "keys.json"

    @property
    def trust_file(self) -> Path:
        return self.path / "trust.json"

    def require_url(self) -> str:
        """Raises SettingsRefused."""
        if not self.url:
            raise SettingsRefused(why=f"set COMITY_URL, or `url` in {self.path / SETTINGS_FILE}")
        return self.url

    def trust(self) -> Trust:
        """Raises SettingsRefused when there is none, TrustFileInvalid."""
        return load_trust(self.trust_file)

    @property
    def key_cost(self) -> int | None:
        """scrypt's n for new key files; None: the format's own. Raises SettingsRefused."""
        given = os.environ.get("COMITY_KEY_COST")
        if given is not None and not (given.isascii() and given.isdigit()):
            raise SettingsRefused(why="COMITY_KEY_COST is a number, scrypt's n, such as 131072")
        return None if given is None else int(given)

    def passphrase(self, file: Path | None = None, *, new: bool = False) -> str:
        """From the environment, from a file, or asked for at the terminal. Raises SettingsRefused."""
        asked = f"{'New passphrase' if new else 'Passphrase'} for {file or self.keys}"
        return _secret("COMITY_PASSPHRASE", self.passphrase_file, asked, confirm=new)

    def new_passphrase(self) -> str:
        """The one to change to. Raises SettingsRefused."""
        file = os.environ.get("COMITY_NEW_PASSPHRASE_FILE")
        asked = f"New passphrase for {self.keys}"
        return _secret("COMITY_NEW_PASSPHRASE", None if file is None else self.path / file, asked, confirm=True)

    def correspondence(self) -> Correspondence:
        """This authority at its exchange. Raises SettingsRefused, and what opening its files raises."""
        from client.correspondence import Correspondence, Place
        from client.keystore import load_keystore

        self._require_keys("seal-xwing")
        trust, url = self.trust(), self.require_url()
        keys = load_keystore(self.keys, self.passphrase())
        return Correspondence(keys, trust, exchange_as(keys.api, keys.authority, url, trust), Place(self.path))

    def api_key(self) -> tuple[str, Ed25519Signer]:
        """This party, auditor or authority, and the key that signs its calls."""
        from client.keystore import load_auditor_key

        self._require_keys("api-ed25519")
        return load_auditor_key(self.keys, self.passphrase())

    def _require_keys(self, use: str) -> None:
        from client.keystore import read_kids

        if not self.keys.exists():
            raise SettingsRefused(why=f"there is no key file {self.keys}; make one with `comity keys new`")
        owner, kids = read_kids(self.keys)
        if not any(kid.get("use") == use for kid in kids):
            raise SettingsRefused(why=f"{self.keys} holds no key of {owner} for this ({use})")


def find_home(path: Path | None = None, url: str | None = None) -> Home:
    """The home that was named, else COMITY_HOME, else ~/.comity. Raises SettingsRefused for a bad settings file."""
    home = path or Path(os.environ.get("COMITY_HOME") or Path.home() / ".comity")
    settings = _read_settings(home / SETTINGS_FILE)
    file = os.environ.get("COMITY_PASSPHRASE_FILE") or settings.get("passphrase_file")
    return Home(
        path=home,
        url=url or os.environ.get("COMITY_URL") or settings.get("url"),
        passphrase_file=None if file is None else home / file,
    )


def load_trust(path: Path) -> Trust:
    """Raises SettingsRefused when it cannot be read, TrustFileInvalid."""
    from shared.keys.trust import parse_trust

    try:
        return parse_trust(path.read_bytes())
    except OSError as broken:
        why = f"{path} cannot be read: {broken.strerror}. Import the trust file of your exchange: comity trust import"
        raise SettingsRefused(why=why) from None


def exchange_as(signer: Signer, owner: str, url: str, trust: Trust) -> Exchange:
    """The exchange, called by the owner of this key."""
    from client.callers import check_receipts, sign_calls
    from client.exchange import Exchange
    from client.http_calls import Calls

    return Exchange(Calls(url, sign_calls(signer, owner, now)), check_receipts(trust, owner))


def _secret(variable: str, file: Path | None, asked: str, *, confirm: bool = False) -> str:
    given = os.environ.get(variable)
    if given is not None:
        return given
    if file is not None:
        return _read_secret(file)
    if not sys.stdin.isatty():
        raise SettingsRefused(why=f"set {variable} or {variable}_FILE: there is no terminal to ask at")
    import typer

    return str(typer.prompt(asked, hide_input=True, confirmation_prompt=confirm, err=True))


def _read_secret(file: Path) -> str:
    """The text of a file that nobody else may read, without its last line break. Raises SettingsRefused."""
    try:
        with file.open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            raw = opened.read(MAX_SECRET_BYTES + 1)
    except OSError as broken:
        raise SettingsRefused(why=f"{file} cannot be read: {broken.strerror}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsRefused(why=f"others may use {file} (mode {mode:04o}); run `chmod 600 {file}`")
    if len(raw) > MAX_SECRET_BYTES:
        raise SettingsRefused(why=f"{file} has more than {MAX_SECRET_BYTES} bytes")
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:  # `from None`: that error carries the secret
        raise SettingsRefused(why=f"{file} is not text in UTF-8") from None


def _read_settings(file: Path) -> dict[str, str]:
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise SettingsRefused(why=f"{file}: {broken}") from None
    for name, value in settings.items():
        if name not in _KNOWN or not isinstance(value, str):
            raise SettingsRefused(why=f"{file}: {name} is no setting here; there are {', '.join(sorted(_KNOWN))}")
    return settings
