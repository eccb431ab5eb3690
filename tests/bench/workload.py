"""The benchmark's documents: the same for every contestant, each worked out of its number, so that none is kept."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

Document = dict[str, Any]
MEMBERS = ("id", "flavour", "description", "amount_kg", "price", "tags", "best_before", "in_stock", "maker")
#: Numbers of different documents are different, and those of any first few are spread over all of them.
MOST = 1 << 20
_TIMES_FOR_AMOUNT, _TIMES_FOR_PRICE = 0x9E3B1, 0x5BD1F
FLAVOUR_ROWS = 20
_BEGINNING = dt.datetime(2027, 1, 1, tzinfo=dt.timezone.utc)
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te")
#: As words of a language are: few are frequent, most are rare. No two have the same stem.
WORDS = tuple(first + second + third for first in _SYLLABLES for second in _SYLLABLES for third in _SYLLABLES)
_WEIGHTS: list[float] = []
for _rank in range(len(WORDS)):
    _WEIGHTS.append(1 / (_rank + 20) + (_WEIGHTS[-1] if _WEIGHTS else 0))
TAGS = tuple(f"tag {word}" for word in WORDS[:60])
CITIES = ("Bologna", "Firenze", "Genova", "Lecce", "Milano", "Napoli", "Palermo", "Rio de Janeiro", "Torino", "Wien")


def document(number: int) -> Document:
    """One of the documents, of about 460 bytes as JSON; its ``best_before`` is a datetime. O(1)."""
    chance = random.Random(number)
    return {
        "id": pk(number),
        "flavour": flavour(number // FLAVOUR_ROWS),
        "description": " ".join(chance.choices(WORDS, cum_weights=_WEIGHTS, k=30)),
        "amount_kg": amount(number),
        "price": number * _TIMES_FOR_PRICE % MOST / 100,
        "tags": [TAGS[(number + step) % len(TAGS)] for step in (0, 7, 23)],
        "best_before": _BEGINNING + dt.timedelta(minutes=number),
        "in_stock": number % 3 != 0,
        "maker": {"name": f"Gelateria {number % 977:03}", "city": CITIES[number % len(CITIES)]},
    }


def pk(number: int) -> str:
    """Its primary key; keys have the order of the numbers."""
    return f"{number:07}"


def flavour(number: int) -> str:
    """What `FLAVOUR_ROWS` documents have in common."""
    return f"Sweet Vanilla {number:05}"


def amount(number: int) -> int:
    """Its ``amount_kg``."""
    return number * _TIMES_FOR_AMOUNT % MOST


#: Amounts from the first to the second, both in.
Range = tuple[int, int]
Order = tuple[str, bool]
#: An order, and the first row of ten.
Page = tuple[Order, int]
Words = tuple[str, str]


class Parameters:
    """What is asked of a collection of so many documents: another thing each time, the same of every contestant."""

    def __init__(self, documents: int, seed: int = 7) -> None:
        self.documents = documents
        self._chance = random.Random(seed)
        self._amounts = sorted(map(amount, range(documents)))

    def number(self) -> int:
        """The number of a document."""
        return self._chance.randrange(self.documents)

    def flavour(self) -> str:
        """A flavour of `FLAVOUR_ROWS` documents."""
        return flavour(self._chance.randrange(max(1, self.documents // FLAVOUR_ROWS)))

    def range(self, rows: int) -> Range:
        """Amounts that so many documents have."""
        rows = min(rows, self.documents)
        first = self._chance.randrange(self.documents - rows + 1)
        return self._amounts[first], self._amounts[first + rows - 1]

    def words(self) -> Words:
        """Two words, neither the most frequent nor rare: one or two hundred of 100,000 documents have both."""
        first, second = self._chance.sample(WORDS[80:260], 2)
        return first, second

    def page(self) -> Page:
        """An order, and where in its first thousand rows to begin: hardly ever the same."""
        return self.order(), self._chance.randrange(1000)

    def order(self) -> Order:
        """A field to order by, whose numbers are different, and whether the greatest come first."""
        return self._chance.choice(("amount_kg", "price", "best_before")), self._chance.random() < 0.5
