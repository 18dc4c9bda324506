"""Files become documents, documents become chunks, chunks get their entities and relations.

Importing this package loads no parser and no language model; each is loaded when first needed.
"""

from hetarag.ingest.chunking.splitter import Splitter
from hetarag.ingest.entities.extractors import RuleExtractor, SpacyExtractor, make_extractor
from hetarag.ingest.sources import Source, SourceWarning, discover_sources, load_source

__all__ = [
    "RuleExtractor",
    "Source",
    "SourceWarning",
    "SpacyExtractor",
    "Splitter",
    "discover_sources",
    "load_source",
    "make_extractor",
]
