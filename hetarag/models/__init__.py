"""Embedders and readers: what is known by name, how it is installed, and how it is run.

Importing this package loads neither torch nor transformers nor onnxruntime; `make_embedder` and
`make_reader` load what the model at hand needs.
"""

from __future__ import annotations
