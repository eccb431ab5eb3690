"""The one place where redis-py's errors become ours."""

from __future__ import annotations

from redis import exceptions

from ..errors import LimitLowered, MissingIndex, MissingModule, NotAllowed, ServerError, ServerUnavailable, WrongKeyType

#: What redis-py raises beside its RedisError, as far as this version of it has them: a cluster client's.
_NO_REDIS_ERRORS = ("RedisClusterException", "IncorrectPolicyType")
#: All that a command may raise for a reason of the server or the way to it.
CLIENT_ERRORS: tuple[type[Exception], ...] = (
    exceptions.RedisError,
    OSError,
    *(getattr(exceptions, name) for name in _NO_REDIS_ERRORS if hasattr(exceptions, name)),
)
#: What servers say of an index that is not there: RediSearch 2.x in three ways, Redis 8 in a fourth.
_NO_INDEX = ("unknown index name", "no such index", "index_not_found", "unknown: index")
#: What a server says to one who gives no password; the first where the protocol is RESP3.
_NO_PASSWORD = ("HELLO must be called with the client already authenticated", "Authentication required")
_WRONG_TYPE = ("wrongtype", "wrong redis type", "wrong kind of value")


def is_exhausted(error: Exception) -> bool:
    """Whether a pool had no connection left to give: nothing was sent. Older redis-py has no class for that."""
    return type(error).__name__ == "MaxConnectionsError" or str(error) == "Too many connections"


def translated(error: Exception, address: str, command: str, once: bool = False) -> ServerError:
    """The one table from redis-py's errors to ours; the command's name is told, its arguments are not.

    ``once``: it was not sent again where the connection broke.
    """
    said = str(error)
    if said.startswith(_NO_PASSWORD):
        return ServerUnavailable(f"{address} wants a user or password, and was given none: {said}")
    if isinstance(error, exceptions.AuthenticationError):
        return ServerUnavailable(f"{address} refused the user or password: {said}")
    if isinstance(error, exceptions.BusyLoadingError):
        return ServerUnavailable(f"{address} is still loading its data: {said}")
    if isinstance(error, (exceptions.ConnectionError, exceptions.TimeoutError, OSError)):
        doubt = "; whether it was done is not known" if once and not is_exhausted(error) else ""
        return ServerUnavailable(f"{address} cannot be reached ({command}): {said}{doubt}")
    if isinstance(error, (exceptions.ReadOnlyError, exceptions.NoPermissionError)):
        return NotAllowed(f"{address} does not allow {command}: {said}")
    lowered = said.lower()
    if any(phrase in lowered for phrase in _NO_INDEX):
        return MissingIndex(f"{address} has no such index ({command}): {said}")
    if "unknown command" in lowered:
        # What follows are the command's arguments.
        return MissingModule(f"{address} has no such command ({command}): {said.partition(', with args')[0]}")
    if "exceeds maximum of" in lowered:
        return LimitLowered(f"{address} gives fewer rows at once than it did ({command}): {said}")
    if any(phrase in lowered for phrase in _WRONG_TYPE):
        return WrongKeyType(f"{address}: a key holds another type ({command}): {said}")
    return ServerError(f"{address} refused {command}: {said}")
