"""`python -m benchmarks peers`: other frameworks' hybrid search over the same corpus and embeddings.

LlamaIndex's QueryFusionRetriever and a Haystack pipeline, each with its own BM25 and its own search
over vectors, joined by its own reciprocal rank fusion, in memory, as their documentation shows. All
get the vectors of one embedder, computed once, so the difference is the retrieval.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hetarag.errors import MissingExtraError
from hetarag.eval.datasets import Passage, Question
from hetarag.eval.retrieval import DEPTH, SystemRun
from hetarag.protocols import Embedder
from hetarag.types import Vector

Search = Callable[[str], Sequence[str]]
"""From a question to the names of the documents found, best first."""


def text_of(passage: Passage) -> str:
    """Return what peers index of a passage: its title and its text."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def peers(corpus: Sequence[Passage], embedder: Embedder) -> dict[str, Search]:
    """Index the corpus in each framework and return what searches it, by name.

    Raises `MissingExtraError` where a framework is not installed.
    """
    vectors = embedder.embed_passages([text_of(passage) for passage in corpus])
    return {
        "LlamaIndex, QueryFusionRetriever": _llama_index(corpus, vectors, embedder),
        "Haystack, BM25 and vectors, RRF": _haystack(corpus, vectors, embedder),
    }


def run_searches(searches: Mapping[str, Search], questions: Sequence[Question]) -> list[SystemRun]:
    """Search every question with every system in turn, and time each; the first search is not timed."""
    runs = {name: SystemRun(name) for name in searches}
    for search in searches.values() if questions else ():
        search(questions[0].text)
    for question in questions:
        for name, search in searches.items():
            started = time.perf_counter()
            found = search(question.text)
            runs[name].seconds.append(time.perf_counter() - started)
            runs[name].ranked[question.id] = list(dict.fromkeys(found))
    return list(runs.values())


def _llama_index(corpus: Sequence[Passage], vectors: Vector, embedder: Embedder) -> Search:
    try:
        from llama_index.core import VectorStoreIndex
        from llama_index.core.embeddings import BaseEmbedding
        from llama_index.core.llms import MockLLM
        from llama_index.core.retrievers import QueryFusionRetriever
        from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
        from llama_index.core.schema import TextNode
        from llama_index.retrievers.bm25 import BM25Retriever  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError(
            "llama-index-retrievers-bm25", "peers", "benchmarks peers"
        ) from error

    class Shared(BaseEmbedding):
        """The benchmark's embedder, as LlamaIndex calls it."""

        def _get_query_embedding(self, query: str) -> list[float]:
            return embedder.embed_query(query).tolist()  # type: ignore[no-any-return]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            return embedder.embed_passages([text])[0].tolist()  # type: ignore[no-any-return]

    nodes = [
        TextNode(id_=passage.id, text=text_of(passage), embedding=vector.tolist())
        for passage, vector in zip(corpus, vectors, strict=True)
    ]
    shared = Shared(model_name="shared")
    index = VectorStoreIndex(nodes, embed_model=shared)
    retriever = QueryFusionRetriever(
        [
            index.as_retriever(similarity_top_k=DEPTH),
            BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=DEPTH),
        ],
        llm=MockLLM(),  # not asked: with one query there is nothing to generate
        mode=FUSION_MODES.RECIPROCAL_RANK,
        similarity_top_k=DEPTH,
        num_queries=1,
        use_async=False,
    )
    return lambda text: [found.node.node_id for found in retriever.retrieve(text)]


def _haystack(corpus: Sequence[Passage], vectors: Vector, embedder: Embedder) -> Search:
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
    try:
        from haystack import Document, Pipeline
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import (
            InMemoryBM25Retriever,
            InMemoryEmbeddingRetriever,
        )
        from haystack.document_stores.in_memory import InMemoryDocumentStore
    except ImportError as error:
        raise MissingExtraError("haystack-ai", "peers", "benchmarks peers") from error
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    store.write_documents(
        [
            Document(id=passage.id, content=text_of(passage), embedding=vector.tolist())
            for passage, vector in zip(corpus, vectors, strict=True)
        ]
    )
    pipeline = Pipeline()
    pipeline.add_component("bm25", InMemoryBM25Retriever(store, top_k=DEPTH))
    pipeline.add_component("vectors", InMemoryEmbeddingRetriever(store, top_k=DEPTH))
    pipeline.add_component("join", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=DEPTH))
    pipeline.connect("bm25", "join")
    pipeline.connect("vectors", "join")

    def search(text: str) -> list[str]:
        data: dict[str, Any] = {
            "bm25": {"query": text},
            "vectors": {"query_embedding": embedder.embed_query(text).tolist()},
        }
        return [document.id for document in pipeline.run(data)["join"]["documents"]]

    return search
