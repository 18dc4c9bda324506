"""A server that should be there and is not fails the test."""

from __future__ import annotations

import pytest

from tests.servers.process import LEFT_OUT, SERVERS, missing_server


@pytest.mark.parametrize(
    ("environment", "outcome"),
    [
        ({}, pytest.skip.Exception),
        ({"CI": "false"}, pytest.skip.Exception),
        ({"CI": "true"}, pytest.fail.Exception),
        ({SERVERS: "somewhere"}, pytest.fail.Exception),
        ({"CI": "true", LEFT_OUT: "neo4j"}, pytest.fail.Exception),
        ({"CI": "true", LEFT_OUT: "neo4j,elasticsearch"}, pytest.skip.Exception),
    ],
)
def test_a_missing_server_is_a_failure_where_it_should_be_there(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], outcome: type[BaseException]
) -> None:
    for name in ("CI", SERVERS, LEFT_OUT):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(outcome, match="no elasticsearch server: not installed"):
        missing_server("elasticsearch", "not installed")
