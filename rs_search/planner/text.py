"""Words: what full text means, in Python, and how the server's own tokens differ from it.

The meaning: case is folded as Unicode says; words are what stands between blanks, control characters and
punctuation of any script (``_`` is part of a word, and so are symbols such as emoji). A word of a query matches a
word of a document when they are equal, when the document's is the query's Snowball English stem, or when their stems
are equal (a document's word of fewer than 4 bytes has no stem): just what RediSearch does with ``STOPWORDS 0``
(tried with 4,309 and 12,164 words on 2.10.5).

RediSearch splits at ASCII punctuation, blanks and tabs only, not at newlines, folds ASCII only, takes a backslash
for an escape and stops at a NUL. Where its tokens are not the words, `indexed_words` gives text that makes them so.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeAlias

#: RediSearch's default list, dropped from queries; the index keeps every word.
STOP_WORDS = frozenset(
    "a is the an and are as at be but by for if in into it no not of on or such that their then there these they "  # noqa: SIM905
    "this to was will with".split()
)
#: The server does not stem shorter words of documents (FT.CONFIG MINSTEMLEN), counted in UTF-8 bytes.
SHORTEST_STEMMED = 4
#: The server does not index tokens of more than 127 bytes; stems of longer query words could be shorter.
LONGEST_INDEXED = 100

#: Letters that are small, or have no case: they fold to themselves, and separate nothing.
LETTERS = (
    "à-öø-ÿāăąćĉċčďđēĕėęěĝğġģĥħĩīĭįĵķĺļľłńņňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷźżž"
    "\u03ac-\u03af\u03b1-\u03c1\u03c3-\u03ce"  # Greek, without the final sigma
    "\u0430-\u045f\u05d0-\u05ea\u0621-\u064a"  # Cyrillic, Hebrew, Arabic
    "\u3005\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff\uac00-\ud7a3"  # Japanese, Chinese, Korean
)
_ALIKE = re.compile(rf"[\t\x20-\x5b\x5d-\x7e{LETTERS}]*")
_stemming = threading.Lock()
_SERVER_SEPARATORS = re.compile(r"[\t !\"#$%&'()*+,\-./:;<=>?@\[\]^`{|}~]+")


class _Separators(dict[int, int]):
    """For `str.translate`: blanks in place of what separates words; each character is looked up once."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        category = unicodedata.category(character)
        ascii_symbol = code < 128 and not character.isalnum() and character != "_"
        separates = ascii_symbol or category == "Cc" or category[0] == "Z" or (category[0] == "P" and category != "Pc")
        self[code] = replacement = 32 if separates else code
        return replacement


_separators = _Separators()


def words(text: str) -> list[str]:
    """The words of a text, in order, case folded.

    >>> words("L'ÉCOLE\\n“naïve” snake_case 3.14")
    ['l', 'école', 'naïve', 'snake_case', '3', '14']
    """
    return text.casefold().translate(_separators).split()


def separated(text: str) -> list[str]:
    """What stands between separators, empty pieces among it: the first and last may be parts of words only.

    >>> separated("y vanilla ic"), separated("ice ")
    (['y', 'vanilla', 'ic'], ['ice', ''])
    """
    return text.casefold().translate(_separators).split(" ")


def document_words(text: str) -> list[str]:
    """The words of a document's text: what stands around a backslash is found joined as well, as the server has it.

    >>> document_words(r"C:\\Users")
    ['c', 'users', 'c', 'users']
    >>> document_words(r"a\\b")
    ['a', 'b', 'ab']
    """
    return words(text) + words(text.replace("\\", "")) if "\\" in text else words(text)


def is_read_alike(text: str) -> bool:
    r"""Whether the server's tokens and case folding of a text are ours; False may be wrong.

    >>> is_read_alike("École"), is_read_alike("école 3.14"), is_read_alike("two\\nlines")
    (False, True, False)
    """
    return _ALIKE.fullmatch(text) is not None


def indexed_words(text: str) -> str | None:
    """Text whose tokens on the server are the words of ``text``; None where those of ``text`` itself are.

    >>> indexed_words("plain words"), indexed_words("two\\nlines"), indexed_words("ÉCOLE"), indexed_words("école")
    (None, 'two lines', 'école', None)
    """
    if _ALIKE.fullmatch(text):
        return None
    found = document_words(text)
    return None if found == _server_tokens(text) else " ".join(found)


def _server_tokens(text: str) -> list[str]:
    if "\\" in text or "\0" in text:
        return []
    lowered = re.sub("[A-Z]+", lambda match: match[0].lower(), text)
    return [token for token in _SERVER_SEPARATORS.split(lowered) if token]


@cache
def _stemmer() -> Any:
    # Here, because it imports the stemmers of thirty languages: a sixth of the time that a small program runs.
    from snowballstemmer.english_stemmer import EnglishStemmer

    return EnglishStemmer()


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The word's English stem.

    >>> stem("vanillas"), stem("running")
    ('vanilla', 'run')
    """
    # It keeps the word in itself while it works on it: two threads would give each other's stems.
    with _stemming:
        result: str = _stemmer().stemWord(word)
    return result


def _document_stem(word: str) -> str | None:
    return stem(word) if len(word.encode("utf-8", "surrogatepass")) >= SHORTEST_STEMMED else None


@dataclass(frozen=True)
class Prefix:
    """Any word that begins so; no stems."""

    start: str

    def __str__(self) -> str:
        return f"{self.start}*"


@dataclass(frozen=True)
class Phrase:
    """Words one after the other, as they are: no stems, no stop words dropped."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f'"{" ".join(self.words)}"'


@dataclass(frozen=True)
class Every:
    """All of several words, anywhere: what a chunk as ``user@example.com`` is among alternatives."""

    terms: tuple[str | Prefix, ...]

    def __str__(self) -> str:
        return f"({' '.join(map(str, self.terms))})"


@dataclass(frozen=True)
class Fuzzy:
    """A word with up to ``distance`` letters inserted, left out or replaced."""

    word: str
    distance: int

    def __str__(self) -> str:
        return "%" * self.distance + self.word + "%" * self.distance


Term: TypeAlias = str | Prefix | Phrase | Every | Fuzzy


class _Read:
    """A document's text, read for words once."""

    def __init__(self, text: str) -> None:
        self.sequences = [words(text)] + ([words(text.replace("\\", ""))] if "\\" in text else [])
        self.present = {word for sequence in self.sequences for word in sequence}
        self.stems = {_document_stem(word) for word in self.present}

    def has(self, term: Term) -> bool:
        return _FINDERS[type(term)](self, term)

    def _has_word(self, word: str) -> bool:
        return word in self.present or stem(word) in self.present or stem(word) in self.stems

    def _has_prefix(self, prefix: Prefix) -> bool:
        return any(word.startswith(prefix.start) for word in self.present)

    def _has_phrase(self, phrase: Phrase) -> bool:
        size, wanted = len(phrase.words), list(phrase.words)
        return any(
            sequence[place : place + size] == wanted
            for sequence in self.sequences
            for place in range(len(sequence) - size + 1)
        )

    def _has_every(self, every: Every) -> bool:
        return all(map(self.has, every.terms))

    def _has_fuzzy(self, fuzzy: Fuzzy) -> bool:
        return any(is_near(word, fuzzy.word, fuzzy.distance) for word in self.present)


_FINDERS: dict[type, Callable[[_Read, Any], bool]] = {
    str: _Read._has_word,
    Prefix: _Read._has_prefix,
    Phrase: _Read._has_phrase,
    Every: _Read._has_every,
    Fuzzy: _Read._has_fuzzy,
}


def is_near(first: str, second: str, most: int) -> bool:
    """Whether two words are at most so many insertions, deletions and replacements apart (Levenshtein).

    >>> is_near("vanila", "vanilla", 1), is_near("vanila", "banilla", 1)
    (True, False)
    """
    if abs(len(first) - len(second)) > most:
        return False
    row = list(range(len(second) + 1))
    for place, sign in enumerate(first, 1):
        above, row = row, [place]
        for column, other in enumerate(second, 1):
            row.append(min(above[column] + 1, row[-1] + 1, above[column - 1] + (sign != other)))
        if min(row) > most:
            return False
    return row[-1] <= most


@dataclass(frozen=True)
class TextQuery:
    """All of ``groups`` must be met, each by any of its terms, and no term of ``without``."""

    groups: tuple[tuple[Term, ...], ...]
    without: tuple[Term, ...] = ()

    def matches(self, text: str) -> bool:
        """Whether the words of the text meet the query. O(length of the text)."""
        if not self.groups and not self.without:
            return False
        read = _Read(text)
        return all(any(map(read.has, group)) for group in self.groups) and not any(map(read.has, self.without))

    def __str__(self) -> str:
        return " ".join(
            [*(" | ".join(map(str, group)) for group in self.groups), *(f"-{term}" for term in self.without)]
        )


def is_indexable(word: str) -> bool:
    """Whether the server's index can hold the word."""
    try:
        return len(word.encode()) <= LONGEST_INDEXED
    except UnicodeEncodeError:
        return False


@lru_cache(maxsize=4096)
def index_terms(word: str) -> tuple[str, ...]:
    """The terms of RediSearch's index by which a word is found, for a VERBATIM query.

    A stem stands in the index as ``+stem``. Named here, they do not depend on where the server expands words.

    >>> index_terms("running"), index_terms("ice")
    (('running', 'run', '+run'), ('ice', '+ice'))
    """
    found = stem(word)
    return (word, f"+{found}") if found == word else (word, found, f"+{found}")


# --- reading what a user wrote --------------------------------------------------------------------------------------

#: What has nothing but words.
_PLAIN = re.compile(r"[A-Za-z0-9_ ]*")
#: A phrase, a bar, or what stands between blanks; a minus before the first two leaves out.
_CHUNKS = re.compile(r'(?P<minus>(?<![^\s|])-(?=[^\s|-]))?(?:"(?P<phrase>[^"]*)"|(?P<chunk>[^\s"|]+))|(?P<bar>\|)')


def parse(text: str) -> TextQuery:
    """Read a search: words and "phrases" that must be there, ``a | b`` for any of them, ``-without``, ``prefix*``.

    Stop words count in phrases, and where there is nothing else. Raises `ValueError` for ``a | -b``.

    >>> parse("the creamy vanilla | chocolate").groups
    (('creamy',), ('vanilla', 'chocolate'))
    >>> parse("The Who").groups, parse("the").groups, parse("?!").groups
    ((('who',),), (('the',),), ())
    >>> str(parse('"ice cream" van* -chocolate'))
    '"ice cream" van* -chocolate'
    """
    if _PLAIN.fullmatch(text):
        found = text.lower().split()
        kept_words = [word for word in found if word not in STOP_WORDS]
        return TextQuery(tuple(zip(kept_words or found, strict=True)))
    groups, without = _read_groups(text)
    kept = [tuple(term for term in group if term not in STOP_WORDS) for group in groups]
    meaningful = [group for group in kept if group]
    left_out = [term for term in without if term not in STOP_WORDS]
    return TextQuery(tuple(meaningful or map(tuple, groups)), tuple(left_out if groups or left_out else without))


def phrase(text: str) -> TextQuery:
    """The words of a text, one after the other.

    >>> str(phrase("To be, or"))
    '"to be or"'
    """
    found = tuple(words(text))
    return TextQuery(((Phrase(found),),) if found else ())


def fuzzy(text: str, distance: int) -> TextQuery:
    """All words of a text, each so far from one of the document's at most."""
    return TextQuery(tuple((Fuzzy(word, distance),) for word in words(text)))


def _read_groups(text: str) -> tuple[list[list[Term]], list[Term]]:
    groups: list[list[Term]] = []
    without: list[Term] = []
    joins, left_out = False, ""
    for match in _CHUNKS.finditer(text):
        if match["bar"]:
            if left_out:
                raise ValueError(f"-{left_out} cannot be one of several alternatives; leave out words by themselves")
            joins = bool(groups)
            continue
        terms = _terms(match)
        if not terms:
            continue
        left_out = str(_one(terms)) if match["minus"] else ""
        if match["minus"]:
            if joins:
                raise ValueError(f"{match[0]!r} cannot be one of several alternatives; leave out words by themselves")
            without.append(_one(terms))
        elif joins:
            groups[-1].append(_one(terms))
        else:
            # What splits into several words may yet be the first of several alternatives.
            groups += [[_one(terms)]] if text[match.end() :].lstrip().startswith("|") else [[term] for term in terms]
        joins = False
    return groups, without


def _terms(match: re.Match[str]) -> list[str | Prefix] | list[Phrase]:
    if match["phrase"] is not None:
        found = tuple(words(match["phrase"]))
        return [Phrase(found)] if found else []
    parts: list[str | Prefix] = [*words(match["chunk"])]
    if parts and match["chunk"].endswith("*"):
        parts[-1] = Prefix(str(parts[-1]))
    return parts


def _one(terms: list[str | Prefix] | list[Phrase]) -> Term:
    """One term that means all of several."""
    return terms[0] if len(terms) == 1 else Every(tuple(term for term in terms if not isinstance(term, Phrase)))
