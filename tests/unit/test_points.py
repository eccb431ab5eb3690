"""Places: distances, boxes and polygons; and the circles around them that the index is asked for."""

from __future__ import annotations

import math
from typing import Any

import pytest
from fixtures.models import Everything
from hypothesis import given
from hypothesis import strategies as st

from rs_search.planner.areas import FARTHEST_LATITUDE, LARGEST_RADIUS, complete_on_server, enclosing
from rs_search.query.bind import bind_lookup
from rs_search.query.points import EARTH_RADIUS, Box, Circle, Polygon, distance

SQUARE = ((0.0, 0.0), (0.0, 2.0), (2.0, 2.0), (2.0, 0.0))
#: A U, open to the north.
HOLLOW = ((0.0, 0.0), (0.0, 6.0), (6.0, 6.0), (6.0, 4.0), (2.0, 4.0), (2.0, 2.0), (6.0, 2.0), (6.0, 0.0))
ACROSS = ((-1.0, 179.0), (-1.0, 181.0), (1.0, 181.0), (1.0, 179.0))


def bug(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, reason=f"bug: {reason}")


@pytest.mark.parametrize(
    ("first", "second", "metres"),
    [
        ((0, 0), (0, 0), 0),
        ((0, 0), (0, 180), math.pi * EARTH_RADIUS),
        ((90, 0), (-90, 77), math.pi * EARTH_RADIUS),
        ((0, 0), (0, 90), math.pi * EARTH_RADIUS / 2),
        ((0, 179.5), (0, -179.5), math.pi * EARTH_RADIUS / 180),
        ((90, 0), (90, 120), 0),
        ((45, 7), (46, 7), math.pi * EARTH_RADIUS / 180),
    ],
)
def test_a_distance_is_along_a_great_circle(first: Any, second: Any, metres: float) -> None:
    assert distance(first, second) == pytest.approx(metres, abs=1e-6)
    assert distance(second, first) == pytest.approx(metres, abs=1e-6)


@pytest.mark.parametrize(
    ("area", "inside", "outside"),
    [
        (Circle((48.2, 16.37), 0.0), [(48.2, 16.37)], [(48.2, 16.3700001)]),
        (Circle((0, 180), 200_000), [(0, -179), (1, 179)], [(0, -178), (0, 0)]),
        (Box(0, 0, 2, 2), [(0, 0), (2, 2), (0, 2), (1, 1)], [(-0.1, 1), (2.1, 1), (1, -0.1), (1, 2.1)]),
        (Box(0, 179, 2, -179), [(1, 179), (1, 180), (1, -180), (1, -179)], [(1, 178.9), (1, -178.9), (1, 0), (3, 180)]),
        (Box(0, 5, 2, 5), [(1, 5)], [(1, 5.1)]),
        (Box(-90, -180, 90, 180), [(90, 180), (-90, -180), (0, 0)], []),
        (Polygon(SQUARE), [(1, 1), (0, 0), (2, 2), (0, 1), (1, 2), (2, 1), (1, 0)], [(-0.1, 1), (1, 2.1), (2.1, 2)]),
        (Polygon(SQUARE[::-1]), [(1, 1), (0, 0), (1, 2)], [(1, 2.1)]),
        (Polygon(HOLLOW), [(1, 3), (5, 1), (5, 5), (2, 3), (4, 2)], [(5, 3), (2.1, 3), (7, 1), (0, -1)]),
        (Polygon(((0, 0), (0, 3), (3, 0))), [(1, 1), (1.5, 1.5)], [(2, 2), (1.6, 1.5)]),
        (Polygon(ACROSS), [(0, 179.5), (0, 180), (0, -180), (0, -179.5), (1, -179)], [(0, 178.9), (0, -178.9), (0, 0)]),
        (Polygon(tuple((y, x - 360) for y, x in ACROSS)), [(0, 179.5), (0, -179.5)], [(0, 0)]),
        (Polygon(((0, 0), (0, 0), (0, 0))), [(0, 0)], [(0, 0.1), (1, 0)]),
        (Polygon(((0, 0), (0, 2), (0, 1))), [(0, 1), (0, 2)], [(0.1, 1), (0, 2.1)]),
    ],
    ids=str,
)
def test_an_area_holds_its_edges_and_what_is_between(area: Any, inside: list[Any], outside: list[Any]) -> None:
    assert [point for point in inside if point not in area] == []
    assert [point for point in outside if point in area] == []


@pytest.mark.parametrize("corners", [((0, 170), (10, 190)), ((0, -190), (10, -170))])
def test_a_box_may_have_corners_beyond_the_date_line_as_polygons_may(corners: Any) -> None:
    area: Any = bind_lookup(Everything, "point__within", corners)
    assert (5, 175) in area.value
    assert (5, -175) in area.value


angles = st.integers(-3, 3).map(float)


@given(st.tuples(angles, angles), st.lists(st.tuples(angles, angles), min_size=3, max_size=3))
def test_a_triangle_holds_what_is_on_one_side_of_all_its_edges(point: Any, corners: list[Any]) -> None:
    def side(a: Any, b: Any) -> float:
        return float((b[1] - a[1]) * (point[0] - a[0]) - (b[0] - a[0]) * (point[1] - a[1]))

    turns = [side(a, b) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)]
    within = all(turn >= 0 for turn in turns) or all(turn <= 0 for turn in turns)
    low = [min(one[axis] for one in corners) for axis in (0, 1)]
    high = [max(one[axis] for one in corners) for axis in (0, 1)]
    # Of corners in a line, what is on the line and between them.
    within = within and all(low[axis] <= point[axis] <= high[axis] for axis in (0, 1))
    assert (point in Polygon(tuple(corners))) is within


# --- circles around areas ---------------------------------------------------------------------------------------------


latitudes = st.floats(-89, 89)
longitudes = st.floats(-180, 180)
portions = st.floats(0, 1)


def turned(longitude: float) -> float:
    return (longitude + 180) % 360 - 180


def holds(circle: Circle, point: Any) -> bool:
    return distance(circle.centre, point) <= circle.radius * (1 + 1e-9) + 0.1


@given(latitudes, latitudes, longitudes, st.floats(0, 359), portions, portions)
def test_the_circle_around_a_box_holds_every_point_of_it(
    first: float, second: float, west: float, width: float, up: float, along: float
) -> None:
    south, north = sorted((first, second))
    box = Box(south, west, north, turned(west + width))
    point = (south + (north - south) * up, turned(west + width * along))
    circle = enclosing(box)
    assert (circle is None) is ((box.east - box.west) % 360 > 180)
    if circle is not None:
        assert holds(circle, point)


@given(st.lists(st.tuples(latitudes, st.floats(-270, 270)), min_size=3, max_size=6), st.lists(portions, min_size=6))
def test_the_circle_around_a_polygon_holds_its_corners_and_edges(corners: list[Any], shares: list[float]) -> None:
    circle = enclosing(Polygon(tuple(corners)))
    if circle is None:
        assert max(x for _, x in corners) - min(x for _, x in corners) > 180
        return
    for (y1, x1), (y2, x2), share in zip(corners, [*corners[1:], corners[0]], shares, strict=False):
        assert holds(circle, (y1 + (y2 - y1) * share, turned(x1 + (x2 - x1) * share)))


def test_a_box_around_the_whole_earth_has_no_circle() -> None:
    circle = enclosing(Box(0.0, -180.0, 1.0, 180.0))
    assert circle is None or holds(circle, (0.5, 0.0))


def test_a_circle_is_around_itself() -> None:
    circle = Circle((48.2, 16.37), 5.0)
    assert enclosing(circle) is circle


@pytest.mark.parametrize(
    ("circle", "expected"),
    [
        (Circle((0, 0), LARGEST_RADIUS), True),
        (Circle((0, 0), LARGEST_RADIUS + 1), False),
        (Circle((FARTHEST_LATITUDE, 0), 0), True),
        (Circle((FARTHEST_LATITUDE - 1, 0), 112_000), False),
        (Circle((-FARTHEST_LATITUDE + 1, 0), 112_000), False),
        (Circle((FARTHEST_LATITUDE - 1, 0), 110_000), True),
    ],
)
def test_the_server_is_asked_for_circles_of_which_it_loses_nothing(circle: Circle, expected: bool) -> None:
    assert complete_on_server(circle) is expected
