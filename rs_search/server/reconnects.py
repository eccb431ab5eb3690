"""Connections that are made anew, as redis-py does without a word when a server was started anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .capabilities import ServerState


def watch(pool: Any, state: ServerState) -> None:
    """Have a server's state told of each connection that a pool of redis-py makes, and makes anew.

    Of clients without a pool, those of a cluster, nothing is told: there what is known of an index may be a second old,
    as everywhere.
    """
    make = getattr(pool, "make_connection", None)
    if make is None:
        return

    def made() -> Any:
        connection = make()
        _register(connection, state)
        return connection

    pool.make_connection = made
    # Those that were made before; redis-py has no public name for them.
    for name in ("_available_connections", "_in_use_connections"):
        for connection in [one for one in getattr(pool, name, ()) if one is not None]:
            state.connected.add(connection)
            _register(connection, state)


def _register(connection: Any, state: ServerState) -> None:
    # redis-py 5.0 has it under another name.
    register = getattr(connection, "register_connect_callback", None) or connection._register_connect_callback
    register(state.note_connected)
