"""hetarag measured by its makers: costs, scale, parity of engines, load, peers.

`python -m benchmarks --help` lists them. What a user measures their own knowledge base with is
`hetarag bench` and `hetarag.eval`; nothing here is part of the wheel.
"""
