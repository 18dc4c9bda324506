"""The number type that is fastest on this machine, measured once.

Processors differ by more than a factor of ten here: with bfloat16 instructions a product takes half
the time of float32, without them six times as long.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ROWS, _WIDTH, _OUTPUTS = 64, 896, 16_384
_PROMPT, _ANSWER = 1_100, 20
_REPEATS = 3


def fastest_dtype(cache: Path | None = None) -> str:
    """Return "float32" or "bfloat16", for a prompt of 1,100 tokens and an answer of 20.

    The measurement takes about 0.2 s and is kept in the file `cache` for this processor.
    """
    import torch

    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    key = f"{_processor()} {torch.__version__} {torch.get_num_threads()}"
    known = _read(cache)
    if key not in known:
        costs = {name: _cost(torch, name) for name in ("float32", "bfloat16")}
        known = {**known, key: min(costs, key=lambda name: costs[name])}
        _write(cache, known)
    return known[key]


def _cost(torch: Any, name: str) -> float:
    """Return the time of a product as in the prompt's pass and of one as in a token's, weighted."""
    dtype = getattr(torch, name)
    with torch.inference_mode():
        weights = torch.full((_OUTPUTS, _WIDTH), 0.01, dtype=dtype)
        many = torch.full((_ROWS, _WIDTH), 0.01, dtype=dtype)
        one = many[:1].contiguous()
        linear = torch.nn.functional.linear
        prompt = _best(lambda: linear(many, weights))
        token = _best(lambda: linear(one, weights))
    return prompt * _PROMPT / _ROWS + token * _ANSWER


def _best(run: Callable[[], object]) -> float:
    run()
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def _processor() -> str:
    """Return the processor's name; the platform module does not know it on Linux."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith(("model name", "CPU part")):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _read(cache: Path | None) -> dict[str, str]:
    try:
        raw = json.loads(cache.read_text("utf-8")) if cache else {}
    except (OSError, ValueError):
        return {}
    known = raw if isinstance(raw, dict) else {}
    return {str(k): str(v) for k, v in known.items() if v in ("float32", "bfloat16")}


def _write(cache: Path | None, known: dict[str, str]) -> None:
    """Keep the result; where nothing can be written it is measured again next time."""
    if cache is None:
        return
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        scratch = cache.with_suffix(f".{os.getpid()}.tmp")
        scratch.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
        scratch.replace(cache)
    except OSError:
        pass
