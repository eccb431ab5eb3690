"""The rules of the layout, read from the source with ``ast``."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rs_search

PACKAGE = Path(rs_search.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES, MOST_FUNCTION_LINES = 400, 60
#: Modules that may be longer, with the reason.
LONGER: dict[str, str] = {
    "rs_search.all_operations": "every operation, and its twin",
    "rs_search.model": "every operation and its twin once more, with the types of the mixins",
}
#: What sends and waits; the rest of ``server/`` knows what servers say.
TALKING = tuple(f"rs_search.server.{name}" for name in ("calls", "drive", "connections", "async_connections",
                                                        "transactions", "blocks", "patience", "unbroken",
                                                        "embedded", "supervisor"))  # fmt: skip
#: What waits: for replies, for a connection, for the end of a call.
WAITING = tuple(f"rs_search.server.{name}" for name in ("drive", "async_connections", "blocks", "patience", "unbroken"))
#: Who may import what of the package, beside everything that is not named here.
FORBIDDEN = {
    "query": ("redis", "rs_search.server", "rs_search.storage"),
    "planner": ("redis", "rs_search.server", "rs_search.operations", "rs_search.storage"),
    "operations": ("redis", *TALKING),
    "storage": ("redis", *TALKING),
}
PUBLIC = [
    "BaseRedisMixin",
    "Conflict",
    "Converted",
    "DistributedRedisMixin",
    "DistributedRedisModel",
    "EmbeddedServerError",
    "F",
    "HashRedisMixin",
    "HashRedisModel",
    "IncompleteResult",
    "InvalidObject",
    "InvalidSlice",
    "InvalidValue",
    "LimitLowered",
    "MissingIndex",
    "MissingModule",
    "MultipleFound",
    "NotAllowed",
    "NotFound",
    "Objects",
    "Q",
    "QueryError",
    "RedisMixinException",
    "ReferenceType",
    "Restricted",
    "ResultSet",
    "SchemaError",
    "SearchRedisMixin",
    "SearchRedisModel",
    "ServerError",
    "ServerUnavailable",
    "SimpleRedisMixin",
    "SimpleRedisModel",
    "StrictPerformanceException",
    "Transaction",
    "TransactionError",
    "UnknownField",
    "UnknownLookup",
    "UnreadableDocument",
    "UnstorableValue",
    "WrongKeyType",
    "aclose",
    "connect",
    "objects",
    "search_options",
    "transaction",
]


def name_of(module: Path) -> str:
    parts = module.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def imports(module: Path) -> Iterator[str]:
    """Every module that a module imports at run time, now or in a function, by its full name."""
    package = name_of(module) if module.name == "__init__.py" else name_of(module).rpartition(".")[0]
    for node in _run_time_nodes(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and LATER.fullmatch(node.value):
            # Named for `importlib.import_module`: a storage layer, a name of the package.
            yield f"rs_search{node.value}"


#: Modules as they are named where they are imported later, by ``importlib``.
LATER = re.compile(r"(\.[a-z_]+)+")


def _run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            child = ast.Module(child.orelse, [])
        yield child
        yield from _run_time_nodes(child)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


each_module = pytest.mark.parametrize("module", MODULES, ids=[name_of(module) for module in MODULES])


@each_module
def test_only_the_server_package_imports_redis(module: Path) -> None:
    if "server" not in module.relative_to(PACKAGE).parts:
        assert [name for name in imports(module) if is_within(name, "redis")] == []


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_imports_nothing_that_is_forbidden_to_it(package: str) -> None:
    modules = [module for module in MODULES if module.relative_to(PACKAGE).parts[0] == package]
    assert modules
    wrong = [
        (name_of(module), name)
        for module in modules
        for name in imports(module)
        if any(is_within(name, forbidden) for forbidden in FORBIDDEN[package])
    ]
    assert wrong == []


def test_nothing_imports_the_command_line_or_what_it_is_made_with() -> None:
    outside = [module for module in MODULES if module.relative_to(PACKAGE).parts[0] != "cli"]
    assert len(outside) < len(MODULES)
    wrong = [
        (name_of(module), name)
        for module in outside
        for name in imports(module)
        if is_within(name, "rs_search.cli") or is_within(name, "click")
    ]
    assert wrong == []


def test_what_is_imported_later_is_seen() -> None:
    assert "rs_search.server.transactions" in set(imports(PACKAGE / "__init__.py"))
    assert {"rs_search.all_operations", "rs_search.storage.string"} <= set(imports(PACKAGE / "model.py"))
    assert "redis.commands.search.field" in set(imports(PACKAGE / "server" / "index_arguments.py"))


#: What users write, and what of the packages beside it is left for when it is needed.
WRITTEN = "from rs_search import SearchRedisMixin, Q, connect"
NEEDED_LATER = ("click", "difflib", "msgspec", "redis.commands.search", "rich", "rs_search.all_operations",
                "rs_search.cli", "rs_search.operations", "rs_search.planner", "rs_search.server.drive",
                "rs_search.server.embedded", "rs_search.storage", "snowballstemmer", "typing_extensions")  # fmt: skip
#: Which of them a program has imported, beside what it would have without the library.
IMPORTED = """
import sys
import redis, redis.asyncio, orjson, schematics.models, schematics.types
before = set(sys.modules)
{program}
print(*sorted({{name for name in set(sys.modules) - before for later in sys.argv[1:]
                if name == later or name.startswith(later + ".")}}))
"""
MODEL = """
from schematics.models import Model
from schematics.types import IntType, StringType
class Ice(Model, SearchRedisMixin):
    pk, flavour, amount_kg = StringType(), StringType(), IntType()
connect("redis://localhost:1/0")
"""


def imported(program: str, *of: str) -> list[str]:
    result = run_python(IMPORTED.format(program=program), *of)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_declaring_a_model_and_naming_a_server_imports_little() -> None:
    assert imported(WRITTEN + MODEL, *NEEDED_LATER) == []


def test_other_names_that_modules_import_at_their_top_import_little() -> None:
    rest = "from rs_search import F, NotFound, ReferenceType, aclose, search_options"
    later = [name for name in NEEDED_LATER if name != "difflib"]
    assert imported(f"{WRITTEN}\n{rest}", *later) == []


def test_the_first_operation_imports_what_it_needs_and_no_more() -> None:
    unreachable = (
        "from rs_search import ServerUnavailable\ntry: Ice(dict(pk='1')).set()\nexcept ServerUnavailable: pass"
    )
    found = imported(f"{WRITTEN}{MODEL}{unreachable}", *NEEDED_LATER, "rs_search.operations.convert", "rs_search.index")
    assert {"rs_search.all_operations", "rs_search.server.drive", "rs_search.storage"} <= set(found)
    unneeded = ("msgspec", "redis.commands.search", "rs_search.index", "rs_search.operations.convert",
                "rs_search.server.embedded", "snowballstemmer")  # fmt: skip
    assert [name for name in found if any(is_within(name, one) for one in unneeded)] == []


def test_the_first_operation_may_be_called_by_many_threads_at_once() -> None:
    program = """
import threading
barrier, found = threading.Barrier(8), []
def ask():
    barrier.wait()
    found.append(repr(Ice.filter(amount_kg__gte=1, flavour__search="vanilla")))
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert found == ["Ice.filter(amount_kg__gte=1, flavour__search='vanilla')"] * 8, found
"""
    assert "rs_search.all_operations" in imported(f"{WRITTEN}{MODEL}{program}", "rs_search.all_operations")


def test_names_that_are_imported_later_are_those_of_the_package() -> None:
    program = """
import rs_search
assert set(rs_search.__all__) <= set(dir(rs_search))
assert not hasattr(rs_search, "Nothing")
import rs_search.all_operations
assert rs_search.objects is rs_search.all_operations.objects
from rs_search import *
assert Objects is rs_search.Objects is rs_search.all_operations.Objects
"""
    assert imported(program, "rs_search.all_operations") == ["rs_search.all_operations"]


#: Those with methods that are awaited; they hand everything on to the drivers.
AWAITED = ("rs_search.model", "rs_search.planner.explain", "rs_search.query.queryset", "rs_search.twins",
           "rs_search.server")  # fmt: skip


def _is_async(node: ast.AST) -> bool:
    asynchronous = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    return isinstance(node, asynchronous) or (isinstance(node, ast.comprehension) and bool(node.is_async))


@pytest.mark.parametrize("name", AWAITED)
def test_those_that_may_be_awaited_are(name: str) -> None:
    modules = [module for module in MODULES if is_within(name_of(module), name)]
    assert any(_is_async(node) for module in modules for node in ast.walk(tree_of(module)))


@pytest.mark.parametrize("name", TALKING)
def test_what_talks_is_there(name: str) -> None:
    assert name in map(name_of, MODULES)


@each_module
def test_nothing_but_the_driver_waits(module: Path) -> None:
    nodes = list(ast.walk(tree_of(module)))
    if not any(is_within(name_of(module), package) for package in AWAITED):
        assert not [node.lineno for node in nodes if _is_async(node)]
    if name_of(module) in WAITING:
        return
    assert not [node.lineno for node in nodes if isinstance(node, ast.Attribute) and node.attr == "sleep"]
    assert not [name for name in imports(module) if name == "time.sleep" or is_within(name, "asyncio")]


def test_the_driver_is_seen_to_wait() -> None:
    driver = next(module for module in MODULES if name_of(module) == "rs_search.server.drive")
    assert [node for node in ast.walk(tree_of(driver)) if isinstance(node, ast.Attribute) and node.attr == "sleep"]


IMPORT_EVERYTHING = """
import sys

FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn")

def refuse(event, arguments):
    if event.startswith(FORBIDDEN) and event not in ("socket.gethostname",):
        raise RuntimeError(f"{event} {arguments!r}")

sys.addaudithook(refuse)
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
print("imported", len(sys.argv) - 1)
"""


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "ignore", "-c", code, *arguments], capture_output=True, text=True,
                          check=False, cwd=PACKAGE.parent)  # fmt: skip


def test_importing_any_module_opens_no_socket_and_starts_no_process() -> None:
    names = [name_of(module) for module in MODULES if module.name != "__main__.py"]
    result = run_python(IMPORT_EVERYTHING, *names)
    assert (result.returncode, result.stdout.split()) == (0, ["imported", str(len(names))]), result.stderr


def test_the_import_test_would_see_a_socket() -> None:
    result = run_python(IMPORT_EVERYTHING + "\nimport socket\nsocket.socket()")
    assert "socket.__new__" in result.stderr


def test_the_public_names_are_these() -> None:
    assert sorted(rs_search.__all__) == PUBLIC
    assert len(set(rs_search.__all__)) == len(rs_search.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    assert inspect.getdoc(getattr(rs_search, name))


@pytest.mark.parametrize("name", [name for name in PUBLIC if isinstance(getattr(rs_search, name), type)])
def test_a_public_class_documents_its_public_methods(name: str) -> None:
    cls = getattr(rs_search, name)
    methods = {
        attribute: value
        for base in cls.__mro__
        if base.__module__.startswith("rs_search")
        for attribute, value in vars(base).items()
        if not attribute.startswith("_") and (inspect.isroutine(value) or isinstance(value, property))
    }
    assert [attribute for attribute, value in methods.items() if not inspect.getdoc(value)] == []


@each_module
def test_a_module_is_short_and_says_what_it_is(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    if name_of(module) not in LONGER:
        assert len(text.splitlines()) <= MOST_LINES
    assert not text or ast.get_docstring(tree_of(module))


def test_modules_that_may_be_longer_are_longer() -> None:
    long = {name_of(module) for module in MODULES if len(module.read_text().splitlines()) > MOST_LINES}
    assert set(LONGER) == long


@each_module
def test_functions_are_short(module: Path) -> None:
    functions = [
        node for node in ast.walk(tree_of(module)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > MOST_FUNCTION_LINES} == {}
