"""What the command line reads and prints, without a server."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from fixtures.models import City, Everything, IceCream

from rs_search import errors
from rs_search.cli import completion, conditions, failures, models, output, tables, transfer
from rs_search.cli.application import application
from rs_search.cli.base import Command, Group
from rs_search.operations.transfer import Line
from rs_search.query.bind import bind
from rs_search.query.conditions import Q
from rs_search.query.lookups import LOOKUPS
from rs_search.query.tree import describe
from rs_search.server.settings import SETTINGS, Found

TESTS = Path(__file__).parents[1]


def run(*words: str, **options: Any) -> Result:
    return CliRunner().invoke(application, words, **options)


# --- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("string", "[1]", "[1]"),
        ("string", "a=b", "a=b"),
        ("string__in", "a, b", ["a", "b"]),
        ("string__in", '["a, b", null]', ["a, b", None]),
        ("string__in", "", []),
        ("integer__range", "1,5", ["1", "5"]),
        ("integer__gte", "30", "30"),
        ("date__year__in", "2020,2021", ["2020", "2021"]),
        ("string__isnull", "TRUE", True),
        ("string__isnull", "false", False),
        ("strings__contains", "a,b", "a,b"),
        ("strings__contains", '["a", "b"]', ["a", "b"]),
        ("string__contains", '["a"]', '["a"]'),
        ("strings__overlap", "a,b", ["a", "b"]),
        ("strings__len__gt", "2", "2"),
        ("string__fuzzy", '["vanila", 2]', ["vanila", 2]),
        ("string__fuzzy", "vanila", "vanila"),
        ("point__near", "48.2,16.37,10,km", [48.2, 16.37, 10, "km"]),
        ("point__within", "[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("cities__match", '{"name": "Rio"}', {"name": "Rio"}),
        ("anything", "[1]", [1]),
        ("anything", "word", "word"),
        ("mapping__a", "5", "5"),
    ],
)
def test_a_value_is_read_by_what_the_lookup_takes(name: str, text: str, value: Any) -> None:
    assert conditions.value_for(Everything, name, text) == value
    bind(Everything, Q(**{name: value}))


def test_every_reader_is_of_a_lookup() -> None:
    assert set(conditions.READERS) <= {lookup.name for lookup in LOOKUPS} | {"match"}


def test_conditions_are_joined_and_a_name_may_come_twice() -> None:
    query = conditions.query_of(IceCream, ("amount_kg__ne=1", "amount_kg__ne=2"))
    assert describe(bind(IceCream, query)) == "not (amount_kg = '1') and not (amount_kg = '2')"


@pytest.mark.parametrize("assignment", ["amount_kg", "=5", ""])
def test_a_condition_without_a_name_or_a_value_is_refused(assignment: str) -> None:
    with pytest.raises(click.BadParameter, match="LOOKUP=VALUE"):
        conditions.query_of(IceCream, (assignment,))


def test_an_unknown_field_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(errors.UnknownField, match="amount_kg"):
        conditions.query_of(IceCream, ("amount_kgs=5",))


# --- models -----------------------------------------------------------------------------------------------------------


def test_a_model_is_found_by_its_module_and_class() -> None:
    assert models.ModelName().convert("fixtures.models:IceCream", None, None) is IceCream


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fixtures.models", "no package.module:Class"),
        ("fixtures.models:", "no package.module:Class"),
        ("fixtures.nothing:IceCream", "cannot be imported"),
        ("fixtures.models:IceCreams", "has no IceCreams; it has IceCream"),
        ("fixtures.models:City", "is no model with a mixin"),
        ("fixtures.models:FULL", "is no model with a mixin"),
    ],
)
def test_what_is_no_model_is_a_usage_error_in_one_line(name: str, told: str) -> None:
    result = run("get", name, "vanilla")
    assert result.exit_code == failures.USAGE
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_module_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_models.py").write_text("raise RuntimeError('two\\nlines')")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = run("get", "broken_models:Ice", "1")
    assert (result.exit_code, result.stderr.count("\n")) == (failures.USAGE, 1)
    assert "RuntimeError: two | lines" in result.stderr
    assert isinstance(run("get", "broken_models:Ice", "1", "--debug").exception, RuntimeError)


# --- what is printed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        ("a\tb\\", "a\\tb\\\\"),
        (1.5, "1.5"),
        (False, "false"),
        ({"a": ["ü", None]}, '{"a": ["ü", null]}'),
        (dt.date(2020, 1, 2), "2020-01-02"),
        (decimal.Decimal("1.10"), "1.10"),
        (City({"name": "Rio"}), '{"name": "Rio"}'),
    ],
)
def test_a_cell_is_one_word_of_a_tab_separated_line(value: Any, text: str) -> None:
    assert output.cell(value) == text


def test_progress_is_plain_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for seconds, told in ((0, "work: 1\nwork: 2 of 5\n"), (60, "")):
        monkeypatch.setattr(output, "TELL_EVERY", seconds)
        with output.progress("work") as tell:
            tell(1)
            tell(2, 5)
        assert capsys.readouterr().err == told


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("kind", "shown"), [("xterm", "work ━"), ("dumb", "work: 1 of 2\n")])
def test_progress_is_a_bar_on_a_terminal_that_can_draw_one(
    kind: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(output, "TELL_EVERY", 0)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setenv("NO_COLOR", "1")
    with output.progress("work") as tell:
        tell(1, 2)
    assert shown in terminal.getvalue()


NAMES = ("pk", "amount", "note")
ROWS = [("a", 5, "x" * 100), ("[b]", None, "y"), ("c", 12.5, None)]


def table_of(width: int, rows: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    tables.print_tables(NAMES, rows, output.cell)
    return capsys.readouterr().out


def test_a_table_has_a_line_a_row_and_is_as_wide_as_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = table_of(50, ROWS, monkeypatch, capsys).splitlines()
    assert shown[3:6] == [
        f"│ a   │      5 │ {'x' * 30}… │",
        f"│ [b] │        │ y{' ' * 30} │",
        f"│ c   │   12.5 │ {' ' * 31} │",
    ]
    assert {len(line) for line in shown} == {50}


def test_where_a_table_would_be_too_narrow_there_is_a_line_a_cell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = table_of(30, ROWS, monkeypatch, capsys)
    assert shown == f"pk      a\namount  5\nnote    {'x' * 100}\n\npk      [b]\namount\nnote    y\n\npk      c\n" \
                    "amount  12.5\nnote\n\n"  # fmt: skip


def test_many_rows_are_several_tables_and_none_is_one_with_the_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for rows, expected in ((tables.PAGE + 1, 2), (tables.PAGE, 1), (0, 1)):
        shown = table_of(50, [("a", 1, "")] * rows, monkeypatch, capsys)
        assert shown.count("┃ pk ┃") == expected
        assert shown.count("│ a  │") == rows


@pytest.mark.parametrize("document", [{"a": 1e22, "b": [0.1, 2**63 - 1]}, {"a": 10**30}, {"ü": "\u2028\n"}])
def test_a_line_of_a_dump_comes_back_equal(document: dict[str, Any]) -> None:
    line = Line("a:b%", document, 5)
    text = transfer.line_of(line)
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    assert transfer.parsed(text) == line


@pytest.mark.parametrize(
    "text", [b"", b"[]", b'{"pk": 1, "document": {}}', b'{"pk": "1"}', b'{"pk": "1", "document": {}, "ttl": 0}', b"{"]
)
def test_what_is_no_line_of_a_dump_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"no JSON|no object|ttl"):
        transfer.parsed(text)


# --- errors -----------------------------------------------------------------------------------------------------------


def _kinds(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(inner for one in kind.__subclasses__() for inner in _kinds(one))]


@pytest.mark.parametrize("kind", _kinds(errors.RedisMixinException))
def test_every_error_of_the_library_has_an_exit_code(kind: type[Exception]) -> None:
    assert failures.code_of(kind("why")) in (failures.NO, failures.USAGE, failures.SERVER, failures.DATA)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotFound(""), 1),
        (errors.UnknownField(""), 2),
        (errors.ServerUnavailable(""), 3),
        (errors.UnstorableValue(""), 4),
        (FileNotFoundError(2, "no such file", "ices.jsonl"), 4),
        (RuntimeError(""), 70),
    ],
)
def test_the_exit_code_is_that_of_the_nearest_kind(error: Exception, code: int) -> None:
    assert failures.code_of(error) == code


def test_an_unknown_command_is_a_usage_error_in_one_line() -> None:
    result = run("nothing")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


# --- help and completion ----------------------------------------------------------------------------------------------


def _commands(group: Group, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [above]
    for name, one in group.commands.items():
        found += _commands(one, (*above, name)) if isinstance(one, Group) else [(*above, name)]
    return found


def test_the_commands_are_these() -> None:
    assert [" ".join(words) for words in _commands(application)[1:]] == [
        "check", "index", "index status", "index create", "index rebuild", "index prune", "index drop", "index verify",
        "convert", "search", "facets", "get", "dump", "load", "serve", "bench",
    ]  # fmt: skip


@pytest.mark.parametrize("words", _commands(application), ids=" ".join)
def test_every_command_has_help(words: tuple[str, ...]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert "Example:\n  $ rs-search " in result.stdout
    assert "--url" in result.stdout


@pytest.mark.parametrize("words", _commands(application)[1:], ids=" ".join)
def test_the_example_of_every_command_is_shown_and_can_be_read(words: tuple[str, ...]) -> None:
    shown = run(*words, "--help").stdout.splitlines()
    (example,) = [line.strip(" $") for line in shown if line.strip().startswith("$ rs-search")]
    command: Any = application
    rest = example.replace("shop.models", "fixtures.models").split()[1:]
    while isinstance(command, Group):
        command = command.commands[rest.pop(0)]
    assert isinstance(command, Command)
    if "load" not in words:  # whose file is not there
        command.make_context(words[-1], rest)


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("get fixtures.models:Ice", ["IceCream"]),
        ("search fixtures.models:IceCream --where amount_kg__g", ["amount_kg__gt=", "amount_kg__gte="]),
        ("search fixtures.models:Everything --columns city__", ["city__name", "city__opened", "city__visitors",
                                                                "city__tags", "city__capital"]),
        ("search fixtures.models:IceCream --order fl", ["flavour"]),
        ("search fixtures.models:IceCream --order -fl", ["-flavour"]),
        ("search fixtures.models:IceCream --ord", ["--order"]),
        ("facets fixtures.models:IceCream be", ["best_before"]),
        ("index re", ["rebuild"]),
        ("search --where amount", []),
        ("search fixtures.nothing:Ice", []),
        ("search fixtures.nothing:Ice --where amount", []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("broken", [False, True])
def test_models_fields_and_lookups_are_completed(
    typed: str, suggested: list[str], broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = typed.replace(":", " : ").split() if broken else typed.split()
    monkeypatch.setenv("COMP_WORDS", " ".join(["rs-search", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    shell = completion.Bash(application, {}, "rs-search", "_RS_SEARCH_COMPLETE")
    found = [line.split(",", 1)[1] for line in shell.complete().splitlines()]
    if ":" in words[-1] and not broken:
        found = [line.rpartition(":")[2] for line in found]
    assert found == suggested


def test_without_click_it_says_which_extra_to_install() -> None:
    code = "import sys; sys.modules['click'] = None; from rs_search.cli.__main__ import main; sys.exit(main())"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (2, 'rs-search: needs click: pip install "rs-search[cli]"\n')


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "actual", "fits"),
    [
        ("MAXSEARCHRESULTS", "1000000", True),
        ("MAXSEARCHRESULTS", "-1", True),
        ("MAXAGGREGATERESULTS", "unlimited", True),
        ("MAXSEARCHRESULTS", "10000", False),
        ("MAXSEARCHRESULTS", "many", False),
        ("TIMEOUT", "500", False),
        ("TIMEOUT", "0", True),
        ("ON_TIMEOUT", "FAIL", True),
        ("ON_TIMEOUT", "return", False),
        ("MAXPREFIXEXPANSIONS", "200", False),
        ("appendonly", "no", False),
        ("save", "3600 1 300 100", True),
        ("save", "", False),
        ("save", None, None),
    ],
)
def test_a_setting_fits_as_it_is_recommended_or_better(name: str, actual: str | None, fits: bool | None) -> None:
    setting = next(setting for setting in SETTINGS if setting.name == name)
    assert Found(setting, actual).fits is fits


def test_every_setting_fits_as_it_is_recommended() -> None:
    assert all(Found(setting, setting.wanted).fits for setting in SETTINGS)
