"""The mixins: ``class IceCream(models.Model, SearchRedisMixin)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from schematics.models import Model
from schematics.types import StringType

from .objects import Objects
from .options import SearchOptions
from .query.queryset import ResultSet
from .query.tree import Q

if TYPE_CHECKING:
    import redis

T = TypeVar("T", bound="SearchRedisMixin")


class SearchRedisMixin:
    """Keeps each object of a schematics model as a JSON document, indexed by RediSearch.

    A field named like one of these methods wins over it; ``objects(Model)`` then has the method still:
    ``objects(Model).filter(…)``, ``objects(Model).set(instance)``.
    """

    __redis_client__: ClassVar[redis.Redis | Callable[..., redis.Redis] | None] = None
    """A client, or a function that gives one at each call; None takes `connect`'s."""
    __expire__: ClassVar[int | None] = None
    """Seconds an object lives after `set`; None is for ever."""
    __prefix__: ClassVar[Any] = None
    """What keys begin with; None takes the class's name."""
    __unique_together__: ClassVar[tuple[str, ...] | None] = None
    """Fields whose values make the key of an object without ``pk`` and ``id``."""
    __unique_args__: ClassVar[tuple[str, ...] | None] = None
    """redis-schematics' name for ``__unique_together__``."""
    __strict_performance__: ClassVar[bool] = False
    """Refuse queries that would read the whole collection."""
    __index__: ClassVar[dict[str, SearchOptions] | None] = None
    """`search_options` of fields, by path."""

    @property
    def key(self) -> str:
        """The object's key in Redis."""
        return Objects(type(self)).key(self)

    @property
    def __primary_key__(self) -> str | None:
        """The object's primary key as text: ``pk``, else ``id``, else ``__unique_together__``."""
        return Objects(type(self)).primary_key(self)

    def set(self) -> None:
        """Validate the object and keep it; see `Objects.set`."""
        Objects(type(self)).set(self)

    def refresh(self) -> None:
        """Take over what is stored; raises `NotFound`. See `Objects.refresh`."""
        Objects(type(self)).refresh(self)

    def delete(self) -> bool:
        """Remove the object; tells whether it was there."""
        return Objects(type(self)).delete(self)

    @classmethod
    def match(cls: type[T], **lookups: Any) -> T:
        """The one object that meets the lookups; raises `NotFound`, `MultipleFound`. See `Objects.match`."""
        return Objects(cls).match(**lookups)

    @classmethod
    def match_for_pk(cls: type[T], pk: Any) -> T:
        """The object with a primary key; raises `NotFound`."""
        return Objects(cls).match_for_pk(pk)

    @classmethod
    def match_for_values(cls: type[T], **lookups: Any) -> T:
        """The one object that meets the lookups, whatever its key; raises `NotFound`, `MultipleFound`."""
        return Objects(cls).match_for_values(**lookups)

    @classmethod
    def all(cls: type[T]) -> ResultSet[T]:
        """All objects, lazily."""
        return Objects(cls).all()

    @classmethod
    def filter(cls: type[T], *conditions: Q, **lookups: Any) -> ResultSet[T]:
        """The objects that meet all of the conditions, lazily; see `ResultSet`."""
        return Objects(cls).filter(*conditions, **lookups)

    @classmethod
    def exclude(cls: type[T], *conditions: Q, **lookups: Any) -> ResultSet[T]:
        """The objects that `filter` would not give, lazily."""
        return Objects(cls).exclude(*conditions, **lookups)

    @classmethod
    def order_by(cls: type[T], *names: str) -> ResultSet[T]:
        """All objects in an order, lazily."""
        return Objects(cls).order_by(*names)

    @classmethod
    def count(cls, *conditions: Q, **lookups: Any) -> int:
        """How many objects meet all of the conditions."""
        return Objects(cls).count(*conditions, **lookups)

    @classmethod
    def delete_all(cls) -> int:
        """Remove every object of the model; gives how many there were."""
        return Objects(cls).delete_all()

    @classmethod
    def delete_filter(cls, *conditions: Q, **lookups: Any) -> int:
        """Remove the objects that meet the conditions; gives how many there were."""
        return Objects(cls).delete_filter(*conditions, **lookups)


class SearchRedisModel(Model, SearchRedisMixin):  # type: ignore[misc]
    """A schematics model with a ``pk`` and `SearchRedisMixin`."""

    pk = StringType()
