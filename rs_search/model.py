"""The mixins: ``class IceCream(models.Model, SearchRedisMixin)``.

Every program that uses the library imports this module first, and many only to declare models: what operations need is
imported when the first of them is called.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from schematics.models import Model
from schematics.types import StringType

from .attributes import Layer
from .query.conditions import Q
from .references import announce

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    Client: TypeAlias = redis.Redis | redis.asyncio.Redis

    from .all_operations import Objects
    from .index import Index
    from .operations.convert import Converted
    from .options import SearchOptions
    from .query.queryset import ResultSet
    from .storage.base import Storage
else:

    def Objects(model):  # noqa: N802
        """The class of this name, which takes the place of this function when the first operation is called."""
        global Objects
        from .all_operations import Objects

        return Objects(model)


T = TypeVar("T", bound="BaseRedisMixin")


class BaseRedisMixin:
    """All operations, on any layer: a mixin of your own names the `Storage` that keeps the objects.

    ::

        class ListStorage(Storage):            # README has one that works
            def commands(self, record, capabilities): ...   # what writes an object
            def texts(self, keys, capabilities): ...        # what reads objects
            def guarded(self, record, capabilities): ...    # what writes one under a condition, in one step

        class ListRedisMixin(BaseRedisMixin):
            __storage__ = ListStorage

    A field named like one of these methods wins over it; ``objects(Model)`` then has the method still:
    ``objects(Model).filter(…)``, ``objects(Model).set(instance)``.
    """

    __storage__: ClassVar[type[Storage] | None] = None
    """How objects are kept."""
    __redis_client__: ClassVar[Client | Callable[..., Client] | None] = None
    """A client, of ``redis.asyncio`` too, or a function that gives one at each call; None takes `connect`'s."""
    __expire__: ClassVar[int | None] = None
    """Seconds an object lives after `set`; None is for ever."""
    __field_expire__: ClassVar[dict[str, int] | None] = None
    """Of a `DistributedRedisMixin`: seconds that a field lives after it was written, by name; then it is missing."""
    __unique_together__: ClassVar[tuple[str, ...] | None] = None
    """Fields whose values make the key of an object without ``pk`` and ``id``."""
    __unique_args__: ClassVar[tuple[str, ...] | None] = None
    """redis-schematics' name for ``__unique_together__``."""
    __strict_performance__: ClassVar[bool] = False
    """Refuse queries that would read the whole collection."""
    __version_field__: ClassVar[str | None] = None
    """An IntType field that counts writes: a write from a stale copy raises `Conflict`."""
    __index__: ClassVar[dict[str, SearchOptions] | None] = None
    """`search_options` of fields, by path."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if issubclass(cls, Model):
            announce(cls)

    @staticmethod
    def __serializer__(obj: Any) -> str | bytes:
        """The text that a document is kept as, on layers of texts; yours may be any, with its `__deserializer__`."""
        return json.dumps(obj)

    @staticmethod
    def __deserializer__(dump: Any) -> Any:
        """The document of a text."""
        return json.loads(dump)

    @property
    def key(self) -> str:
        """The object's key in Redis."""
        return Objects(type(self)).key(self)

    @property
    def __prefix__(self) -> Any:
        """What keys begin with: the class's name; a string or a property of yours takes its place."""
        return type(self).__name__

    @property
    def __primary_key__(self) -> str | None:
        """The object's primary key as text: ``pk``, else ``id``, else ``__unique_together__``; yours may be any."""
        from .primary_key import default_primary_key

        return default_primary_key(self)

    def __key_pattern__(self, *args: str) -> str:
        """A key of these parts: the prefix, and what follows it."""
        from .options import prefix_of

        return ":".join([prefix_of(type(self)), *args])

    def __json__(self) -> Any:
        """What `patches.patch_json` writes of the object."""
        return Model.to_primitive(self)

    @property
    def changed(self) -> frozenset[str]:
        """The names of the fields that would be stored otherwise than they were read."""
        return Objects(type(self)).changed(self)

    def set(
        self,
        *,
        only: Iterable[str] | None = None,
        changed: bool = False,
        if_absent: bool = False,
        if_present: bool = False,
        expire: int | None = None,
    ) -> bool:
        """Validate the object and keep it, or some of its fields; tells whether it was kept. See `Objects.set`."""
        return Objects(type(self)).set(
            self, only=only, changed=changed, if_absent=if_absent, if_present=if_present, expire=expire
        )

    async def aset(
        self,
        *,
        only: Iterable[str] | None = None,
        changed: bool = False,
        if_absent: bool = False,
        if_present: bool = False,
        expire: int | None = None,
    ) -> bool:
        """`set`, awaited."""
        return await Objects(type(self)).aset(
            self, only=only, changed=changed, if_absent=if_absent, if_present=if_present, expire=expire
        )

    def update(self: T, /, **values: Any) -> T:
        """Change fields of what is stored, as ``amount_kg=F("amount_kg") + 1``. See `Objects.update`."""
        return Objects(type(self)).update(self, **values)

    async def aupdate(self: T, /, **values: Any) -> T:
        """`update`, awaited."""
        return await Objects(type(self)).aupdate(self, **values)

    def refresh(self) -> None:
        """Take over what is stored; raises `NotFound`. See `Objects.refresh`."""
        Objects(type(self)).refresh(self)

    async def arefresh(self) -> None:
        """`refresh`, awaited."""
        await Objects(type(self)).arefresh(self)

    def delete(self) -> bool:
        """Remove the object; tells whether it was there."""
        return Objects(type(self)).delete(self)

    async def adelete(self) -> bool:
        """`delete`, awaited."""
        return await Objects(type(self)).adelete(self)

    def ttl(self) -> float | None:
        """Seconds that the object has to live, None for ever; raises `NotFound`."""
        return Objects(type(self)).ttl(self)

    async def attl(self) -> float | None:
        """`ttl`, awaited."""
        return await Objects(type(self)).attl(self)

    def persist(self) -> None:
        """Let the object live for ever; raises `NotFound`."""
        Objects(type(self)).persist(self)

    async def apersist(self) -> None:
        """`persist`, awaited."""
        await Objects(type(self)).apersist(self)

    @classmethod
    def match(cls: type[T], /, **lookups: Any) -> T:
        """The one object that meets the lookups; raises `NotFound`, `MultipleFound`. See `Objects.match`."""
        return Objects(cls).match(**lookups)

    @classmethod
    async def amatch(cls: type[T], /, **lookups: Any) -> T:
        """`match`, awaited."""
        return await Objects(cls).amatch(**lookups)

    @classmethod
    def match_for_pk(cls: type[T], pk: Any) -> T:
        """The object with a primary key; raises `NotFound`."""
        return Objects(cls).match_for_pk(pk)

    @classmethod
    async def amatch_for_pk(cls: type[T], pk: Any) -> T:
        """`match_for_pk`, awaited."""
        return await Objects(cls).amatch_for_pk(pk)

    @classmethod
    def match_for_values(cls: type[T], /, **lookups: Any) -> T:
        """The one object that meets the lookups, whatever its key; raises `NotFound`, `MultipleFound`."""
        return Objects(cls).match_for_values(**lookups)

    @classmethod
    async def amatch_for_values(cls: type[T], /, **lookups: Any) -> T:
        """`match_for_values`, awaited."""
        return await Objects(cls).amatch_for_values(**lookups)

    @classmethod
    def all(cls: type[T]) -> ResultSet[T]:
        """All objects, lazily."""
        return Objects(cls).all()

    @classmethod
    def filter(cls: type[T], /, *conditions: Q, **lookups: Any) -> ResultSet[T]:
        """The objects that meet all of the conditions, lazily; see `ResultSet`."""
        return Objects(cls).filter(*conditions, **lookups)

    @classmethod
    def exclude(cls: type[T], /, *conditions: Q, **lookups: Any) -> ResultSet[T]:
        """The objects that `filter` would not give, lazily."""
        return Objects(cls).exclude(*conditions, **lookups)

    @classmethod
    def order_by(cls: type[T], *names: str) -> ResultSet[T]:
        """All objects in an order, lazily."""
        return Objects(cls).order_by(*names)

    @classmethod
    def count(cls, /, *conditions: Q, **lookups: Any) -> int:
        """How many objects meet all of the conditions."""
        return Objects(cls).count(*conditions, **lookups)

    @classmethod
    async def acount(cls, /, *conditions: Q, **lookups: Any) -> int:
        """`count`, awaited."""
        return await Objects(cls).acount(*conditions, **lookups)

    @classmethod
    def get_or_set(cls: type[T], defaults: dict[str, Any] | None = None, /, **values: Any) -> tuple[T, bool]:
        """The object with the key that the values make, else a new one; and whether it is new."""
        return Objects(cls).get_or_set(defaults, **values)

    @classmethod
    async def aget_or_set(cls: type[T], defaults: dict[str, Any] | None = None, /, **values: Any) -> tuple[T, bool]:
        """`get_or_set`, awaited."""
        return await Objects(cls).aget_or_set(defaults, **values)

    @classmethod
    def update_or_set(cls: type[T], defaults: dict[str, Any] | None = None, /, **values: Any) -> tuple[T, bool]:
        """Change the object with the key that the values make to ``defaults``, else store a new one."""
        return Objects(cls).update_or_set(defaults, **values)

    @classmethod
    async def aupdate_or_set(cls: type[T], defaults: dict[str, Any] | None = None, /, **values: Any) -> tuple[T, bool]:
        """`update_or_set`, awaited."""
        return await Objects(cls).aupdate_or_set(defaults, **values)

    @classmethod
    def set_many(
        cls: type[T],
        instances: Iterable[T],
        *,
        batch: int = 250,
        expire: int | None = None,
        on_error: Callable[[int, T, Exception], None] | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> int:
        """Keep instances, a batch a round trip; gives how many. See `Objects.set_many`."""
        return Objects(cls).set_many(instances, batch=batch, expire=expire, on_error=on_error, on_progress=on_progress)

    @classmethod
    async def aset_many(
        cls: type[T],
        instances: Iterable[T],
        *,
        batch: int = 250,
        expire: int | None = None,
        on_error: Callable[[int, T, Exception], None] | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> int:
        """`set_many`, awaited."""
        return await Objects(cls).aset_many(
            instances, batch=batch, expire=expire, on_error=on_error, on_progress=on_progress
        )

    @classmethod
    def get_many(cls: type[T], pks: Iterable[Any]) -> list[T | None]:
        """The objects with these primary keys, in their order, None for what is missing."""
        return Objects(cls).get_many(pks)

    @classmethod
    async def aget_many(cls: type[T], pks: Iterable[Any]) -> list[T | None]:
        """`get_many`, awaited."""
        return await Objects(cls).aget_many(pks)

    @classmethod
    def prefetch(cls: type[T], instances: Iterable[T], *names: str) -> None:
        """Load what these references of instances refer to; ``filter(…).prefetch(…)`` does so with the rows."""
        return Objects(cls).prefetch(instances, *names)

    @classmethod
    async def aprefetch(cls: type[T], instances: Iterable[T], *names: str) -> None:
        """`prefetch`, awaited."""
        return await Objects(cls).aprefetch(instances, *names)

    @classmethod
    def delete_many(cls, pks: Iterable[Any]) -> int:
        """Remove the objects with these primary keys, or these instances; gives how many there were."""
        return Objects(cls).delete_many(pks)

    @classmethod
    async def adelete_many(cls, pks: Iterable[Any]) -> int:
        """`delete_many`, awaited."""
        return await Objects(cls).adelete_many(pks)

    @classmethod
    def delete_all(cls) -> int:
        """Remove every object of the model; gives how many there were."""
        return Objects(cls).delete_all()

    @classmethod
    async def adelete_all(cls) -> int:
        """`delete_all`, awaited."""
        return await Objects(cls).adelete_all()

    @classmethod
    def delete_filter(cls, /, *conditions: Q, **lookups: Any) -> int:
        """Remove the objects that meet the conditions; gives how many there were."""
        return Objects(cls).delete_filter(*conditions, **lookups)

    @classmethod
    async def adelete_filter(cls, /, *conditions: Q, **lookups: Any) -> int:
        """`delete_filter`, awaited."""
        return await Objects(cls).adelete_filter(*conditions, **lookups)

    @classmethod
    def convert_stored(
        cls,
        *,
        source: type[Any] | None = None,
        to: str = "json",
        batch: int = 500,
        dry_run: bool = False,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> Converted:
        """Turn strings of redis-schematics into JSON documents, or move another model's objects here.

        See `Objects.convert_stored`.
        """
        return Objects(cls).convert_stored(source=source, to=to, batch=batch, dry_run=dry_run, on_progress=on_progress)

    @classmethod
    async def aconvert_stored(
        cls,
        *,
        source: type[Any] | None = None,
        to: str = "json",
        batch: int = 500,
        dry_run: bool = False,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> Converted:
        """`convert_stored`, awaited."""
        return await Objects(cls).aconvert_stored(
            source=source, to=to, batch=batch, dry_run=dry_run, on_progress=on_progress
        )


class IndexOf:
    """``IceCream.index``: the index of the class that is asked."""

    def __get__(self, instance: Any, owner: type[Any]) -> Index:
        from .index import Index

        return Index(owner)


class SearchRedisMixin(BaseRedisMixin):
    """Keeps each object as a JSON document, indexed by RediSearch."""

    __storage__ = Layer(".storage.json_document", "JsonDocuments")

    #: The index, to see and to mend: see `rs_search.index.Index`.
    index = IndexOf()


class SimpleRedisMixin(BaseRedisMixin):
    """Keeps each object as one string, as redis-schematics does: keys and texts are the same."""

    __storage__ = Layer(".storage.string", "JsonStrings")


class HashRedisMixin(BaseRedisMixin):
    """Keeps all objects of a type in one hash, as redis-schematics does: fields and texts are the same."""

    __storage__ = Layer(".storage.type_hash", "TypeHash")

    @property
    def __set_key__(self) -> str:
        """The hash that holds the object; override it to spread objects over several hashes, under the prefix."""
        from .options import options_of

        return options_of(type(self)).default_set_key


class DistributedRedisMixin(BaseRedisMixin):
    """Keeps each field under a key of its own: fields are read, written and expire on their own."""

    __storage__ = Layer(".storage.field_keys", "FieldKeys")


class SearchRedisModel(Model, SearchRedisMixin):  # type: ignore[misc]
    """A schematics model with a ``pk`` and `SearchRedisMixin`."""

    pk = StringType()


class SimpleRedisModel(Model, SimpleRedisMixin):  # type: ignore[misc]
    """A schematics model with a ``pk`` and `SimpleRedisMixin`."""

    pk = StringType()


class HashRedisModel(Model, HashRedisMixin):  # type: ignore[misc]
    """A schematics model with a ``pk`` and `HashRedisMixin`."""

    pk = StringType()


class DistributedRedisModel(Model, DistributedRedisMixin):  # type: ignore[misc]
    """A schematics model with a ``pk`` and `DistributedRedisMixin`."""

    pk = StringType()
