"""Embedders: ONNX and torch, and the settings that make their vectors."""
