"""Settings of layer fusion by name: change them here and nowhere else."""

from __future__ import annotations

from hetarag.decoding.gates import Unsure
from hetarag.decoding.settings import LayerFusion

PAPER = LayerFusion()
"""The settings of arXiv 2508.19614, for reference."""

DEFAULT = LayerFusion(candidates="late", fuse_normed=True, weight=0.05, gate=Unsure(0.5))
"""What the product decodes with: a late layer, through the final norm, where the model is unsure.

Chosen on questions apart from those that it is reported on (docs/decoding.md, docs/notes/reading.md).
"""
