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
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from snowballstemmer.english_stemmer import EnglishStemmer

#: RediSearch's default list, dropped from queries; the index keeps every word.
STOP_WORDS = frozenset(
    "a is the an and are as at be but by for if in into it no not of on or such that their then there these they "  # noqa: SIM905
    "this to was will with".split()
)
#: The server does not stem shorter words of documents (FT.CONFIG MINSTEMLEN), counted in UTF-8 bytes.
SHORTEST_STEMMED = 4
#: The server does not index tokens of more than 127 bytes; stems of longer query words could be shorter.
LONGEST_INDEXED = 100

_stemmer = EnglishStemmer()
_PLAIN = re.compile(r"[\t\x20-\x5b\x5d-\x7e]*")
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


def document_words(text: str) -> list[str]:
    """The words of a document's text: what stands around a backslash is found joined as well, as the server has it.

    >>> document_words(r"C:\\Users")
    ['c', 'users', 'c', 'users']
    >>> document_words(r"a\\b")
    ['a', 'b', 'ab']
    """
    return words(text) + words(text.replace("\\", "")) if "\\" in text else words(text)


def indexed_words(text: str) -> str | None:
    """Text whose tokens on the server are the words of ``text``; None where those of ``text`` itself are.

    >>> indexed_words("plain words"), indexed_words("two\\nlines"), indexed_words("ÉCOLE"), indexed_words("école")
    (None, 'two lines', 'école', None)
    """
    if _PLAIN.fullmatch(text):
        return None
    found = document_words(text)
    return None if found == _server_tokens(text) else " ".join(found)


def _server_tokens(text: str) -> list[str]:
    if "\\" in text or "\0" in text:
        return []
    lowered = re.sub("[A-Z]+", lambda match: match[0].lower(), text)
    return [token for token in _SERVER_SEPARATORS.split(lowered) if token]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The word's English stem.

    >>> stem("vanillas"), stem("running")
    ('vanilla', 'run')
    """
    result: str = _stemmer.stemWord(word)
    return result


def _document_stem(word: str) -> str | None:
    return stem(word) if len(word.encode("utf-8", "surrogatepass")) >= SHORTEST_STEMMED else None


@dataclass(frozen=True)
class TextQuery:
    """All of ``groups`` must be met, and a group is met by any of its words. No groups: nothing is met."""

    groups: tuple[tuple[str, ...], ...]

    def matches(self, text: str) -> bool:
        """Whether the words of the text meet the query. O(length of the text)."""
        if not self.groups:
            return False
        present = set(document_words(text))
        stems = {_document_stem(word) for word in present}
        return all(any(_found(word, present, stems) for word in group) for group in self.groups)

    @property
    def pushable(self) -> bool:
        """Whether the server's index can hold every word of the query."""
        return all(_is_indexable(word) for group in self.groups for word in group)

    def __str__(self) -> str:
        return " ".join(" | ".join(group) for group in self.groups)


def _is_indexable(word: str) -> bool:
    try:
        return len(word.encode()) <= LONGEST_INDEXED
    except UnicodeEncodeError:
        return False


def _found(word: str, present: set[str], stems: set[str | None]) -> bool:
    return word in present or stem(word) in present or stem(word) in stems


def index_terms(group: tuple[str, ...]) -> list[str]:
    """The terms of RediSearch's index by which any word of a group is found, for a VERBATIM query.

    A stem stands in the index as ``+stem``. Named here, they do not depend on where the server expands words.

    >>> index_terms(("running", "ice"))
    ['running', 'run', '+run', 'ice', '+ice']
    """
    terms = [term for word in group for term in (word, stem(word), f"+{stem(word)}")]
    return list(dict.fromkeys(terms))


def parse(text: str) -> TextQuery:
    """Read a search: all words must be there, ``a | b`` asks for any of them; stop words count only by themselves.

    >>> parse("the creamy vanilla | chocolate").groups
    (('creamy',), ('vanilla', 'chocolate'))
    >>> parse("The Who").groups, parse("the").groups, parse("?!").groups
    ((('who',),), (('the',),), ())
    """
    groups = _groups(text)
    kept = [tuple(word for word in group if word not in STOP_WORDS) for group in groups]
    meaningful = [group for group in kept if group]
    return TextQuery(tuple(meaningful or groups))


def _groups(text: str) -> list[tuple[str, ...]]:
    groups: list[list[str]] = []
    for position, part in enumerate(text.split("|")):
        found = words(part)
        if not found:
            continue
        if position and groups:
            groups[-1].append(found.pop(0))
        groups += [[word] for word in found]
    return [tuple(group) for group in groups]
