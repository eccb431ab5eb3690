"""Completion: bash takes ``shop.models:IceCream`` for three words and has to be told that it is one."""

from __future__ import annotations

import os

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

#: Where bash breaks words, of what names of models and conditions have.
BREAKS = (":", "=")


def joined(words: list[str]) -> list[str]:
    """The words as they were typed.

    >>> joined(["search", "shop", ":", "Ice", "--where", "a", "="])
    ['search', 'shop:Ice', '--where', 'a=']
    """
    found: list[str] = []
    for word in words:
        if found and (word in BREAKS or found[-1].endswith(BREAKS)):
            found[-1] += word
        else:
            found.append(word)
    return found


class Quiet(ShellComplete):
    """Completion that says nothing where there is nothing to say, whatever is wrong, and of descending orders."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        # Click takes what begins so for an option.
        sign = "-" if args[-1:] == ["--order"] and incomplete.startswith("-") else ""
        try:
            found = super().get_completions(args, incomplete.removeprefix(sign))
        except Exception:
            # A module that cannot be imported: a trace would stand in the midst of what is typed.
            return []
        return [CompletionItem(f"{sign}{item.value}", item.type, item.help) for item in found] if sign else found


@add_completion_class
class Zsh(Quiet, ZshComplete):
    """Completion in zsh."""


@add_completion_class
class Fish(Quiet, FishComplete):
    """Completion in fish."""


@add_completion_class
class Bash(Quiet, BashComplete):
    """Completion that knows where bash breaks words."""

    name = "bash"

    def get_completion_args(self) -> tuple[list[str], str]:
        words = split_arg_string(os.environ["COMP_WORDS"])
        place = int(os.environ["COMP_CWORD"])
        begun = words[place] if place < len(words) else ""
        typed = joined([*words[1:place], begun])
        # A word that is begun after a break belongs to the one before it; a new one is empty.
        if not begun and words[place - 1 : place] and words[place - 1] not in BREAKS:
            return joined(words[1:place]), ""
        self._kept = len(typed[-1]) - (0 if begun in BREAKS else len(begun)) if typed else 0
        return typed[:-1], typed[-1] if typed else ""

    def format_completion(self, item: CompletionItem) -> str:
        # Bash puts this in place of what stands after the last break.
        return f"{item.type},{item.value[getattr(self, '_kept', 0) :]}"
