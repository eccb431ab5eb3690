"""Keep schematics models in Redis as JSON documents, and search them.

With RediSearch at its speed, without it all the same: a query has one meaning, written in Python.
"""

from .errors import *  # noqa: F403
from .errors import __all__ as _errors
from .model import SearchRedisMixin, SearchRedisModel
from .objects import Objects, objects
from .options import search_options
from .query.queryset import ResultSet
from .query.tree import Q
from .server.connections import connect

__version__ = "0.1.0"

__all__ = [
    "Objects",
    "Q",
    "ResultSet",
    "SearchRedisMixin",
    "SearchRedisModel",
    "connect",
    "objects",
    "search_options",
]
__all__ += _errors
