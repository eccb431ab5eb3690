"""Areas as circles that hold all of them: RediSearch finds points by circles only."""

from __future__ import annotations

import math

from ..query.points import EARTH_RADIUS, Box, Circle, Polygon

#: RediSearch 2.10.5 silently loses points of circles that are large or near a pole (10 of 900 circles of up to
#: 1,000 km and 5 of 100 above 4,300 km); within these limits it lost none of 60,000 in 2,400 circles.
LARGEST_RADIUS = 1_000_000.0
FARTHEST_LATITUDE = 75.0
METRES_A_DEGREE = 111_000.0


def complete_on_server(circle: Circle) -> bool:
    """Whether the server finds every point in the circle."""
    reach = abs(circle.centre[0]) + circle.radius / METRES_A_DEGREE
    return circle.radius <= LARGEST_RADIUS and reach <= FARTHEST_LATITUDE


def enclosing(area: Circle | Box | Polygon) -> Circle | None:
    """A circle around the area; None where it spans more than half of a parallel."""
    if isinstance(area, Circle):
        return area
    if isinstance(area, Box):
        width = area.east - area.west
        return _around(area.south, area.north, area.west, width if width >= 0 else width + 360)
    latitudes, longitudes = zip(*area.corners, strict=True)
    return _around(min(latitudes), max(latitudes), min(longitudes), max(longitudes) - min(longitudes))


def _around(south: float, north: float, west: float, width: float) -> Circle | None:
    if width > 180:
        return None
    latitude, longitude = (south + north) / 2, (west + width / 2 + 180) % 360 - 180
    # The farthest point of a box is on a side; a bound for its haversine takes the widest parallel between.
    widest = 1.0 if south <= 0 <= north else math.cos(math.radians(min(abs(south), abs(north))))
    across = math.sin(math.radians(north - south) / 4)
    along = math.sin(math.radians(width) / 4)
    square = across * across + widest * math.cos(math.radians(latitude)) * along * along
    return Circle((latitude, longitude), 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(square))))
