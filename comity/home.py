"""The home of a party: where its keys, its trust file and its register lie, and how the exchange is called.

`comity.toml` in the home holds `url`, `passphrase_file` and the three settings `pkcs11_…`; COMITY_HOME, COMITY_URL,
COMITY_PASSPHRASE, COMITY_PASSPHRASE_FILE and COMITY_PKCS11_… win over it. One home is one party on one exchange.
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
    from client.token import Token
    from shared.keys.custody import Signer
    from shared.keys.trust import Trust

SETTINGS_FILE: Final = "comity.toml"
MAX_SECRET_BYTES: Final = 4096
_KNOWN: Final = frozenset({"url", "passphrase_file", "pkcs11_module", "pkcs11_token", "pkcs11_pin_file"})


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Home:
    """Paths and settings of one party; `url` is None until it was set."""

    path: Path
    url: str | None
    passphrase_file: Path | None
    pkcs11_module: Path | None = None
    """The library by which the hardware token is spoken to."""
    pkcs11_token: str | None = None
    """Its label, where the module has several and the key file does not name one yet."""
    pkcs11_pin_file: Path | None = None

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

    def trust(self, named: Path | None = None) -> Trust:
        """The trust file that was named, else the one kept here. Raises SettingsRefused when there is none,
        TrustFileInvalid."""
        if named is None and not self.trust_file.exists():
            why = f"there is no trust file in {self.path}; comity trust import keeps the one that operators handed you"
            raise SettingsRefused(why=why)
        return load_trust(named or self.trust_file)

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

    def new_passphrase(self, changed: Path) -> str:
        """The one to change to. Raises SettingsRefused."""
        file = os.environ.get("COMITY_NEW_PASSPHRASE_FILE")
        asked = f"New passphrase for {changed}"
        return _secret("COMITY_NEW_PASSPHRASE", None if file is None else self.path / file, asked, confirm=True)

    def key_module(self) -> Token | None:
        """The open token that the key file names; None if it names none, or no library is set to open it with: then its
        keys sign nothing. Raises SettingsRefused, KeyModuleUnusable, KeyFileUnusable."""
        from client.keystore import read_kids

        serials = sorted({kid["token"] for kid in read_kids(self.keys)[1] if kid.get("token")})
        return None if not serials or self.pkcs11_module is None else self._token(self.pkcs11_module, serials[0])

    def new_key_module(self) -> Token:
        """The token in which keys are to be made. Raises SettingsRefused, KeyModuleUnusable."""
        if self.pkcs11_module is None:
            why = f"set COMITY_PKCS11_MODULE, or `pkcs11_module` in {SETTINGS_FILE}, to the library of the token"
            raise SettingsRefused(why=why)
        return self._token(self.pkcs11_module, None)

    def _token(self, module: Path, serial: str | None) -> Token:
        from client.token import Token

        pin = _secret(
            "COMITY_PKCS11_PIN", self.pkcs11_pin_file, f"PIN of the token {self.pkcs11_token or serial or ''}"
        )
        return Token(module, pin, label=None if serial else self.pkcs11_token, serial=serial)

    def correspondence(self, passphrase: str | None = None, module: Token | None = None) -> Correspondence:
        """This authority at its exchange; asks for what is not given. Raises SettingsRefused, and what opening files
        raises."""
        from client.correspondence import Correspondence, Place
        from client.keystore import load_keystore
        from comity.stolen_keys import tell_stolen

        self._require_keys("seal-xwing")
        trust, url = self.trust(), self.require_url()
        known = self.passphrase() if passphrase is None else passphrase
        keys = load_keystore(self.keys, known, module=module or self.key_module())
        exchange = exchange_as(keys.api, keys.authority, url, trust)
        return Correspondence(keys, trust, exchange, Place(self.path), tell_stolen=tell_stolen)

    def api_key(self) -> tuple[str, Signer]:
        """This party, auditor or authority, and the key that signs its calls."""
        from client.keystore import load_api_key

        self._require_keys("api-ed25519")
        return load_api_key(self.keys, self.passphrase(), self.key_module())

    def _require_keys(self, use: str) -> None:
        from client.keystore import read_kids

        if not self.keys.exists():
            raise SettingsRefused(why=f"there is no key file {self.keys}; make one with `comity keys new`")
        owner, kids = read_kids(self.keys)
        if not any(kid.get("use") == use for kid in kids):
            if use == "seal-xwing":
                raise SettingsRefused(why=f"{self.keys} is that of {owner}, which has no messages: it is no authority")
            raise SettingsRefused(why=f"{self.keys} holds no key of {owner} for this ({use})")


def find_home(path: Path | None = None, url: str | None = None) -> Home:
    """The home that was named, else COMITY_HOME, else ~/.comity. Raises SettingsRefused for a bad settings file."""
    home = path or Path(os.environ.get("COMITY_HOME") or Path.home() / ".comity")
    settings = _read_settings(home / SETTINGS_FILE)
    file = os.environ.get("COMITY_PASSPHRASE_FILE") or settings.get("passphrase_file")
    module = os.environ.get("COMITY_PKCS11_MODULE") or settings.get("pkcs11_module")
    pin_file = os.environ.get("COMITY_PKCS11_PIN_FILE") or settings.get("pkcs11_pin_file")
    return Home(
        path=home,
        url=url or os.environ.get("COMITY_URL") or settings.get("url"),
        passphrase_file=None if file is None else home / file,
        pkcs11_module=None if module is None else home / module,
        pkcs11_token=os.environ.get("COMITY_PKCS11_TOKEN") or settings.get("pkcs11_token"),
        pkcs11_pin_file=None if pin_file is None else home / pin_file,
    )


def load_trust(path: Path) -> Trust:
    """Raises SettingsRefused when it cannot be read, TrustFileInvalid."""
    from shared.keys.trust import parse_trust

    try:
        return parse_trust(path.read_bytes())
    except OSError as broken:
        raise SettingsRefused(why=f"the trust file {path} cannot be read: {broken.strerror}") from None


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
    except OSError as broken:
        raise SettingsRefused(why=f"{file} cannot be read: {broken.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsRefused(why=f"{file} is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as broken:
        raise SettingsRefused(why=f"{file} is not TOML: {broken}") from None
    for name, value in settings.items():
        if name not in _KNOWN or not isinstance(value, str):
            raise SettingsRefused(why=f"{file}: {name} is no setting here; there are {', '.join(sorted(_KNOWN))}")
    return settings
