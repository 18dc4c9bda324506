"""A store that finds words in another spelling, by the trigrams of their letters.

Two words are as alike as the share of trigrams that they have in common (Dice's coefficient), and a record's score
is the mean over the question's words of the most alike word in the record.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hetarag.errors import StoreError
from hetarag.protocols import Store
from hetarag.stores.adapter import (
    check_deadline,
    dedupe_by_id,
    encodable_filter,
    lock_until,
    prepare,
    ranked,
    translated,
)
from hetarag.stores.registry import StoreOptions
from hetarag.text import content_words, encodable
from hetarag.types import (
    EvidenceKind,
    Filter,
    Health,
    Hit,
    Query,
    Record,
    RecordPart,
    SearchResult,
    StoreKind,
)

ALIKE = 0.5
"""The least share of common trigrams at which a word counts as another spelling."""
_LETTERS = 40  # of a word that are looked at
_WORDS = 64  # of a question that are looked up
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_TABLES = """
CREATE TABLE IF NOT EXISTS records (
    id TEXT PRIMARY KEY, digest TEXT, collection TEXT, document TEXT, tags TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS words (word TEXT, id TEXT, PRIMARY KEY (word, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS words_of ON words (id);
CREATE TABLE IF NOT EXISTS trigrams (
    trigram TEXT, word TEXT, PRIMARY KEY (trigram, word)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trigrams_of ON trigrams (word);
"""
_GIVEN = "(SELECT value FROM json_each(?))"
Result = TypeVar("Result")


class TrigramStore(Store):
    """The words of all records and their trigrams, in one SQLite file."""

    kind: StoreKind = "trigram"
    accepts: frozenset[EvidenceKind] = frozenset({"chunk", "row", "table"})
    takes: frozenset[RecordPart] = frozenset()

    def __init__(self, folder: Path) -> None:
        self._file = folder / "trigrams.sqlite"
        self._lock = threading.Lock()  # of the one connection, which all threads share
        self._closed = False
        prepare(self.kind, folder)
        with self._explained("open"):
            self._database = sqlite3.connect(self._file, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")  # durable when apply returns
            self._database.executescript(_TABLES)

    @classmethod
    def open(cls, address: str, folder: Path, options: StoreOptions) -> TrigramStore:  # noqa: ARG003
        """Open the store in its folder; it has one address and no settings."""
        return cls(folder)

    def apply(self, records: Sequence[Record]) -> None:
        """Write records in one transaction."""
        new = dedupe_by_id(self.kind, self.accepts, records)

        def write(database: sqlite3.Connection) -> None:
            _remove(database, new)
            for record in new.values():
                _insert(database, record)

        self._run("write", write)

    def delete(self, ids: Collection[str]) -> None:
        """Remove records, and the words that are in no other record."""
        self._run("delete", lambda database: _remove(database, ids))

    def digests(self, ids: Collection[str]) -> dict[str, str]:
        """Return the digests of those of the ids that are there."""
        statement = f"SELECT id, digest FROM records WHERE id IN {_GIVEN}"  # noqa: S608
        return dict(self._rows(statement, json.dumps([*ids])))

    def scan(self) -> Iterator[tuple[str, str]]:
        """Yield (id, digest) of every record."""
        yield from self._rows("SELECT id, digest FROM records")

    def search(self, query: Query, k: int) -> SearchResult[Hit]:
        """Return the k records whose words are most like those of the question."""
        check_deadline(self.kind, query.deadline)
        wanted = words_of(query.text)[:_WORDS]
        restriction = encodable_filter(query.filter)

        def find(database: sqlite3.Connection) -> dict[str, float]:
            scores: dict[str, float] = {}
            for word in wanted:
                for identifier, likeness in _holders(database, word, restriction).items():
                    scores[identifier] = scores.get(identifier, 0.0) + likeness / len(wanted)
            return scores

        return ranked(self.kind, self._run("search", find, query.deadline).items(), k)

    def health(self) -> Health:
        """Tell whether the file can be read, and how many records it holds."""
        engine = f"SQLite {sqlite3.sqlite_version}, trigrams"
        try:
            ((count,),) = self._rows("SELECT count(*) FROM records")
        except StoreError as error:
            return Health(False, engine, detail=error.reason)
        return Health(True, engine, count)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            self._closed = True
            self._database.close()

    def _rows(self, statement: str, *parameters: str) -> list[Any]:
        return self._run(
            "read", lambda database: database.execute(statement, parameters).fetchall()
        )

    def _run(
        self,
        action: str,
        work: Callable[[sqlite3.Connection], Result],
        deadline: float | None = None,
    ) -> Result:
        """Run a transaction by the deadline, which SQLite itself looks at now and then."""
        with lock_until(self._lock, self.kind, deadline):
            if self._closed:
                raise StoreError(self.kind, "is closed; open the knowledge base again")
            late = None if deadline is None else lambda: time.monotonic() >= deadline
            self._database.set_progress_handler(late, _STEPS)
            try:
                with self._explained(action), self._database:
                    return work(self._database)
            except StoreError:
                check_deadline(self.kind, deadline)
                raise

    def _explained(self, action: str) -> Any:
        advice = f"if it stays so, remove {self._file.parent} and run `hetarag repair`"
        return translated(self.kind, action, advice)


def words_of(text: str) -> list[str]:
    """Return the different words of a text in their order, the stop words left out."""
    return list(dict.fromkeys(word[:_LETTERS] for word in content_words(encodable(text))))


def trigrams_of(word: str) -> frozenset[str]:
    """Return the trigrams of a word; two spaces before it make its beginning count more."""
    padded = f"  {word} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _insert(database: sqlite3.Connection, record: Record) -> None:
    owner = (
        encodable(record.collection),
        record.document_id,
        json.dumps([*map(encodable, record.tags)]),
    )
    row = (record.id, record.digest, *owner)
    database.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?)", row)
    for word in words_of(f"{record.title} {record.text}"):
        database.execute("INSERT INTO words VALUES (?, ?)", (word, record.id))
        pairs = [(trigram, word) for trigram in trigrams_of(word)]
        database.executemany("INSERT OR IGNORE INTO trigrams VALUES (?, ?)", pairs)


def _remove(database: sqlite3.Connection, ids: Collection[str]) -> None:
    given = json.dumps([*ids])
    words = database.execute(f"SELECT DISTINCT word FROM words WHERE id IN {_GIVEN}", (given,))  # noqa: S608
    lost = json.dumps([word for (word,) in words])
    for table in ("records", "words"):
        database.execute(f"DELETE FROM {table} WHERE id IN {_GIVEN}", (given,))  # noqa: S608
    database.execute(
        f"DELETE FROM trigrams WHERE word IN {_GIVEN} AND word NOT IN (SELECT word FROM words)",  # noqa: S608
        (lost,),
    )


def _holders(database: sqlite3.Connection, word: str, restriction: Filter) -> Mapping[str, float]:
    """Return the permitted records with a word like this one, each with its best likeness."""
    own = trigrams_of(word)
    statement = f"SELECT word, count(*) FROM trigrams WHERE trigram IN {_GIVEN} GROUP BY word"  # noqa: S608
    best: dict[str, float] = {}
    for other, common in database.execute(statement, (json.dumps([*own]),)).fetchall():
        likeness = 2 * common / (len(own) + len(trigrams_of(other)))
        if likeness < ALIKE:
            continue
        for identifier, collection, document, tags in database.execute(
            "SELECT id, collection, document, tags FROM records JOIN words USING (id) WHERE word = ?",
            (other,),
        ):
            if restriction.admits(collection, document, json.loads(tags)):
                best[identifier] = max(likeness, best.get(identifier, 0.0))
    return best
