"""What type checkers must know; checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any

from schematics.models import Model
from schematics.types import StringType
from typing_extensions import assert_type

from rs_search import Objects, Q, ResultSet, SearchRedisMixin, objects, transaction


class Ice(Model, SearchRedisMixin):  # type: ignore[misc]
    pk = StringType()


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
    assert_type(Ice.get_many(["x"]), list[Ice | None])
    assert_type(Ice.get_or_set(pk="x"), tuple[Ice, bool])
    assert_type(ice.set(), bool)
    assert_type(ice.update(pk="x"), Ice)
    assert_type(objects(Ice), Objects[Ice])
    assert_type(objects(Ice).match(pk="x"), Ice)
    for one in Ice.all():
        assert_type(one, Ice)


async def awaited(ice: Ice) -> None:
    assert_type(await Ice.amatch(pk="x"), Ice)
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
    async with transaction():
        await ice.aset()


def wrong(ice: Ice) -> None:
    Ice.match_for_pk()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ice.set(expire="soon")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(Ice.filter().first().pk)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
