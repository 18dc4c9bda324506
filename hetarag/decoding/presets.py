"""Settings of layer fusion by name: change them here and nowhere else."""

from __future__ import annotations

from hetarag.decoding.settings import LayerFusion

PAPER = LayerFusion()
"""The settings of arXiv 2508.19614, for reference."""

DEFAULT = LayerFusion(fuse_normed=True, weight=0.03)
"""What the product decodes with: g through the final norm, at a very small weight.

More of it costs the default reader F1 on HotpotQA (docs/notes/reading.md): at a quarter significantly. This
much decides only between tokens that are nearly even. A setting that helps is still to be found.
"""
