"""What all commands share: ``--url`` and ``--debug``, help with an example, and one way to end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ..attributes import own_attribute
from ..server.connections import client_of, connect, is_async
from .failures import INTERRUPTED, USAGE, Failure, ended
from .models import is_model

URL, DEBUG = "rs_search.url", "rs_search.debug"


def _keep(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        context.meta[URL if option.name == "url" else DEBUG] = value


def shared_options() -> list[click.Parameter]:
    """The options that every command and every group takes."""
    return [
        click.Option(["--url"], metavar="URL", expose_value=False, is_eager=True, callback=_keep,
                     help="The server: redis://, rediss://, unix:// or embedded://."),
        click.Option(["--debug"], is_flag=True, expose_value=False, is_eager=True, callback=_keep,
                     help="Show the trace of an error."),
    ]  # fmt: skip


class Command(click.Command):
    """A command on the server that ``--url`` names, with an example in its help."""

    def __init__(self, *arguments: Any, example: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.example = example
        self.params += shared_options()

    def invoke(self, ctx: click.Context) -> Any:
        with _on_server(ctx):
            return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_example(self.example, formatter)
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """A group of commands."""

    command_class = Command
    group_class = type

    def __init__(self, *arguments: Any, example: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.example = example
        self.params += shared_options()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_example(self.example, formatter)
        super().format_epilog(ctx, formatter)


class Application(Group):
    """The whole: errors become one line and an exit code here, and nowhere else."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            # What `head` no longer reads shows here at the latest.
            sys.stdout.flush()
            return result
        except (click.exceptions.Exit, click.Abort):
            raise
        except click.ClickException as error:
            if ctx.meta.get(DEBUG) and error.__cause__ is not None:
                raise error.__cause__ from None
            raise
        except Exception as error:
            if ctx.meta.get(DEBUG) and not isinstance(error, BrokenPipeError):
                raise
            ctx.exit(ended(error))

    def main(  # type: ignore[override,unused-ignore]
        self, args: Any = None, prog_name: str | None = None, **options: Any
    ) -> Any:
        standalone = options.pop("standalone_mode", True)
        try:
            result: Any = super().main(args, prog_name, standalone_mode=False, **options)
            code = result if isinstance(result, int) else 0
        except (click.ClickException, click.Abort) as error:
            code = ended(error)
        except KeyboardInterrupt:
            code = INTERRUPTED
        if standalone:
            sys.exit(code)
        return code


def write_example(example: str, formatter: click.HelpFormatter) -> None:
    """The example of a command's help."""
    if example:
        with formatter.section("Example"):
            for line in example.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}$ {line}\n")


@contextmanager
def _on_server(context: click.Context) -> Iterator[None]:
    """Let models with a client of their own use the server of ``--url``, if there is one, until the end."""
    url = context.meta.get(URL)
    models: list[Any] = [value for value in context.params.values() if is_model(value)]
    if not url:
        _refuse_async(models)
        yield
        return
    client = connect(url)
    declared = [model for model in models if own_attribute(model, "__redis_client__") is not None]
    before = [vars(model).get("__redis_client__") for model in declared]
    for model in declared:
        model.__redis_client__ = client
    try:
        yield
    finally:
        for model, own in zip(declared, before, strict=True):
            if own is None:
                del model.__redis_client__
            else:
                model.__redis_client__ = own


def _refuse_async(models: list[Any]) -> None:
    for model in models:
        if is_async(client_of(model)):
            raise Failure(f"{model.__name__} has an async client, and the command line waits: give --url", USAGE)


def confirm(question: str, yes: bool) -> None:
    """Ask before something is lost, unless ``--yes`` was given. Raises `Failure`."""
    if not yes and not click.confirm(question, err=True):
        raise Failure("nothing was done")
