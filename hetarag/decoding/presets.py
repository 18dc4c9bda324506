"""Settings of layer fusion by name: change them here and nowhere else."""

from __future__ import annotations

from hetarag.decoding.settings import LayerFusion

PAPER = LayerFusion()
"""The settings of arXiv 2508.19614, for reference."""

DEFAULT = LayerFusion(fuse_normed=True, weight=0.5)
"""What the product decodes with: g through the final norm, at half weight."""
