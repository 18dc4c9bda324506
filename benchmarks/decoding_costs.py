"""What a decoding method costs per token beside greedy: time, memory, and the bandwidth floor."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from torch import Tensor

from benchmarks.shapes import SHAPES, build
from hetarag.config import load_settings
from hetarag.decoding import CAD, AdaCAD, DoLa, LayerFusion, decoding, layer_fused
from hetarag.decoding.registry import DEFAULT, PAPER
from hetarag.errors import InputError
from hetarag.models.hub.install import resolve
from hetarag.models.readers.dtype import fastest_dtype
from hetarag.models.readers.factory import MEASURED
from hetarag.models.torch_setup import progress_bars_disabled

Cache = Literal["dynamic", "static", "compiled"]
"""Which cache a step reads; `compiled` is a static one whose steps are compiled, on both sides."""
Context = AbstractContextManager[Any]

_NUMBER_TYPES = ("float32", "bfloat16", "float16")
_QUESTION = 64
"""Tokens of the prompt without its passages, which CAD's second pass reads."""
_NEEDED = 1e9
"""Bytes read to measure the bandwidth: far more than any processor caches."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One cell of the benchmark: so many rows, each with so many tokens before the answer."""

    batch: int
    context: int
    tokens: int
    cache: Cache = "dynamic"


def methods() -> dict[str, Callable[[Any, Tensor], Context]]:
    """Return what makes each method's block, by name, given a model and the bare prompt."""
    fusions = {
        "lfd": DEFAULT,
        "lfd-paper": PAPER,
        "lfd-normed": LayerFusion(fuse_normed=True),
    }
    made: dict[str, Callable[[Any, Tensor], Context]] = {
        "greedy": lambda _model, _bare: nullcontext()
    }
    for name, fusion in fusions.items():
        made[name] = _fused_by(fusion)
    made["dola"] = lambda model, _bare: decoding(model, DoLa())
    made["cad"] = lambda model, bare: decoding(model, CAD(), without_context=bare)
    made["adacad"] = lambda model, bare: decoding(model, AdaCAD(), without_context=bare)
    return made


def _fused_by(fusion: LayerFusion) -> Callable[[Any, Tensor], Context]:
    return lambda model, _bare: layer_fused(model, fusion)


def cache_named(name: str) -> Cache:
    """Return the cache of this name; raises `InputError` where there is none."""
    if name not in get_args(Cache):
        raise InputError(f"--cache is {', '.join(get_args(Cache))}, not {name!r}")
    return cast("Cache", name)


def load_model(name: str, dtype: str, device: str, config: Path | None = None) -> Any:
    """Return a model: a shape by name with random weights, a reader that is known, or a folder.

    Raises `InputError` for a number type or a device that is not there, and `ModelError` for a
    model that cannot be had.
    """
    settings = load_settings(config).models
    if dtype == "auto":
        dtype = "bfloat16" if device == "cuda" else fastest_dtype(settings.cache / MEASURED)
    if dtype not in _NUMBER_TYPES:
        raise InputError(f"--dtype is auto, {', '.join(_NUMBER_TYPES)}, not {dtype!r}")
    if device not in ("cpu", "cuda"):
        raise InputError(f"--device is cpu or cuda, not {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch sees no GPU here")
    number_type = getattr(torch, dtype)
    if name in SHAPES:
        return build(name, number_type, device)
    import transformers

    folder = resolve(name, settings.cache, download=settings.download)
    with progress_bars_disabled(transformers):
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=number_type)
    model.generation_config.eos_token_id = None  # as many tokens as asked for
    return model.to(torch.device(device)).eval()


def decoding_costs(
    model: Any, names: Sequence[str], work: Workload, rounds: int
) -> list[dict[str, Any]]:
    """Time each method against greedy on one workload; a row of figures per method.

    All methods of a round decode from the same cache, one after the other, in an order that turns
    round with each round. A ratio compares two times of one round, so that a machine that slows
    down slows both; it is given as the median with its range.
    Raises `InputError` for an unknown name.
    """
    known = methods()
    unknown = [x for x in names if x not in known]
    if unknown:
        raise InputError(f"no decoding method {unknown[0]!r}; there are {', '.join(known)}")
    names = ["greedy", *(x for x in names if x != "greedy")]
    torch.compiler.reset()  # what was compiled for another workload would be generalised to this
    prompt = _Prompt(model, work)
    times: dict[str, list[float]] = {name: [] for name in names}
    peaks: dict[str, float] = {}
    for turn in range(rounds + 1):
        for name in names if turn % 2 else reversed(names):
            with known[name](model, prompt.bare), _peak(prompt.device) as peak:
                seconds = prompt.decode()
            if turn:  # the first round warms up
                times[name].append(seconds)
                peaks[name] = max(peaks.get(name, 0.0), peak())
    floor = _floor(model, work, prompt.device)
    return [_row(name, work, times, peaks, floor) for name in names]


class _Prompt:
    """Prompts that the model has read once; `decode` goes on from there, and back again."""

    def __init__(self, model: Any, work: Workload) -> None:
        self.model, self.work, self.device = model, work, model.device
        words = model.config.get_text_config().vocab_size
        random = torch.Generator().manual_seed(0)
        shape = (work.batch, work.context)
        self.ids = torch.randint(10, min(words, 30_000), shape, generator=random).to(self.device)
        self.bare = self.ids[:, -min(_QUESTION, work.context) :]
        self._cache = self._new_cache()
        with torch.no_grad():
            model(
                input_ids=self.ids[:, :-1],
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )

    def decode(self) -> float:
        """Generate and return the seconds a step takes, the prompt's reading left out."""
        stamps: list[float] = []

        def watch(tokens: Tensor, _scores: Any, **_: Any) -> Tensor:
            if self.device.type == "cuda" and len(stamps) in (0, self.work.tokens):
                torch.cuda.synchronize()  # only at both ends: between them the host runs ahead
            stamps.append(time.perf_counter())
            return torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)

        count = self.work.tokens + 1
        with torch.no_grad():
            self.model.generate(
                self.ids,
                attention_mask=torch.ones_like(self.ids),
                max_new_tokens=count,
                min_new_tokens=count,
                do_sample=False,
                pad_token_id=0,
                stopping_criteria=[watch],
                past_key_values=self._cache,
                **self._compiling(),
            )
        self._rewind()
        return (stamps[-1] - stamps[0]) / self.work.tokens

    def _compiling(self) -> dict[str, Any]:
        """Left to itself transformers compiles a static cache's steps on a GPU, and on no CPU."""
        if self.work.cache != "compiled":
            return {"disable_compile": True}
        if self.device.type == "cuda":
            return {}
        from transformers import CompileConfig

        anywhere: Any = CompileConfig(mode="default")
        anywhere._compile_all_devices = True
        return {"compile_config": anywhere}

    def _new_cache(self) -> Any:
        from transformers import DynamicCache, StaticCache

        config = self.model.config
        if self.work.cache == "dynamic":
            return DynamicCache(config=config)
        cache: Any = StaticCache(
            config=config, max_cache_len=self.work.context + self.work.tokens + 1
        )
        if any(x.is_sliding for x in cache.layers):
            raise InputError(
                "a static cache with sliding windows cannot be wound back: leave --cache dynamic"
            )
        return cache

    def _rewind(self) -> None:
        """Go back to the prompt less its last token."""
        if self.work.cache == "dynamic":
            self._cache.crop(-(self._cache.get_seq_length() - self.work.context + 1))
            return
        for layer in self._cache.layers:
            layer.cumulative_length.fill_(self.work.context - 1)


def _row(
    name: str,
    work: Workload,
    times: dict[str, list[float]],
    peaks: dict[str, float],
    floor: float,
) -> dict[str, Any]:
    own, base = np.array(times[name]), np.array(times["greedy"])
    ratios = own / base
    return {
        "method": name,
        "batch": work.batch,
        "context": work.context,
        "ms a token": float(np.median(own)) * 1000,
        "ratio to greedy": float(np.median(ratios)),
        "range": f"{ratios.min():.3f}–{ratios.max():.3f}",
        "best to best": float(own.min() / base.min()),
        "to the floor": float(np.median(own)) / floor,
        "peak memory, MB": peaks[name] / 2**20,
        "memory ratio": peaks[name] / peaks["greedy"] if peaks["greedy"] else float("nan"),
    }


def _floor(model: Any, work: Workload, device: torch.device) -> float:
    """Seconds to read what a step must: keys, values, and all weights but an untied input table."""
    config = model.config.get_text_config()
    head = model.get_output_embeddings().weight
    table = model.get_input_embeddings().weight
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    if table is not head and table.data_ptr() != head.data_ptr():
        size -= table.numel() * table.element_size()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    per_token = 2 * config.num_hidden_layers * heads * width * head.element_size()
    size += per_token * work.batch * work.context
    return float(size) / _bandwidth(device)


def _bandwidth(device: torch.device) -> float:
    """Bytes a second that this device reads, as a sum over a large tensor does."""
    data = torch.ones(int(_NEEDED / 4), dtype=torch.float32, device=device)
    best = float("inf")
    for _ in range(4):
        if device.type == "cuda":
            torch.cuda.synchronize()
        started = time.perf_counter()
        data.sum().item()
        best = min(best, time.perf_counter() - started)
    return _NEEDED / best


@contextmanager
def _peak(device: torch.device) -> Iterator[Callable[[], float]]:
    """Yield what tells the peak memory, in bytes, since the block began."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        yield lambda: float(torch.cuda.max_memory_allocated())
        return
    reset = Path("/proc/self/clear_refs")
    try:
        reset.write_text("5")  # the peak of the resident set starts anew; Linux only
    except OSError:
        yield lambda: float("nan")
        return
    yield _peak_resident


def _peak_resident() -> float:
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024
    return float("nan")
