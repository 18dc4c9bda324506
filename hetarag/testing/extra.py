"""pytest and hypothesis, which the contract tests alone import."""

from __future__ import annotations

from hetarag.errors import MissingExtraError

try:
    import hypothesis
    import pytest
except ModuleNotFoundError as error:
    raise MissingExtraError(
        error.name or "pytest", "testing", "A contract test of hetarag.testing"
    ) from error

__all__ = ["hypothesis", "pytest"]
