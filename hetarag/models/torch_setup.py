"""Importing torch and transformers for a local model, set up for a machine that others use too."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from hetarag.errors import MissingExtraError


class Libraries(NamedTuple):
    """The two libraries; `transformers` is typed in part only."""

    torch: Any
    transformers: Any


def load_libraries(purpose: str) -> Libraries:
    """Import torch and transformers; `MissingExtraError` naming `purpose` where one is missing.

    Torch's threads wait for each other some hundred times per token. By default they wait spinning,
    and when another process has a processor, each wait lasts until the scheduler's next tick: on 2
    processors with one other process busy, a token took 1.3 s instead of 0.25 s. So let them sleep,
    unless the user has chosen, or torch is loaded already, when it is too late.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "torch", "local", purpose) from error
    return Libraries(torch, transformers)


@contextmanager
def progress_bars_disabled(transformers: Any) -> Iterator[None]:
    """Keep transformers from drawing progress bars: those are for the caller to draw."""
    logging = transformers.utils.logging
    before = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if before:
            logging.enable_progress_bar()
