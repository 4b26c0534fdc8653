"""The house rules that no other tool holds: what files may say, what they may be called, how long they may be."""

import ast
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# What the Makefile, tools and package managers make. Anything else in the checkout is ours, committed or not yet.
MADE = {".git", ".venv", "var", "dist", "build", "node_modules", "__pycache__", ".hypothesis"}
# Put together here, so that this file passes its own test.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
        ("deb", "debian", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:work|home|root)/")
BANNED_WORDS = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc", "impl"}
PACKAGES = ("comity", "client", "gateway", "services", "witness", "shared", "migrations", "deploy")
LOCKS = ("runtime", "build", "telemetry", "pkcs11", "stamps", "pdf", "dev", "fuzz", "manifests")
LONGEST_PYTHON_FILE = 320
# Revisions are frozen once released, vectors are data, and the tree of errors is a catalogue, read one entry at a time.
MAY_BE_LONG = ("migrations/versions/", "tests/vectors/", "shared/errors.py")


def files() -> Iterator[Path]:
    """Every file of the checkout that tools did not make, relative to its root."""
    for directory, subdirectories, names in os.walk(ROOT):
        subdirectories[:] = [
            name for name in subdirectories if name not in MADE and not name.endswith(("_cache", ".egg-info"))
        ]
        yield from ((Path(directory) / name).relative_to(ROOT) for name in names)


def text(file: Path) -> str:
    return (ROOT / file).read_text(encoding="utf-8", errors="replace")


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file}:{number}: {line.strip()[:100]}"
        for file in files()
        for number, line in enumerate(text(file).splitlines(), 1)
        if pattern.search(line)
    ]


def canonical(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def locked(lock: str) -> dict[str, str]:
    """The distributions of a lock and their versions."""
    return dict(re.findall(r"^([a-z0-9-]+)==([\w.]+)", text(Path(f"requirements/{lock}.txt")), re.MULTILINE))


def imports(file: Path) -> set[str]:
    """The top-level names that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(text(file))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_no_file_names_the_host_of_a_package_registry() -> None:
    hosts = re.compile("|".join(re.escape(host) for host in REGISTRY_HOSTS))
    assert lines_matching(hosts) == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert lines_matching(MACHINE_PATH) == []


def test_no_module_or_folder_is_named_for_nothing_in_particular() -> None:
    code = [file for file in files() if file.suffix in {".py", ".js", ".ts", ".mjs"}]
    banned = {
        str(file)
        for file in code
        for part in file.with_suffix("").parts
        if BANNED_WORDS & set(re.split(r"[_.-]", part))
    }
    assert banned == set()


def test_no_python_file_is_too_long_to_be_read_in_one_sitting() -> None:
    python = [file for file in files() if file.suffix == ".py" and not str(file).startswith(MAY_BE_LONG)]
    assert {
        str(file): length for file in python if (length := len(text(file).splitlines())) > LONGEST_PYTHON_FILE
    } == {}


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_two_commands_of_the_readme_exist(command: str) -> None:
    assert re.search(rf"^\s*{command}$", text(Path("README.md")), re.MULTILINE)
    target = command.removeprefix("make ")
    assert re.search(rf"^{target}:", text(Path("Makefile")), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_one_version_and_a_hash_and_no_address(lock: str) -> None:
    requirements = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", text(Path(f"requirements/{lock}.txt")), flags=re.M))
    unlocked = [each for each in requirements if not re.match(r"[a-z0-9-]+==[\w.]+ .*--hash=sha256:", each, re.DOTALL)]
    assert unlocked == []
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", "\n".join(requirements))


def test_every_dependency_is_in_the_lock() -> None:
    needed = tomllib.loads(text(Path("pyproject.toml")))["project"]["dependencies"]
    assert {canonical(re.split(r"[^\w-]", requirement)[0]) for requirement in needed} - locked(
        "runtime"
    ).keys() == set()


def test_what_is_installed_imports_nothing_that_only_developers_have() -> None:
    """The tests run beside the development tools, so an import of one of those would not fail in them. What is optional
    has a lock of its own, and a contract of import-linter keeps it in the one module that knows it."""
    distributions = packages_distributions()
    optional = ("telemetry", "pkcs11", "stamps", "pdf")
    runtime = set(locked("runtime")).union(*(locked(lock) for lock in optional))
    unlocked = {
        (name, str(file))
        for file in files()
        if file.suffix == ".py" and file.parts[0] in PACKAGES
        for name in imports(file) - sys.stdlib_module_names - set(PACKAGES)
        if not {canonical(distribution) for distribution in distributions.get(name, [])} & runtime
    }
    assert unlocked == set()


def test_the_locks_agree_on_every_package_that_they_share() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in locked(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
