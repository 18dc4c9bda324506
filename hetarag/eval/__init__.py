"""Benchmarks. They use the public API only, so that they measure what a user gets."""
