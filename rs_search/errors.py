"""Every error the library raises, in one tree.

::

    RedisMixinException
    ├── NotFound (KeyError)                       no object meets a single-object query
    ├── MultipleFound (KeyError)                  more than one does
    ├── StrictPerformanceException                the query would read the whole collection, and the model forbids it
    ├── QueryError (ValueError)                   the query itself is wrong
    │   ├── UnknownField                          no such field on the model
    │   ├── UnknownLookup                         no such lookup, or not on that type
    │   ├── InvalidValue                          the value cannot be read as the field's type
    │   └── InvalidSlice                          a negative or stepped slice, or a step after slicing
    ├── SchemaError (TypeError)                   the model cannot be kept or indexed as it is declared
    ├── InvalidObject (ValueError)                the object is refused before anything is written
    │   └── UnstorableValue                       one of its values could not come back equal
    ├── Restricted                                what was to be removed is referred to, by ``on_delete="restrict"``
    ├── Conflict                                  what was to be written over has changed since it was read
    ├── TransactionError (RuntimeError)           what cannot take part in a transaction
    ├── UnreadableDocument (ValueError)           what is stored under a key is not this model's document
    └── ServerError                               the server refused, failed or cannot be reached
        ├── ServerUnavailable (ConnectionError)   no connection, after redis-py's own retries
        ├── IncompleteResult                      the server says that it left rows out
        ├── MissingIndex                          the index is not there, and may not be made (``__auto_index__``)
        ├── MissingModule                         the server has lost a module that it had
        ├── LimitLowered                          the server gives fewer rows at once than it did
        ├── NotAllowed                            a replica that is only read, or a user without leave
        ├── WrongKeyType                          a key of the model holds what no layer of ours wrote
        └── EmbeddedServerError                   the embedded server could not be started

``NotFound``, ``MultipleFound`` and ``StrictPerformanceException`` have the names and bases they have in
redis-schematics.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "Conflict",
    "EmbeddedServerError",
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
    "QueryError",
    "RedisMixinException",
    "Restricted",
    "SchemaError",
    "ServerError",
    "ServerUnavailable",
    "StrictPerformanceException",
    "TransactionError",
    "UnknownField",
    "UnknownLookup",
    "UnreadableDocument",
    "UnstorableValue",
    "WrongKeyType",
]


def shown_key(key: str) -> str:
    """A key as messages have it: of an object in a hash its field, which is what its key is on other layers.

    >>> shown_key("Ice\\0Ice:1"), shown_key("Ice:1")
    ('Ice:1', 'Ice:1')
    """
    return key.rpartition("\0")[2]


class RedisMixinException(Exception):
    """The root: ``except RedisMixinException`` catches all that the library raises on its own account."""

    def __str__(self) -> str:
        # KeyError, a base of NotFound, would print the repr of its argument.
        return str(self.args[0]) if self.args else ""


class NotFound(RedisMixinException, KeyError):
    """No object meets a single-object query."""


class MultipleFound(RedisMixinException, KeyError):
    """More than one object meets a single-object query."""


class StrictPerformanceException(RedisMixinException):
    """The query would read the whole collection, and ``__strict_performance__`` forbids it."""


class QueryError(RedisMixinException, ValueError):
    """The query is wrong, whatever is stored."""


class UnknownField(QueryError):
    """A path of the query names a field that the model does not have."""


class UnknownLookup(QueryError):
    """A path of the query ends in a lookup that does not exist, or not on that type."""


class InvalidValue(QueryError):
    """A value of the query cannot be read as the field's type."""


class InvalidSlice(QueryError):
    """A slice that counts from the end or leaves rows out, or a step that must come before slicing."""


class SchemaError(RedisMixinException, TypeError):
    """The model cannot be kept or indexed as it is declared."""


class InvalidObject(RedisMixinException, ValueError):
    """The object is refused; nothing was written.

    ``errors`` maps field names to what is wrong with them, as schematics' ``DataError.to_primitive()`` does.
    """

    def __init__(self, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.errors: dict[str, Any] = errors or {}


class UnstorableValue(InvalidObject):
    """A value that could not come back equal from the server; nothing was written."""


class Conflict(RedisMixinException):
    """What was to be written over has changed since it was read; nothing was written."""


class Restricted(RedisMixinException):
    """What was to be removed is referred to by an object that forbids it; nothing was removed."""


class TransactionError(RedisMixinException, RuntimeError):
    """What cannot take part in a transaction; nothing was sent."""


class UnreadableDocument(RedisMixinException, ValueError):
    """What is stored under a key cannot be read as this model's document."""


class ServerError(RedisMixinException):
    """The server refused a command, failed, or cannot be reached."""


class ServerUnavailable(ServerError, ConnectionError):
    """No connection to the server, after redis-py's own retries."""


class IncompleteResult(ServerError):
    """The server says that its answer leaves rows out; the library does not pass such an answer on."""


class MissingIndex(ServerError):
    """The index is not there, and could not be made again."""


class MissingModule(ServerError):
    """The server has lost a module that it had; what it can do is found out anew."""


class NotAllowed(ServerError):
    """The server is a replica that is only read, or its user may not run the command."""


class LimitLowered(ServerError):
    """The server gives fewer rows at once than it did; what it can do is found out anew."""


class WrongKeyType(ServerError):
    """A key of the model holds a Redis type that no layer of the library writes."""


class EmbeddedServerError(ServerError):
    """The embedded server could not be started."""
