"""The index of a model, for those who look after it: ``IceCream.index.status()``."""

from __future__ import annotations

from typing import Any

from .errors import QueryError
from .index_schema import IndexSchema, index_schema_of
from .operations import index_admin, index_health
from .operations.index import why_no_index
from .operations.index_admin import OnProgress, Rebuilt
from .operations.index_health import IndexStatus, Verified
from .operations.requests import Operation
from .progress import shown
from .server.calls import Calls
from .server.capabilities import ServerState
from .twins import awaited, sync


class Index(Calls[Any]):
    """The index of a model's objects. Queries make and use it by themselves; this is to see and to mend it.

    Each operation has a twin that is awaited: ``await IceCream.index.astatus()``. Documents are never removed.
    """

    def __init__(self, model: type[Any]) -> None:
        why_not = why_no_index(model)
        if why_not is not None:
            raise QueryError(f"{model.__name__} has no index: {why_not}")
        super().__init__(model)

    @property
    def schema(self) -> IndexSchema:
        """What the index is made of."""
        return index_schema_of(self.model)

    @property
    def name(self) -> str:
        """What queries of this version of the model ask: an alias of the index that serves them."""
        return self.schema.name

    @property
    def alias(self) -> str:
        """What other programs may ask: an alias of the index that was built last, of whatever version."""
        return self.schema.alias

    def _create(
        self, state: ServerState, wait: float | None = None, on_progress: OnProgress | None = None
    ) -> Operation[bool]:
        """Make the index if there is none, and wait until it is whole; tells whether it was made now.

        ``wait``: no longer than so many seconds. Raises `ServerError` where the server can have none.
        """
        with shown(f"{self.name}: building", on_progress) as tell:
            return (yield from index_admin.create(state, self.schema, wait, tell))

    create, acreate = sync(_create), awaited(_create)

    def _rebuild(
        self, state: ServerState, dry_run: bool = False, on_progress: OnProgress | None = None
    ) -> Operation[Rebuilt]:
        """Build the index anew beside the one that serves, and drop that when the new one is whole.

        Queries are answered in full throughout. ``dry_run`` tells only what would be done. Raises `ServerError` where
        the server can have none. Cost: the server reads every document; for that time it holds two indexes.
        """
        with shown(f"{self.name}: building", on_progress) as tell:
            return (yield from index_admin.rebuild(state, self.schema, dry_run, tell))

    rebuild, arebuild = sync(_rebuild), awaited(_rebuild)

    def _prune(self, state: ServerState, dry_run: bool = False) -> Operation[tuple[str, ...]]:
        """Drop the model's indexes that do not serve this version of it; gives their names.

        None that is being built. An older version of an app that still runs makes its own again.
        """
        return (yield from index_admin.prune(state, self.schema, dry_run))

    prune, aprune = sync(_prune), awaited(_prune)

    def _drop(self, state: ServerState) -> Operation[bool]:
        """Drop the index of this version of the model; tells whether there was one. The next query makes it again."""
        return (yield from index_admin.drop(state, self.schema))

    drop, adrop = sync(_drop), awaited(_drop)

    def _status(self, state: ServerState) -> Operation[IndexStatus]:
        """What is known of the index: documents, refused ones with the reason, sizes, limits, and what is not right.

        Cost: some 10 round trips; O(keys of the database) where documents were refused.
        """
        return (yield from index_health.status(state, self.schema))

    status, astatus = sync(_status), awaited(_status)

    def _verify(
        self, state: ServerState, repair: bool = False, batch: int = 1000, on_progress: OnProgress | None = None
    ) -> Operation[Verified]:
        """Compare every stored object with the index, and tell what is not as it should be.

        ``repair`` writes again, in one step where nobody else has, what is missing from the index or has companions
        that another program's write made stale, and converts strings; what does not validate is left and told.
        Cost: reads every object, a ``batch`` a round trip.
        """
        if batch < 1:
            raise QueryError(f"{self.name}: a batch has one object or more, not {batch}")
        with shown(f"{self.name}: verifying", on_progress) as tell:
            return (yield from index_health.verify(state, self.schema, repair, batch, tell))

    verify, averify = sync(_verify), awaited(_verify)
