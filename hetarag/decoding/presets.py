"""Settings of layer fusion by name: change them here and nowhere else."""

from __future__ import annotations

from hetarag.decoding.settings import LayerFusion

PAPER = LayerFusion()
"""The settings of arXiv 2508.19614, for reference."""

DEFAULT = LayerFusion(fuse_normed=True, weight=0.25)
"""What the product decodes with: g through the final norm, at a quarter of the weight.

At half the weight the default reader lost F1 on HotpotQA (docs/notes/reading.md); at a quarter it answers
as greedy does but where two tokens are nearly even.
"""
