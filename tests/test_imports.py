"""What importing hetarag loads, and what a search does."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import hetarag
from tests.conftest import RULES

HEAVY = {
    "torch",
    "transformers",
    "spacy",
    "tantivy",
    "ladybug",
    "qdrant_edge",
    "fastapi",
    "onnxruntime",
}

SEARCH = """
import json, sys
from pathlib import Path
from hetarag import HetaRAG
from hetarag.testing.doubles import HashingEmbedder
with HetaRAG.open(Path(sys.argv[1]), json.loads(sys.argv[2]), embedder=HashingEmbedder()) as rag:
    assert rag.search("Who designed the Fram?", 3).complete
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(code: str, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module", ["hetarag", "hetarag.engine.knowledge_base", "hetarag.cli.app", "hetarag.ingest"]
)
def test_importing_loads_no_driver_and_no_model_library(module: str) -> None:
    code = (
        f"import json, sys, {module}\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    assert loaded(code).isdisjoint(HEAVY)


def test_a_search_loads_neither_torch_nor_spacy(tmp_path: Path) -> None:
    modules = loaded(SEARCH, str(tmp_path / "kb"), json.dumps(RULES))
    assert modules.isdisjoint({"torch", "transformers", "spacy", "fastapi"})


def test_public_names_are_pinned() -> None:
    assert set(hetarag.__all__) == {
        "Answer",
        "AnswerOptions",
        "AnswerTrace",
        "BatchReader",
        "Citation",
        "Column",
        "ConfigError",
        "Difference",
        "Document",
        "DocumentInfo",
        "Embedder",
        "Extractor",
        "FingerprintError",
        "Heading",
        "Health",
        "HetaRAG",
        "HetaRAGError",
        "Hit",
        "IngestError",
        "IngestProgress",
        "IngestReport",
        "InputError",
        "KnowledgeBaseInfo",
        "LedgerError",
        "LockedError",
        "MissingExtraError",
        "ModelError",
        "NotFoundError",
        "Page",
        "PassageScorer",
        "QueryResult",
        "RankedEvidence",
        "ReadTrace",
        "Reader",
        "Reranker",
        "Retriever",
        "SearchError",
        "SearchOptions",
        "SearchResult",
        "SearchSettings",
        "SearchTrace",
        "Settings",
        "SourceFailure",
        "Store",
        "StoreError",
        "StoreInfo",
        "StorePlan",
        "StoreStatus",
        "StoreTimeoutError",
        "StreamEvent",
        "Table",
        "TableStore",
        "TokenStep",
        "UnsupportedModelError",
        "VectorStore",
    }
    for name in hetarag.__all__:
        assert getattr(hetarag, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        hetarag.Nothing  # noqa: B018


PUBLIC = {
    "hetarag",
    "hetarag.config",
    "hetarag.decoding",
    "hetarag.errors",
    "hetarag.models",
    "hetarag.protocols",
    "hetarag.retrievers",
    "hetarag.text",
    "hetarag.types",
}


def imported(tree: ast.AST) -> set[str]:
    """The modules of hetarag that a file imports, wherever it does."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name for name in names if name.partition(".")[0] == "hetarag"}


def test_eval_uses_the_public_api_alone() -> None:
    for file in (Path(hetarag.__file__).parent / "eval").glob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        inner = {name for name in imported(tree) if not name.startswith("hetarag.eval")} - PUBLIC
        assert not inner, file.name
        private = [
            n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "_parts"
        ]
        assert not private, file.name
