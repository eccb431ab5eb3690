"""Keep schematics models in Redis as JSON documents, and search them.

With RediSearch at its speed, without it all the same: a query has one meaning, written in Python.
"""

from .changes import F
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
from .objects import Objects, objects
from .operations.convert import Converted
from .options import search_options
from .query.queryset import ResultSet
from .query.tree import Q
from .references import ReferenceType
from .server.async_connections import aclose
from .server.connections import connect
from .server.transactions import Transaction, transaction

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
