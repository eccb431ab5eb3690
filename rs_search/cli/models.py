"""Models by their name, and the names of their fields for the shell."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable
from operator import attrgetter
from types import ModuleType
from typing import Any

import click
from click.shell_completion import CompletionItem
from schematics.models import Model

from ..kinds import LIST
from ..model import BaseRedisMixin
from ..paths import declared_paths, descend
from ..query.lookups import lookups_of

MOST_SUGGESTED = 5


class ModelName(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """``package.module:Class`` as the class."""

    name = "model"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, type):
            return value
        module_name, colon, class_name = value.partition(":")
        if not module_name or not colon or not class_name:
            self.fail(f"{value!r} is no package.module:Class", param, ctx)
        module = self._module(module_name, param, ctx)
        try:
            found = attrgetter(class_name)(module)
        except AttributeError:
            self.fail(f"{module_name} has no {class_name}{_instead(module, class_name)}", param, ctx)
        if not is_model(found):
            self.fail(f"{value} is no model with a mixin of rs_search{_instead(module, class_name)}", param, ctx)
        return found

    def _module(self, name: str, param: click.Parameter | None, ctx: click.Context | None) -> ModuleType:
        try:
            return importlib.import_module(name)
        except Exception as error:
            # A module of the user's own may fail in any way.
            told = f"{name} cannot be imported: {type(error).__name__}: {error}"
            raise click.BadParameter(told, ctx, param) from error

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        module_name, colon, beginning = incomplete.partition(":")
        if not colon:
            return []
        names = models_in(importlib.import_module(module_name))
        return [CompletionItem(f"{module_name}:{name}") for name in names if name.startswith(beginning)]


def is_model(found: Any) -> bool:
    """Whether it is a class whose objects rs_search keeps."""
    return isinstance(found, type) and issubclass(found, Model) and issubclass(found, BaseRedisMixin)


def models_in(module: ModuleType) -> list[str]:
    """The names of the models that a module defines or imports."""
    return sorted(name for name, value in inspect.getmembers(module, is_model) if value.__module__[:10] != "rs_search.")


def _instead(module: ModuleType, wanted: str) -> str:
    names = models_in(module)
    near = difflib.get_close_matches(wanted, names, MOST_SUGGESTED) or names[:MOST_SUGGESTED]
    return f"; it has {', '.join(near)}" if near else ""


def completing(names_of: Callable[[type[Model]], list[str]]) -> Any:
    """A completion of names that a model has; nothing before the model is given."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        # Click stops at an option without its value, and leaves the words before it as they are.
        model = context.params.get("model") or next((word for word in context.args if ":" in word), None)
        found = ModelName().convert(model, None, None) if isinstance(model, str) else model
        return [name for name in names_of(found) if name.startswith(incomplete)] if found is not None else []

    return complete


def columns(model: type[Model]) -> list[str]:
    """The fields of a model, as ``--columns`` takes them."""
    return [str(path) for path in declared_paths(model)]


def orders(model: type[Model]) -> list[str]:
    """What ``--order`` takes."""
    names = [str(path) for path in declared_paths(model) if path.field.kind is not LIST]
    return [*names, *(f"-{name}" for name in names)]


def conditions(model: type[Model]) -> list[str]:
    """What ``--where`` takes, up to its value."""
    found = []
    for path in declared_paths(model):
        inside = descend(path)
        found.append(f"{path}=")
        found += [f"{path}__{one.name}=" for one in lookups_of(inside.field.kind, inside.field is not path.field)]
    return found


MODEL = click.argument("model", type=ModelName(), metavar="MODEL")
