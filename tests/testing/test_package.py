"""What hetarag.testing needs, and that nothing else needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = sorted(path.stem for path in (ROOT / "hetarag" / "testing").glob("*_contract*.py"))


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


def test_hetarag_imports_none_of_it() -> None:
    code = (
        "import sys, hetarag, hetarag.cli.app, hetarag.engine.knowledge_base\n"
        "print({n for n in sys.modules if n.startswith('hetarag.testing')} or 'none',"
        " {'pytest', 'hypothesis'} & set(sys.modules) or 'none')"
    )
    assert run(code).stdout.split() == ["none", "none"]


@pytest.mark.parametrize("package", ["pytest", "hypothesis"])
@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_contract_says_which_extra_it_needs(contract: str, package: str) -> None:
    code = (
        f"import sys\nsys.modules[{package!r}] = None\nfrom hetarag.errors import MissingExtraError\n"
        f"try:\n    import hetarag.testing.{contract}\nexcept MissingExtraError as error:\n    print(error)"
    )
    said = run(code).stdout
    assert package in said
    assert "pip install 'hetarag[testing]'" in said


def test_doubles_need_nothing() -> None:
    code = (
        "import sys\nsys.modules['pytest'] = sys.modules['hypothesis'] = None\n"
        "from hetarag.testing.doubles import HashingEmbedder\nprint(HashingEmbedder().dimension)"
    )
    assert run(code).stdout.strip() == "64"


def test_failed_assertions_of_contracts_show_their_values(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text(
        "import pytest\n"
        "from hetarag.testing.doubles import HashingEmbedder\n"
        "from hetarag.testing.model_contracts import EmbedderContract\n"
        "class Short(HashingEmbedder):\n"
        "    def embed_passages(self, texts):\n"
        "        return super().embed_passages(texts)[:-1]\n"
        "class TestShort(EmbedderContract):\n"
        "    @pytest.fixture(scope='class')\n"
        "    @classmethod\n"
        "    def open_embedder(cls):\n"
        "        return Short\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert "assert (7, 64) == (8, 64)" in done.stdout
