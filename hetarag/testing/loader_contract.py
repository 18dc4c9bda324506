"""What a loader promises: subclass `LoaderContract` and override `loader_under_test`.

A loader is a function `parse(data: bytes) -> Parsed` and a `Format` that names it. Whatever the bytes, it returns
clean text and regular tables or raises a `ValueError` whose message tells a user what to do.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from random import Random

from hetarag.ingest.loaders.formats import Format, by_extension
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.testing.extra import hypothesis, pytest
from hetarag.types import Table

st = hypothesis.strategies

MUTATIONS = 60
"""Damaged copies that are read of each sample."""
_UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_EXAMPLES = hypothesis.settings(
    max_examples=100, deadline=None, suppress_health_check=[*hypothesis.HealthCheck]
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A file that can be read, and words that are then in its text or its tables."""

    data: bytes
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoaderUnderTest:
    """A format with samples of it.

    `read` returns what is in a file, for a format of several documents in one; None: what its parser returns.
    """

    format: Format
    samples: Sequence[Sample]
    read: Callable[[bytes], list[Parsed]] | None = None

    def documents(self, data: bytes) -> list[Parsed]:
        """Return what is in a file; `ValueError` where nothing can be read."""
        return [self.format.parser()(data)] if self.read is None else self.read(data)


class LoaderContract:
    """Samples that are read well, and damaged ones that do no harm."""

    @pytest.fixture
    def loader_under_test(self) -> LoaderUnderTest:
        """Override this one: return the loader that the contract is for."""
        raise NotImplementedError(
            f"{type(self).__name__} has to override the fixture loader_under_test"
        )

    @pytest.fixture(autouse=True)
    def _offline(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Nothing that a file names is fetched."""

        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("a loader opened a connection")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        yield

    def test_its_format_is_found_by_each_extension(
        self, loader_under_test: LoaderUnderTest
    ) -> None:
        own = loader_under_test.format
        assert own.extensions
        assert re.fullmatch(r"[\w.+-]+/[\w.+-]+", own.media_type)
        for extension in own.extensions:
            assert re.fullmatch(r"\.[a-z0-9_+-]+", extension)
            assert by_extension(PurePath("file" + extension)) == own
            assert by_extension(PurePath("FILE" + extension.upper())) == own

    def test_samples_are_read(self, loader_under_test: LoaderUnderTest) -> None:
        assert loader_under_test.samples
        for sample in loader_under_test.samples:
            found = loader_under_test.documents(sample.data)
            assert any(parsed.text or parsed.tables for parsed in found)
            said = "\n".join(map(_everything, found))
            for words in sample.words:
                assert words in said
            for parsed in found:
                check_parsed(parsed)

    def test_the_same_bytes_are_read_the_same(self, loader_under_test: LoaderUnderTest) -> None:
        for sample in loader_under_test.samples:
            first, second = (loader_under_test.documents(sample.data) for _ in range(2))
            assert first == second

    def test_nothing_is_read_as_nothing(self, loader_under_test: LoaderUnderTest) -> None:
        for data in (b"", b" ", b"\n\n", b"\xef\xbb\xbf", b"\x00"):
            self._reads_or_explains(loader_under_test, data)

    def test_damaged_samples_are_read_or_explained(
        self, loader_under_test: LoaderUnderTest
    ) -> None:
        random = Random(loader_under_test.format.name)
        for sample in loader_under_test.samples:
            for _ in range(MUTATIONS):
                self._reads_or_explains(loader_under_test, damaged(sample.data, random))

    @_EXAMPLES
    @hypothesis.given(data=st.binary(max_size=400))
    def test_any_bytes_are_read_or_explained(
        self, loader_under_test: LoaderUnderTest, data: bytes
    ) -> None:
        self._reads_or_explains(loader_under_test, data)

    @_EXAMPLES
    @hypothesis.given(text=st.text(max_size=200))
    def test_any_text_is_read_or_explained(
        self, loader_under_test: LoaderUnderTest, text: str
    ) -> None:
        self._reads_or_explains(loader_under_test, text.encode("utf-8", "surrogatepass"))

    @staticmethod
    def _reads_or_explains(loader: LoaderUnderTest, data: bytes) -> None:
        try:
            found = loader.documents(data)
        except ValueError as error:
            assert len(str(error)) > 10, f"{error!r} tells a user nothing"
            assert not isinstance(error, UnicodeError), f"{error!r} is no message for a user"
            return
        for parsed in found:
            check_parsed(parsed)


def check_parsed(parsed: Parsed) -> None:
    """Assert that text, offsets and tables are as the ledger and the stores need them."""
    for text in (parsed.text, parsed.title, *parsed.warnings):
        assert _is_clean(text)
    assert "\n" not in parsed.title
    end = 0
    for page in parsed.pages:
        assert end <= page.start <= page.end <= len(parsed.text)
        end = page.end
    numbers = [page.number for page in parsed.pages]
    assert numbers == sorted(set(numbers))
    end = 0
    for heading in parsed.headings:
        assert end <= heading.start < heading.end <= len(parsed.text)
        assert parsed.text[heading.start : heading.end].strip()
        assert heading.level >= 1
        end = heading.end
    for key, value in parsed.metadata.items():
        assert isinstance(key, str)
        assert isinstance(value, str | int | float | bool)
    for table in parsed.tables:
        check_table(table)


def check_table(table: Table) -> None:
    """Assert that a table has columns of different names, and rows as wide as these."""
    names = [column.name for column in table.columns]
    assert names
    assert len(set(names)) == len(names)
    assert all(map(_is_clean, [table.name, *names]))
    for row in table.rows:
        assert len(row) == len(names)
        assert all(_is_clean(cell) for cell in row if isinstance(cell, str))


def damaged(data: bytes, random: Random) -> bytes:
    """Return `data` cut off, with other bytes in it, or with a piece missing or doubled."""
    start = random.randrange(len(data))
    end = min(len(data), start + random.randrange(1, 40))
    if random.random() < 0.25:
        return data[:start]
    if random.random() < 0.5:
        return data[:start] + random.randbytes(end - start) + data[end:]
    return data[:start] + (data[start:end] * 2 if random.random() < 0.5 else b"") + data[end:]


def _is_clean(text: str) -> bool:
    return _UNCLEAN.search(text) is None


def _everything(parsed: Parsed) -> str:
    cells = [str(cell) for table in parsed.tables for row in table.rows for cell in row]
    heads = [column.name for table in parsed.tables for column in table.columns]
    return "\n".join([parsed.title, parsed.text, *heads, *cells])
