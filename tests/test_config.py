from pathlib import Path

import pytest

from hetarag.config import Settings, load_settings, redact, validate_settings
from hetarag.errors import ConfigError


def test_file_and_environment_and_which_wins(tmp_path: Path) -> None:
    path = tmp_path / "hetarag.toml"
    path.write_text("[search]\nk = 3\nrouter = 'all'\n[stores]\ngraph = 'none'\n")
    settings = load_settings(
        path, {"HETARAG_SEARCH__K": "7", "HETARAG_DEBUG": "1", "OTHER__K": "2"}
    )
    assert settings.search.k == 7
    assert settings.search.router == "all"
    assert settings.stores.graph == "none"
    assert settings.stores.vector == "embedded"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"serach": {}}, "unknown setting 'serach'; known here: ledger"),
        ({"search": {"kk": 1}}, "unknown setting 'search.kk'; known here: k, router"),
        ({"search": {"k": 0}}, "setting 'search.k'"),
        ({"search": {"router": "magic"}}, "setting 'search.router'"),
        ({"search": 3}, "setting 'search'"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate_settings(values, "here")


def test_a_misspelt_variable_is_refused() -> None:
    with pytest.raises(ConfigError, match="stores.vektor"):
        load_settings(environment={"HETARAG_STORES__VEKTOR": "x"})


@pytest.mark.parametrize("content", [b"[search\n", b"\xff\xfe"])
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not a TOML file"):
        load_settings(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the settings"):
        load_settings(tmp_path / "none.toml")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().search.k = 3  # type: ignore[misc]


def test_passwords_are_taken_out() -> None:
    assert redact("bolt://neo4j:pass@host:7687") == "bolt://neo4j:***@host:7687"
    assert redact("http://host/a:b@c") == "http://host/a:b@c"
