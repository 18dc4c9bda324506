"""Chunks get their entities, aliases, topics and relations."""
