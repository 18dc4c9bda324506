from pathlib import Path

import pytest

from hetarag.config import SearchSettings, Settings, load_settings, redact, validate_settings
from hetarag.errors import ConfigError
from hetarag.retired_settings import CUT, RENAMED


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
        Settings().search.k = 3


def test_passwords_are_taken_out() -> None:
    assert redact("bolt://neo4j:pass@host:7687") == "bolt://neo4j:***@host:7687"
    assert redact("http://host/a:b@c") == "http://host/a:b@c"


@pytest.mark.parametrize(
    ("section", "key", "default"),
    [(*name.split("."), cut.default) for name, cut in CUT.items()],
)
def test_a_cut_setting_is_ignored_at_its_default_and_refused_else(
    section: str, key: str, default: object
) -> None:
    with pytest.warns(FutureWarning, match=rf"{section}\.{key}.* is ignored"):
        settings = validate_settings({section: {key: default, "k": 3}}, "a file")
    assert settings.search.k == 3
    with pytest.raises(ConfigError, match=rf"a file: .*{section}\.{key}.* is no longer there: "):
        validate_settings({section: {key: "another value"}}, "a file")
    with pytest.raises(ConfigError, match="is no longer there"):
        load_settings(None, {f"HETARAG_{section}__{key}".upper(): "another value"})
    with pytest.raises(ConfigError, match="is no longer there"):
        settings.search.changed({key: "another value"})


@pytest.mark.parametrize(("key", "value"), [("DECOMPOSE_BELOW", "0.80"), ("RANKER", "")])
def test_a_default_as_text_is_the_default(key: str, value: str) -> None:
    with pytest.warns(FutureWarning, match=rf"search\.{key.lower()}.* is ignored"):
        load_settings(None, {f"HETARAG_SEARCH__{key}": value})


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_renamed_setting_is_refused_with_its_new_name(old: str, new: str) -> None:
    section, key = old.split(".")
    with pytest.raises(ConfigError, match=rf"'{old}' is called '{new}' now"):
        validate_settings({section: {key: 5}}, "a file")
    assert validate_settings({section: {new.split(".")[1]: 5}}, "a file")


def test_a_cut_value_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"search\.fusion = 'learned' is no longer there"):
        validate_settings({"search": {"fusion": "learned"}}, "a file")


def test_further_stores_are_tables_with_a_kind() -> None:
    settings = validate_settings(
        {"stores": {"sql": "none", "papers": {"kind": "vector", "url": "http://host", "x": 1}}}, "a"
    )
    named = settings.stores.named()
    assert list(named) == ["vector", "fulltext", "graph", "papers"]
    assert (named["papers"].kind, named["papers"].options) == ("vector", {"x": 1})
    by_environment = load_settings(
        None, {"HETARAG_STORES__PAPERS__KIND": "vector", "HETARAG_STORES__PAPERS__URL": "http://h"}
    )
    assert by_environment.stores.named()["papers"].url == "http://h"


@pytest.mark.parametrize(
    ("stores", "said"),
    [
        ({"vectr": "embedded"}, r"unknown setting 'stores\.vectr'.*\[stores\.vectr\] with kind"),
        ({"papers": {"url": "http://h"}}, r"stores\.papers\.kind"),
        ({"hops": {"kind": "vector"}}, "cannot be called 'hops'"),
        ({"Pa pers": {"kind": "vector"}}, "cannot be called 'Pa pers'"),
    ],
)
def test_stores_that_cannot_be(stores: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        validate_settings({"stores": stores}, "a file")


def test_search_settings_of_one_question_change_what_they_were_given() -> None:
    base = SearchSettings(k=3, rrf_k=60)
    changed = base.changed(SearchSettings(rerank="none"))
    assert (changed.k, changed.rrf_k, changed.rerank) == (3, 60, "none")
    with pytest.raises(ValueError, match="rerank"):
        SearchSettings(rerank="all")  # type: ignore[arg-type]
