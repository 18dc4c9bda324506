"""Readers: local language models and OpenAI-compatible endpoints."""
