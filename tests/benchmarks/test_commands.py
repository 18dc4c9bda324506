"""`python -m benchmarks` from the command line, with the default embedder."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app

pytestmark = [pytest.mark.model, pytest.mark.slow]


def test_peers_stand_beside_the_plane(bench_files: list[str]) -> None:
    result = CliRunner().invoke(
        app, ["peers", *bench_files, "--limit", "1"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    for name in ("plane", "LlamaIndex, QueryFusionRetriever", "Haystack, BM25 and vectors, RRF"):
        assert f"| {name} | 1.000 |" in result.stdout


@pytest.mark.parametrize(
    "name",
    ["peers", "ingest", "growth", "search", "reader", "decoding", "parity", "stores", "load"],
)
def test_every_measurement_has_a_page_of_help(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0, result.output
