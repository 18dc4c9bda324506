"""The callable for custom_generate, the exported folder, and the package's door without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hetarag.decoding import (
    CAD,
    CustomGenerate,
    LayerFusion,
    decoding,
    export_custom_generate,
    layer_fused,
)
from hetarag.errors import InputError
from tests.decoding.tiny_models import make, prompt, shared

GREEDY = {"max_new_tokens": 5, "do_sample": False}


@pytest.mark.parametrize(
    "options",
    [{}, {"num_beams": 3}, {"cache_implementation": "static"}, {"repetition_penalty": 1.3}],
    ids=str,
)
@pytest.mark.parametrize("fusion", [LayerFusion(), LayerFusion(fuse_normed=True)], ids=str)
def test_the_callable_does_what_the_block_does(
    fusion: LayerFusion, options: dict[str, Any]
) -> None:
    model, ids = shared("llama"), prompt(2)
    with layer_fused(model, fusion) as trace:
        expected = model.generate(ids, **GREEDY, **options)
    door = CustomGenerate(fusion)
    out = model.generate(ids, **GREEDY, **options, custom_generate=door)
    assert torch.equal(out, expected)
    assert [x.layers for x in door.trace.steps] == [x.layers for x in trace.steps]
    assert "generate" not in vars(model)


def test_the_callable_takes_any_method_and_a_streamer() -> None:
    class Stream:
        def __init__(self) -> None:
            self.tokens: list[int] = []
            self.ended = False

        def put(self, value: torch.Tensor) -> None:
            self.tokens += value.flatten().tolist()

        def end(self) -> None:
            self.ended = True

    model, ids, stream = shared("llama"), prompt(), Stream()
    with decoding(model, CAD(), without_context=prompt(1, 3)):
        expected = model.generate(ids, **GREEDY)
    door = CustomGenerate(CAD(), without_context=prompt(1, 3), streamer=stream)
    assert torch.equal(model.generate(ids, **GREEDY, custom_generate=door), expected)
    assert stream.tokens == expected[0].tolist()
    assert stream.ended


@pytest.mark.parametrize(
    "options",
    [
        {"prefill_chunk_size": 4},
        {"guidance_scale": 1.5},
        {"prompt_lookup_num_tokens": 2},
        {"logits_to_keep": 2},
    ],
    ids=str,
)
def test_the_callable_refuses_what_the_block_refuses(options: dict[str, Any]) -> None:
    model, door = shared("llama"), CustomGenerate()
    with pytest.raises(InputError):
        model.generate(prompt(), **GREEDY, **options, custom_generate=door)
    assert len(door.trace) == 0


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_custom_generate(tmp_path_factory.mktemp("hub") / "lfd")


def test_the_folder_holds_the_engine_and_nothing_of_hetarag(exported: Path) -> None:
    files = {x.name for x in (exported / "custom_generate").glob("*.py")}
    assert {"generate.py", "lfd.py", "hooks.py", "errors.py"} <= files
    assert "baselines.py" not in files
    for file in (exported / "custom_generate").glob("*.py"):
        assert "from hetarag" not in file.read_text()
        assert "import hetarag" not in file.read_text()
    assert "custom_generate" in (exported / "README.md").read_text()


SCRIPT = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "hetarag":
            raise ImportError("hetarag is blocked")

sys.meta_path.insert(0, Block())
import torch, transformers

model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1])
ids, seen, trace = torch.tensor(eval(sys.argv[3])), [], []

class Stream:
    def put(self, value): seen.extend(value.flatten().tolist())
    def end(self): seen.append("end")

out = model.generate(
    ids, max_new_tokens=5, do_sample=False, custom_generate=sys.argv[2], trust_remote_code=True,
    streamer=Stream(), score="jsd", weight=0.5, fuse_normed=True, trace=trace,
)
assert seen == out[0].tolist() + ["end"], seen
assert not any(x.split(".")[0] == "hetarag" for x in sys.modules)
try:
    model.generate(ids, custom_generate=sys.argv[2], trust_remote_code=True, prefill_chunk_size=4)
except ValueError as error:
    assert "prefill_chunk_size" in str(error)
else:
    raise SystemExit("not refused")
print(out[0].tolist(), [x.layers for x in trace])
"""


def test_the_folder_works_with_transformers_alone(exported: Path, tmp_path: Path) -> None:
    model, ids = make("llama"), prompt()
    model.save_pretrained(tmp_path / "model")
    fusion = LayerFusion(score="jsd", weight=0.5, fuse_normed=True)
    with layer_fused(model, fusion) as trace:
        expected = model.generate(ids, **GREEDY)
    arguments = [str(tmp_path / "model"), str(exported), str(ids.tolist())]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    layers = [x.layers for x in trace.steps]
    assert done.stdout.strip().splitlines()[-1] == f"{expected[0].tolist()} {layers}"


NO_TORCH = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "transformers"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Block())
import hetarag.decoding
from hetarag.decoding import LayerFusion
from hetarag.decoding.registry import DEFAULT
from hetarag.errors import MissingExtraError

for name in ("layer_fused", "decoding", "CustomGenerate", "export_custom_generate"):
    try:
        getattr(hetarag.decoding, name)
    except MissingExtraError as error:
        assert (error.package, error.extra) == ("torch", "local")
    else:
        raise SystemExit(name)
assert not hasattr(hetarag.decoding, "nothing")
assert "torch" not in sys.modules
"""


def test_the_package_opens_without_torch() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", NO_TORCH], capture_output=True, text=True, cwd=root, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_importing_the_package_loads_no_torch() -> None:
    code = "import hetarag.decoding, sys; assert 'torch' not in sys.modules"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
