"""What type checkers must know; checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Iterator
from typing import Any

import redis
import redis.asyncio
from schematics.models import Model
from schematics.types import StringType
from typing_extensions import assert_type

from rs_search import Converted, F, Objects, Q, ResultSet, SearchRedisMixin, SimpleRedisModel, objects, transaction
from rs_search.index import Index
from rs_search.operations.index_admin import Rebuilt
from rs_search.operations.index_health import IndexStatus, Verified
from rs_search.planner.explain import Explanation


class Ice(Model, SearchRedisMixin):  # type: ignore[misc]
    pk = StringType()


class Called(Ice):
    __redis_client__ = redis.Redis()


class Awaited(Ice):
    __redis_client__ = redis.asyncio.Redis()


def client() -> redis.asyncio.Redis:
    return redis.asyncio.Redis()


class Asked(Ice):
    __redis_client__ = client


class Simple(SimpleRedisModel):
    flavour = StringType()


def called(ice: Ice) -> None:
    assert_type(Ice.match(pk="x"), Ice)
    assert_type(Ice.filter(pk="x"), ResultSet[Ice])
    assert_type(Ice.filter(Q(pk="x"))[0], Ice)
    assert_type(Ice.filter()[1:3], ResultSet[Ice])
    assert_type(Ice.filter().first(), Ice | None)
    assert_type(Ice.filter().get(pk="x"), Ice)
    assert_type(Ice.filter().count(), int)
    assert_type(Ice.filter().values("pk"), ResultSet[dict[str, Any]])
    assert_type(Ice.filter().in_bulk(), dict[str, Ice])
    assert_type(Ice.filter().exclude(pk="x").order_by("pk").reverse().distinct(), ResultSet[Ice])
    assert_type(Ice.filter().prefetch("pk") | Ice.all(), ResultSet[Ice])
    assert_type(Ice.filter().only("pk"), ResultSet[Ice])
    assert_type(Ice.filter().values_list("pk", flat=True), ResultSet[Any])
    assert_type(Ice.filter().values("pk").first(), dict[str, Any] | None)
    assert_type(Ice.filter().iterator(), Iterator[Ice])
    assert_type(Ice.filter().exists(), bool)
    assert_type(Ice.filter().update(pk=F("pk")), int)
    assert_type(Ice.filter().explain(), Explanation)
    assert_type(Ice.match_for_pk("x"), Ice)
    assert_type(Ice.match_for_values(pk="x"), Ice)
    assert_type(Ice.set_many([ice]), int)
    assert_type(Ice.convert_stored(), Converted)
    assert_type(Ice.get_many(["x"]), list[Ice | None])
    assert_type(Ice.get_or_set(pk="x"), tuple[Ice, bool])
    assert_type(ice.set(), bool)
    assert_type(ice.update(pk="x"), Ice)
    assert_type(objects(Ice), Objects[Ice])
    assert_type(objects(Ice).match(pk="x"), Ice)
    assert_type(Ice.index, Index)
    assert_type(Ice.index.status(), IndexStatus)
    assert_type(Ice.index.verify(), Verified)
    assert_type(Ice.index.rebuild(), Rebuilt)
    assert_type(Ice.index.drop(), bool)
    assert_type(Simple.match(pk="x"), Simple)
    assert_type(Awaited.filter(), ResultSet[Awaited])
    assert_type(transaction().run(lambda: 5), int)
    for one in Ice.all():
        assert_type(one, Ice)


async def awaited(ice: Ice) -> None:
    waiting: Awaitable[Ice] = Ice.amatch(pk="x")
    assert_type(await waiting, Ice)
    assert_type(await Ice.amatch(pk="x"), Ice)
    assert_type(await Ice.amatch_for_pk("x"), Ice)
    assert_type(await Ice.amatch_for_values(pk="x"), Ice)
    assert_type(await Simple.amatch(pk="x"), Simple)
    assert_type(await Ice.filter(pk="x").values("pk"), list[dict[str, Any]])
    assert_type(await Ice.filter(pk="x")[1:3], list[Ice])
    assert_type(Ice.filter().aiterator(), AsyncGenerator[Ice, None])
    assert_type(await Ice.filter().aexists(), bool)
    assert_type(await Ice.filter().aupdate(pk="x"), int)
    assert_type(await Ice.filter().aexplain(), Explanation)
    assert_type(await Ice.aset_many([ice]), int)
    assert_type(await Ice.aconvert_stored(), Converted)
    assert_type(await Ice.index.astatus(), IndexStatus)
    assert_type(await Ice.index.averify(), Verified)
    assert_type(await Ice.index.arebuild(), Rebuilt)
    assert_type(await Ice.index.adrop(), bool)
    assert_type(await Ice.filter(pk="x"), list[Ice])
    assert_type(await Ice.filter().afirst(), Ice | None)
    assert_type(await Ice.filter().aget(pk="x"), Ice)
    assert_type(await Ice.filter().acount(), int)
    assert_type(await Ice.filter().ain_bulk(), dict[str, Ice])
    assert_type(await Ice.aget_many(["x"]), list[Ice | None])
    assert_type(await Ice.aget_or_set(pk="x"), tuple[Ice, bool])
    assert_type(await ice.aset(), bool)
    assert_type(await ice.aupdate(pk="x"), Ice)
    assert_type(await objects(Ice).amatch(pk="x"), Ice)
    async for one in Ice.all():
        assert_type(one, Ice)
    async for values in Ice.all().values("pk"):
        assert_type(values, dict[str, Any])
    async with transaction(watch=[ice]):
        await ice.aset()
    assert_type(await kept(ice), bool)
    assert_type(await transaction(retries=2).arun(ice.aset), bool)


@transaction(retries=2)
async def kept(ice: Ice) -> bool:
    return await ice.aset()


def wrong(ice: Ice) -> None:
    print(Ice.amatch(pk="x").pk)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    Ice.match_for_pk()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ice.set(expire="soon")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(Ice.filter().first().pk)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
