"""The retrieval plane: route a question, fan it out, fuse what comes back."""

from __future__ import annotations

from hetarag.retrievers.fusion import FUSIONS, fuser, takes_k

__all__ = ["FUSIONS", "fuser", "takes_k"]
