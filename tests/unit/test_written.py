"""Values as the Python that makes them."""

from __future__ import annotations

import datetime
import enum
import math
import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from fixtures.models import City, IceCream
from schematics.types import DateTimeType, StringType, UTCDateTimeType

from rs_search import Q
from rs_search.query.written import written


class Level(enum.IntEnum):
    HIGH = 3


NAMES = {"datetime": datetime, "Decimal": Decimal, "UUID": uuid.UUID, "re": re, "City": City, "Level": Level, "Q": Q,
         "IceCream": IceCream}  # fmt: skip
UTC = datetime.timezone.utc


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        "it's",
        b"x",
        1.5,
        math.inf,
        -math.inf,
        [math.inf, (1,), ()],
        Decimal("Infinity"),
        Level.HIGH,
        {"a": [Level.HIGH], "b c": (1, 2)},
        {1, 2},
        frozenset("x"),
        datetime.date(2024, 5, 1),
        datetime.datetime(2024, 5, 1, 12, tzinfo=UTC),
        DateTimeType().convert("2024-05-01T12:00:00+05:30"),
        UTCDateTimeType().convert("2024-05-01T12:00:00Z"),
        [DateTimeType().convert("2024-05-01T12:00:00Z")],
        datetime.timedelta(1, 2),
        uuid.UUID(int=5),
        re.compile("a", re.IGNORECASE),
        City({"name": "Rio", "tags": ["a"]}),
        [IceCream({"pk": "x", "amount_kg": 3}), None],
        {"name": Q(a=1) | Q(b=[City({"name": "Rio"})])},
    ],
    ids=repr,
)
def test_a_value_is_written_as_python_that_makes_its_equal(value: Any) -> None:
    assert eval(written(value), NAMES) == value


def test_a_text_of_a_class_of_its_own_prints_as_it_does() -> None:
    class Name(str):
        pass

    assert written(Name("x")) == "'x'"
    assert written(StringType) == repr(StringType)
