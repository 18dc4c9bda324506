"""Models by name: the catalogue, and how they are fetched, converted and installed."""
