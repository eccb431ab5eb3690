"""`DistributedRedisMixin`: one key a field, and one that says that the object is there.

All keys of an object are written by one script and read by one command, so that nobody sees half of it. Each field may
expire by itself, as ``__field_expire__`` says or whoever knows its key: it then reads as missing. Of an object that is
changed in some fields only these are written.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..errors import UnreadableDocument
from ..operations.requests import WRITE, Batch, Command, Operation, command
from ..reading import Document, Row
from ..schema import schema_of
from ..server.capabilities import Capabilities
from . import scripts
from .base import BATCH, Record, as_bytes, batched
from .keys import quoted
from .string import TextStorage

#: What stands under the object's own key.
MARK = "1"
#: KEYS: the object's own, then those of its members. ARGV[4] on: their texts, empty for none.
_READ = """(function()
  if redis.call('EXISTS', KEYS[1]) == 0 then return false end
  local texts = redis.call('MGET', unpack(KEYS))
  for place = 1, #texts do texts[place] = texts[place] and (#texts[place] .. ':' .. texts[place]) or '-' end
  return table.concat(texts)
end)()"""
#: ARGV[3]: seconds that the object is to live, empty for what is left. ARGV[4] on, two for each key: its text, empty
#: for none; and its own seconds to live, empty for those of the object, `KEPT` or `KEPT_OWN` for what is not written.
_WRITE = """
local given = ARGV[3] ~= ''
local whole = given and ARGV[3] * 1000 or redis.call('PTTL', KEYS[1])
if ARGV[4] == '' then redis.call('DEL', unpack(KEYS)) return 1 end
local function live(key, left) if left >= 0 then redis.call('PEXPIRE', key, math.max(left, 1)) end end
local function shorter(left) return whole >= 0 and (left < 0 or whole < left) and whole or left end
local function keep(key, own)
  local left = redis.call('PTTL', key)
  if given and left ~= -2 then live(key, own and shorter(left) or whole) end
end
local function put(key, text, life)
  local left = life ~= '' and shorter(life * 1000) or whole
  if life == '' and not given then
    -- What it has of its own; a new one lives as long as the object.
    local before = redis.call('PTTL', key)
    if before >= 0 then left = before end
  end
  redis.call('SET', key, text)
  live(key, left)
end
for place = 1, #KEYS do
  local key, text, how = KEYS[place], ARGV[2 * place + 2], ARGV[2 * place + 3]
  if how == 'kept' or how == 'kept own' then keep(key, how == 'kept own')
  elseif text == '' then redis.call('DEL', key)
  else put(key, text, how) end
end"""
KEPT, KEPT_OWN = "kept", "kept own"
_SCRIPT = scripts.guarded(_READ, _WRITE)
_ALWAYS = f"{_WRITE}\nreturn 1"


class FieldKeys(TextStorage):
    """One key a field."""

    why_no_index = "DistributedRedisMixin keeps fields apart, which RediSearch cannot index"
    keeps_nulls = False
    partial = True

    @property
    def members(self) -> tuple[str, ...]:
        """The members of a document, in the model's order."""
        return tuple(field.member for field in schema_of(self.model).fields.values())

    @property
    def lives(self) -> dict[str, int]:
        """Seconds that members live after they were written, of those that have a life of their own."""
        fields = schema_of(self.model).fields
        return {fields[name].member: seconds for name, seconds in self.options.field_expire.items()}

    def field_key(self, key: str, member: str) -> str:
        """The key of one member."""
        return f"{key}:{quoted(member)}"

    def payload(self, document: Document) -> Any:
        return {member: super(FieldKeys, self).payload(value) for member, value in document.items()}

    def commands(self, record: Record, capabilities: Capabilities) -> list[Command]:
        return [self._run(_ALWAYS, record)]

    def guarded(self, record: Record, capabilities: Capabilities) -> Command:
        return self._run(_SCRIPT, record)

    def _run(self, script: str, record: Record) -> Command:
        payload, lives = record.payload or {}, self.lives
        keys = [record.key, *(self.field_key(record.key, member) for member in self.members)]
        words: list[Any] = [MARK if record.payload else "", ""]
        for member in self.members:
            if record.members is None or member in record.members:
                words += [payload.get(member, ""), lives.get(member, "")]
            else:
                words += ["", KEPT_OWN if member in lives else KEPT]
        return scripts.run(script, keys, record.when, record.seen or "", record.expire or "", *words)

    def found(
        self, keys: list[str], capabilities: Capabilities, members: Collection[str] | None = None
    ) -> Operation[list[Row]]:
        wanted = self.members if members is None else tuple(member for member in self.members if member in members)
        rows = yield from self._texts(keys, wanted)
        return [(key, self._document(key, dict(zip(wanted, texts, strict=True)))) for key, mark, texts in rows if mark]

    def texts(self, keys: list[str], capabilities: Capabilities) -> Operation[list[Any]]:
        """What the script compares: all texts of an object as one, None where there is none."""
        rows = yield from self._texts(keys, self.members)
        return [None if mark is None else _joined([mark, *texts]) for _, mark, texts in rows]

    def _texts(self, keys: list[str], members: tuple[str, ...]) -> Operation[list[tuple[str, Any, list[Any]]]]:
        width = 1 + len(members)
        rows: list[tuple[str, Any, list[Any]]] = []
        for start in range(0, len(keys), max(1, 4 * BATCH // width)):
            batch = keys[start : start + max(1, 4 * BATCH // width)]
            words = [word for key in batch for word in (key, *(self.field_key(key, member) for member in members))]
            found = yield command("MGET", *words)
            rows += [(key, found[place * width], found[place * width + 1 : (place + 1) * width])
                     for place, key in enumerate(batch)]  # fmt: skip
        return rows

    def parsed(self, stored: Any, key: str) -> Document:
        if isinstance(stored, dict):
            return stored
        _, *texts = _parts(stored)
        return self._document(key, dict(zip(self.members, texts, strict=True)))

    def _document(self, key: str, texts: dict[str, Any]) -> Document:
        load = self._load
        try:
            return {member: load(text) for member, text in texts.items() if text is not None}
        except Exception as error:
            # ``load`` may be the user's own.
            raise UnreadableDocument(f"{key} holds a member that cannot be read: {error}") from None

    def delete(self, keys: list[str], capabilities: Capabilities) -> Operation[int]:
        deleted = 0
        for batch in batched(keys):
            commands = []
            for key in batch:
                commands += [command("DEL", key), command("DEL", *(self.field_key(key, one) for one in self.members))]
            replies = yield Batch(tuple(commands), atomic=True, role=WRITE)
            deleted += len(batch) if replies is None else sum(replies[::2])
        return deleted

    def expire(self, key: str, seconds: int | None, capabilities: Capabilities) -> Operation[bool]:
        lives = self.lives
        keys = [key, *(self.field_key(key, member) for member in self.members if member not in lives)]
        life = [command("PERSIST", one) if seconds is None else command("EXPIRE", one, seconds) for one in keys]
        replies = yield Batch((command("EXISTS", key), *life), atomic=True, role=WRITE)
        return replies is None or bool(replies[0])

    def watched(self, key: str) -> list[str]:
        return [key, *(self.field_key(key, member) for member in self.members)]


def _joined(texts: list[Any]) -> bytes:
    """Texts as one, each after its length: a serializer of the user's own may write any bytes.

    >>> _joined([b"1", None, b"a:b"])
    b'1:1-3:a:b'
    """
    found = (None if text is None else as_bytes(text) for text in texts)
    return b"".join(b"-" if text is None else b"%d:%s" % (len(text), text) for text in found)


def _parts(joined: bytes) -> list[bytes | None]:
    """The texts again.

    >>> _parts(b"1:1-3:a:b")
    [b'1', None, b'a:b']
    """
    parts: list[bytes | None] = []
    while joined:
        if joined.startswith(b"-"):
            parts.append(None)
            joined = joined[1:]
            continue
        length, _, rest = joined.partition(b":")
        parts.append(rest[: int(length)])
        joined = rest[int(length) :]
    return parts
