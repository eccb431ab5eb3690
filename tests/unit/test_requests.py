"""Streams: changed batch by batch, stopped early, and closed whatever happens."""

from __future__ import annotations

from typing import Any

import pytest

from rs_search.errors import ServerError
from rs_search.operations.requests import (
    ASK,
    Command,
    Deliver,
    Direct,
    Operation,
    Stream,
    command,
    consume,
    step_by_step,
    then,
    through,
)


class Told:
    """A stream of numbers that remembers what it was sent."""

    def __init__(self, batches: int) -> None:
        self.batches, self.replies, self.closed = batches, list[Any](), False

    def stream(self) -> Stream:
        try:
            for number in range(self.batches):
                try:
                    self.replies.append((yield command("GET", number)))
                except ServerError as error:
                    self.replies.append(str(error))
                yield Deliver([number, number + 10])
        finally:
            self.closed = True


def driven(operation: Any, *answers: Any) -> tuple[list[Any], Any]:
    """What an operation asks for and delivers, when it is given these replies; errors are thrown in."""
    asked: list[Any] = []
    replies = list(answers)
    try:
        request = next(operation)
        while True:
            asked.append(request.rows if isinstance(request, Deliver) else request.arguments[-1])
            reply = None if isinstance(request, Deliver) else replies.pop(0)
            request = operation.throw(reply) if isinstance(reply, Exception) else operation.send(reply)
    except StopIteration as stop:
        assert not replies
        return asked, stop.value


def test_batches_are_changed_and_requests_passed_on() -> None:
    told = Told(2)
    asked, _ = driven(through(told.stream(), lambda rows: ([row * 2 for row in rows], False)), "a", "b")
    assert asked == [0, [0, 20], 1, [2, 22]]
    assert (told.replies, told.closed) == (["a", "b"], True)


def test_a_batch_may_be_left_out() -> None:
    asked, _ = driven(through(Told(2).stream(), lambda rows: (None if rows[0] == 0 else rows, False)), "a", "b")
    assert asked == [0, 1, [1, 11]]


def test_an_empty_batch_is_one_yet() -> None:
    assert driven(through(Told(1).stream(), lambda rows: ([], False)), "a")[0] == [0, []]


def test_what_is_enough_ends_the_stream_after_its_batch() -> None:
    told = Told(3)
    asked, _ = driven(through(told.stream(), lambda rows: (rows, rows[0] == 1)), "a", "b")
    assert asked == [0, [0, 10], 1, [1, 11]]
    assert (told.replies, told.closed) == (["a", "b"], True)


def test_an_error_of_a_request_is_thrown_into_the_stream() -> None:
    told = Told(2)
    asked, _ = driven(through(told.stream(), lambda rows: (rows, False)), ServerError("no"), "b")
    assert asked == [0, [0, 10], 1, [1, 11]]
    assert told.replies == ["no", "b"]


def test_an_error_that_the_stream_does_not_mend_comes_out() -> None:
    closed: list[bool] = []

    def fails() -> Stream:
        try:
            yield command("GET", 1)
        finally:
            closed.append(True)

    with pytest.raises(ServerError, match="no"):
        driven(consume(fails(), lambda rows: False), ServerError("no"))
    assert closed == [True]


def test_an_error_of_what_changes_the_batches_closes_the_stream() -> None:
    told = Told(1)
    with pytest.raises(ZeroDivisionError):
        driven(consume(told.stream(), lambda rows: bool(1 // 0)), "a")
    assert told.closed


def test_a_stream_that_is_left_is_closed_within() -> None:
    told = Told(2)
    running = through(told.stream(), lambda rows: (rows, False))
    next(running)
    running.close()
    assert told.closed


def test_consumed_batches_are_taken_until_there_are_enough() -> None:
    taken: list[list[int]] = []

    def take(rows: list[int]) -> bool:
        taken.append(rows)
        return len(taken) == 2

    told = Told(5)
    assert driven(consume(told.stream(), take), "a", "b") == ([0, 1], None)
    assert (taken, told.closed) == ([[0, 10], [1, 11]], True)


def test_a_stream_of_nothing_ends_at_once() -> None:
    assert driven(consume(Told(0).stream(), lambda rows: False)) == ([], None)
    assert isinstance(command("GET"), Command)


# --- one command, or an operation -------------------------------------------------------------------------------------


def counting(most: int) -> Operation[int]:
    """Asks again while the reply is greater than ``most``."""
    reply = yield command("COUNT", most)
    while reply > most:
        reply = yield command("COUNT", reply)
    return int(reply)


def directly(most: int) -> Direct:
    return Direct(
        ("COUNT", most),
        lambda reply: reply if reply <= most else counting(reply - 1),
        lambda: counting(most),
    )


def test_what_is_made_of_an_operation_is_made_of_its_result() -> None:
    assert driven(then(counting(3), str), 9, 2) == ([3, 9], "2")


def test_what_is_made_of_one_command_is_made_of_its_result_however_that_comes() -> None:
    made = then(directly(3), str)
    assert isinstance(made, Direct)
    assert (made.arguments, made.role) == (("COUNT", 3), ASK)
    assert made.answer(2) == "2"
    assert driven(made.answer(9), 8) == ([8], "8")
    assert driven(made.again(), 1) == ([3], "1")


def test_one_command_can_be_part_of_an_operation() -> None:
    assert driven(step_by_step(directly(3)), 5, 3) == ([3, 5], 3)
    operation = counting(1)
    assert step_by_step(operation) is operation
    operation.close()
