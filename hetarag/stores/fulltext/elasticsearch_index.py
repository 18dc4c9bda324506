"""The index of the Elasticsearch store: its mapping, and what is asked of it.

As in the embedded store: BM25 over "title. text" and the title at half weight, stop words left out
of questions and not of the index. User text goes into `match` and `match_phrase` only, which have
no syntax.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from hetarag.text import STOP_WORDS, encodable, unmarked
from hetarag.types import Filter, Query, Record

FORMAT = "english_1"
"""Part of the mapping: an index with another is refused."""
TITLE_BOOST = 0.5
MAX_WORDS = 256
_MAKER = "hetarag"
_META = {"made_by": _MAKER, "format": FORMAT}
_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]{3,200})["“”„«»]')


def template(shards: int | None, replicas: int | None) -> dict[str, Any]:
    """Return settings and mapping of every index behind the alias.

    `replicas` None is one where there is a second node, none where there is not.
    """
    copies = (
        {"auto_expand_replicas": "0-1"} if replicas is None else {"number_of_replicas": replicas}
    )
    words = {
        "type": "custom",
        "tokenizer": "standard",
        "filter": ["lowercase", "asciifolding", "porter_stem"],
    }
    keyword = {"type": "keyword"}
    return {
        "settings": {
            "number_of_shards": shards or 1,
            **copies,
            # Deleted documents count in the statistics of BM25 until they are merged away.
            "merge.policy.deletes_pct_allowed": 5,
            "merge.policy.expunge_deletes_allowed": 0,
            "analysis": {"analyzer": {FORMAT: words}},
        },
        "mappings": {
            "dynamic": "strict",
            "_meta": _META,
            "properties": {
                "id": {"type": "keyword", "index": False},  # `_id` cannot be sorted by
                "document": keyword,
                "collection": keyword,
                "tags": keyword,
                "digest": {"type": "keyword", "index": False},
                "title": {"type": "text", "analyzer": FORMAT},
                "body": {"type": "text", "analyzer": FORMAT},
            },
        },
    }


def is_ours(meta: Mapping[str, Any] | None) -> bool:
    """Tell whether the `_meta` of a mapping or template is one that hetarag wrote."""
    return (meta or {}).get("made_by") == _MAKER


def source(record: Record) -> dict[str, Any]:
    """Return what the index holds of `record`."""
    title, text = _words(record.title), _words(record.text)
    return {
        "id": encodable(record.id),
        "document": encodable(record.document_id),
        "collection": encodable(record.collection),
        "tags": [encodable(tag) for tag in record.tags],
        "digest": record.digest,
        "title": title,
        "body": f"{title} {text}",
    }


def question(query: Query) -> dict[str, Any] | None:
    """Return what matches and weighs the answers to `query`; None if it has no words."""
    text = encodable(query.text)
    words = _asked(text)
    if not words:
        return None
    wanted: list[dict[str, Any]] = [
        {"match": {"body": {"query": words}}},
        {"match": {"title": {"query": words, "boost": TITLE_BOOST}}},
    ]
    for quoted in _QUOTED.findall(text):
        phrase = _words(quoted)
        if " " in phrase:
            wanted.append({"match_phrase": {"body": {"query": phrase}}})
    return {
        "bool": {
            "should": wanted,
            "minimum_should_match": 1,
            "filter": _restriction(query.filter),
        }
    }


def _words(text: str) -> str:
    """Return the words of `text`, cut at whatever is no letter or digit, as Tantivy cuts them.

    The `standard` tokenizer of Elasticsearch alone would keep "U.S", "don't" and "3.14" whole.
    """
    return unmarked(encodable(text))


def _asked(text: str) -> str:
    """Return the words to look for, each once; stop words only if there is nothing else."""
    found = list(dict.fromkeys(word.lower() for word in _words(text).split()))
    words = [word for word in found if word not in STOP_WORDS] or found
    if len(words) > MAX_WORDS:  # long words are rare ones: they say most of what is asked
        words.sort(key=len, reverse=True)
    return " ".join(words[:MAX_WORDS])


def _restriction(restriction: Filter) -> list[dict[str, Any]]:
    """Return what a document must match besides, without a share in its score."""
    must: list[dict[str, Any]] = []
    if restriction.collections:
        must.append(_any("collection", restriction.collections))
    if restriction.documents is not None:
        must.append(_any("document", restriction.documents))
    if restriction.tags is not None:
        untagged = {"bool": {"must_not": {"exists": {"field": "tags"}}}}
        must.append({"bool": {"should": [untagged, _any("tags", restriction.tags)]}})
    return must


def _any(field: str, values: Collection[str]) -> dict[str, Any]:
    return {"terms": {field: sorted(encodable(value) for value in values)}}
