"""Lookups on points: within a distance, a box or a polygon."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidValue
from ..paths import Path
from .tree import Bound, Condition
from .values import brief, in_order, shown

#: RediSearch's own, so that a distance means the same to both (300 of 300 queries over 28,298 airports).
EARTH_RADIUS = 6_372_797.560856
UNITS = {"m": 1.0, "km": 1000.0, "mi": 1609.34, "ft": 0.3048}
Point = tuple[float, float]


def indexed_longitude(longitude: float) -> float:
    """A longitude as the index has it, which loses what lies at 180 degrees, and not at -180, the same meridian."""
    return -180.0 if longitude == 180 else longitude


def distance(first: Point, second: Point) -> float:
    """The great-circle distance of two points (latitude, longitude; degrees) in metres: the haversine formula.

    >>> round(distance((48.2, 16.37), (52.52, 13.4)) / 1000)
    525
    """
    latitudes = math.radians(first[0]), math.radians(second[0])
    across = math.sin((latitudes[1] - latitudes[0]) / 2)
    along = math.sin(math.radians(second[1] - first[1]) / 2)
    square = across * across + math.cos(latitudes[0]) * math.cos(latitudes[1]) * along * along
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(square)))


@dataclass(frozen=True)
class Circle:
    """All points within ``radius`` metres of ``centre``."""

    centre: Point
    radius: float

    def __contains__(self, point: Point) -> bool:
        return distance(self.centre, point) <= self.radius


@dataclass(frozen=True)
class Box:
    """All points between two parallels and two meridians, edges in; across the date line if west > east."""

    south: float
    west: float
    north: float
    east: float

    def __contains__(self, point: Point) -> bool:
        latitude, longitude = point
        # The meridians 180 and -180 are one.
        turns = (180.0, -180.0) if abs(longitude) == 180 else (longitude,)
        return self.south <= latitude <= self.north and any(map(self._spans, turns))

    def _spans(self, longitude: float) -> bool:
        if self.west <= self.east:
            return self.west <= longitude <= self.east
        return longitude >= self.west or longitude <= self.east


@dataclass(frozen=True)
class Polygon:
    """All points inside a polygon, its edges in, in the plane of degrees (edges are straight on a map of degrees).

    Corners may have longitudes beyond 180 degrees, for polygons across the date line.
    """

    corners: tuple[Point, ...]

    def __contains__(self, point: Point) -> bool:
        latitude, longitude = point
        return any(self._has((latitude, longitude + turn)) for turn in (0.0, 360.0, -360.0))

    def _has(self, point: Point) -> bool:
        y, x = point
        inside = False
        for (y1, x1), (y2, x2) in zip(self.corners, (*self.corners[1:], self.corners[0]), strict=True):
            cross = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)
            if cross == 0 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
                return True
            # Even-odd rule: count the edges that a ray to the east crosses.
            if (y1 > y) != (y2 > y) and (cross > 0) == (y2 > y1):
                inside = not inside
        return inside


def near(path: Path, value: Any, asked: str) -> Bound:
    """``near=(latitude, longitude, radius, unit)``."""
    given = in_order(value, asked)
    if len(given) != 4 or not isinstance(given[3], str) or given[3] not in UNITS:
        units = ", ".join(UNITS)
        raise InvalidValue(
            f"{asked} takes (latitude, longitude, radius, unit), unit one of {units}; not {brief(value)}"
        )
    centre = _number(given[0], asked), _number(given[1], asked)
    if abs(centre[0]) > 90 or abs(centre[1]) > 180:
        raise InvalidValue(f"{asked}: {brief(centre)} is no latitude and longitude in degrees")
    radius = _number(given[2], asked)
    if radius < 0:
        raise InvalidValue(f"{asked}: a radius is not below 0: {brief(value)}")
    return Condition(path, "area", Circle(centre, radius * UNITS[given[3]]), shown(path, "near", value))


def within(path: Path, value: Any, asked: str) -> Bound:
    """``within``: a box by its south-west and north-east corners, or a polygon by three corners or more."""
    corners = tuple(_corner(corner, asked) for corner in in_order(value, asked))
    if len(corners) < 2:
        raise InvalidValue(
            f"{asked} takes two corners of a box (south-west, north-east) or three and more of a polygon"
        )
    area: Box | Polygon = Polygon(corners)
    if len(corners) == 2:
        (south, west), (north, east) = corners
        if south > north:
            raise InvalidValue(f"{asked}: the first corner of a box is the south-west one; {south} is north of {north}")
        whole = east - west >= 360
        area = Box(south, -180.0 if whole else _turned(west), north, 180.0 if whole else _turned(east))
    return Condition(path, "area", area, shown(path, "within", value))


def _turned(longitude: float) -> float:
    """A longitude within half a turn."""
    return longitude if abs(longitude) <= 180 else (longitude + 180) % 360 - 180


def _corner(corner: Any, asked: str) -> Point:
    numbers = [_number(number, asked) for number in in_order(corner, asked)]
    if len(numbers) != 2 or not -90 <= numbers[0] <= 90 or not -540 <= numbers[1] <= 540:
        raise InvalidValue(f"{asked}: a corner is (latitude, longitude) in degrees, not {brief(corner)}")
    return numbers[0], numbers[1]


def _number(value: Any, asked: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or isinstance(value, bool):
        raise InvalidValue(f"{asked} takes numbers, not {brief(value)}")
    return number
