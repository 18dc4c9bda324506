"""Settings of layer fusion by name: change them here and nowhere else."""

from __future__ import annotations

from hetarag.decoding.gates import Unsure
from hetarag.decoding.settings import LayerFusion

PAPER = LayerFusion()
"""The settings of arXiv 2508.19614, for reference."""

DEFAULT = LayerFusion(
    candidates="last", fuse_normed=True, weight=1.0, gate=Unsure(0.35), relative_top=0.7
)
"""What the product decodes with: where the model is unsure, the block before the last has a say, through
the final norm, among the tokens that come near the best one.

Chosen with three readers on questions apart from those that it is reported on (docs/decoding.md,
docs/notes/reading.md).
"""
