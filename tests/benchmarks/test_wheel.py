"""What is in the wheel, and what importing it costs; `python -m benchmarks wheel` installs and runs it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in the wheel of this checkout."""
    pytest.importorskip("hatchling", reason="needs the extra hetarag[dev]")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return wheel.namelist()


def test_the_wheel_holds_the_package_alone(names: list[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hetarag"}
    assert not [name for name in names if name.endswith((".pyc", ".md"))]


def test_the_wheel_holds_what_the_package_reads(names: list[str]) -> None:
    package = ROOT / "hetarag"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in package.rglob("*")
        if path.suffix in (".py", ".npz", ".typed", ".mako")
    }
    assert wanted <= set(names)
    licences = [name for name in names if ".dist-info/licenses/" in name]
    assert {Path(name).name for name in licences} == {"LICENSE", "NOTICE"}


def test_importing_hetarag_takes_less_than_a_fifth_of_a_second() -> None:
    code = "import time; t = time.process_time(); import hetarag; print(time.process_time() - t)"
    times = [
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
            ).stdout
        )
        for _ in range(5)
    ]
    assert statistics.median(times) < 0.2
