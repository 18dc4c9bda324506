"""Turning a GGUF file into a folder of safetensors, once, so that later starts are quick.

Weights are kept in bfloat16: the rounding (0.0011 relative) vanishes beside the 4 to 8 bits that the
GGUF file has (0.044), the file is half as large as in float32, and on processors with fast bfloat16
it is mapped into memory as it is.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hetarag.errors import MissingExtraError, ModelError
from hetarag.models.torch_setup import load_libraries, progress_bars_disabled

NEEDED = ("torch", "transformers", "gguf", "accelerate")


def check_packages() -> None:
    """Raise `MissingExtraError` if a package is missing, before anything is downloaded."""
    for package in NEEDED:
        if find_spec(package) is None:
            raise MissingExtraError(package, "local", "a local reader")


def convert(gguf: Path, folder: Path, *, tied: bool) -> None:
    """Write the model and tokenizer in `gguf` into `folder`."""
    torch, transformers = load_libraries("a local reader")
    try:
        with progress_bars_disabled(transformers):
            model = transformers.AutoModelForCausalLM.from_pretrained(
                gguf.parent,
                gguf_file=gguf.name,
                quantization_config=transformers.GgufConfig(dequantize=True),
                dtype=torch.float32,
            )
            if tied:
                _tie(model)
            model.to(torch.bfloat16).save_pretrained(folder)
            tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
            tokenizer.save_pretrained(folder)
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        raise ModelError(f"{gguf.name} cannot be converted: {error}") from error
    _leave_out_the_past(folder / "config.json")


def _tie(model: Any) -> None:
    """Let input and output share the output's matrix, as in the original model.

    A GGUF file may hold the matrix twice, the input's copy at lower precision.
    """
    model.get_input_embeddings().weight = model.get_output_embeddings().weight
    model.config.tie_word_embeddings = True


def _leave_out_the_past(path: Path) -> None:
    """Take out of the configuration what only said how the GGUF file was read."""
    config = json.loads(path.read_text("utf-8"))
    config.pop("quantization_config", None)
    for key in ("_name_or_path", "_model_name_or_path"):
        config.pop(key, None)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
