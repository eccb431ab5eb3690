"""Keep schematics models in Redis as JSON documents, and search them.

With RediSearch at its speed, without it all the same: a query has one meaning, written in Python.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import *  # noqa: F403
from .errors import __all__ as _errors
from .model import (
    BaseRedisMixin,
    DistributedRedisMixin,
    DistributedRedisModel,
    HashRedisMixin,
    HashRedisModel,
    SearchRedisMixin,
    SearchRedisModel,
    SimpleRedisMixin,
    SimpleRedisModel,
)
from .query.conditions import Q
from .references import ReferenceType
from .server.connections import connect

if TYPE_CHECKING:
    from .all_operations import Objects, objects
    from .changes import F
    from .operations.convert import Converted
    from .options import search_options
    from .query.queryset import ResultSet
    from .server.async_connections import aclose
    from .server.transactions import Transaction, transaction
else:
    #: Names that programs may do without, and what they take is imported by the first operation at the latest: where
    #: they are.
    _LATER = {
        "Converted": ".operations.convert",
        "F": ".changes",
        "Objects": ".all_operations",
        "ResultSet": ".query.queryset",
        "Transaction": ".server.transactions",
        "aclose": ".server.async_connections",
        "objects": ".all_operations",
        "search_options": ".options",
        "transaction": ".server.transactions",
    }

    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_LATER[name], __name__), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__version__ = "0.1.0"

__all__ = [
    "BaseRedisMixin",
    "Converted",
    "DistributedRedisMixin",
    "DistributedRedisModel",
    "F",
    "HashRedisMixin",
    "HashRedisModel",
    "Objects",
    "Q",
    "ReferenceType",
    "ResultSet",
    "SearchRedisMixin",
    "SearchRedisModel",
    "SimpleRedisMixin",
    "SimpleRedisModel",
    "Transaction",
    "aclose",
    "connect",
    "objects",
    "search_options",
    "transaction",
]
__all__ += _errors
