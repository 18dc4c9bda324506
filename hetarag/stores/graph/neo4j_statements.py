"""The Cypher of the Neo4j store, under labels and types that begin with the knowledge base's prefix.

One node per prefix, the state, has a counter that every write raises first. That takes a lock, so
that writers follow one another and commits come in the counter's order; and each passage carries the
number of the change that wrote it, so that other processes read only what is new.
"""

from __future__ import annotations

import re

from hetarag.errors import StoreError

FORMAT = 1
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_SEEN = (
    "($collections IS NULL OR c.collection IN $collections) "
    "AND ($documents IS NULL OR c.document IN $documents) "
    "AND ($tags IS NULL OR size(c.tags) = 0 OR any(tag IN c.tags WHERE tag IN $tags))"
)


class Statements:
    """All statements for one prefix.

    Raises:
        StoreError: the prefix could not stand in a name.
    """

    def __init__(self, prefix: str) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise StoreError(
                "graph",
                f"the prefix {prefix!r} cannot be part of a label: use up to 60 letters, digits, "
                "'_', '-' or '.'",
            )
        state, chunk, entity = (f"`{prefix}_{name}`" for name in ("State", "Chunk", "Entity"))
        mentions, related = (f"`{prefix}_{name}`" for name in ("MENTIONS", "RELATED"))
        edges = f"[(c)-[m:{mentions}]->(x) | [x.id, m.count, m.in_title]]"
        passage = f"c.id, c.document, c.collection, c.tags, {edges}"

        self.schema = (
            _unique(prefix, "state", state),
            _unique(prefix, "chunk", chunk),
            _unique(prefix, "entity", entity),
            f"CREATE INDEX `{prefix}_chunk_changed` IF NOT EXISTS FOR (c:{chunk}) ON (c.changed)",
            f"CREATE INDEX `{prefix}_related_chunk` IF NOT EXISTS "
            f"FOR ()-[r:{related}]-() ON (r.chunk)",
        )
        self.await_schema = "CALL db.awaitIndexes(60)"
        self.state = f"MATCH (s:{state} {{id: 0}}) RETURN s.change, s.format"
        self.taken = f"MATCH (c:{chunk}) RETURN true LIMIT 1"
        # The lock comes before the counter is read: two writers never get the same number.
        self.change = (
            f"MERGE (s:{state} {{id: 0}}) SET s.lock = 0 "
            f"WITH s SET s.change = coalesce(s.change, 0) + 1, s.format = {FORMAT} "
            "RETURN s.change"
        )
        self.digests = f"MATCH (c:{chunk}) WHERE c.id IN $ids RETURN c.id, c.digest"
        self.page = (
            f"MATCH (c:{chunk}) WHERE c.id > $after RETURN c.id, c.digest ORDER BY c.id LIMIT $most"
        )
        self.ids = f"MATCH (c:{chunk}) WHERE c.id > '' RETURN c.id"
        self.count = f"MATCH (c:{chunk}) RETURN count(*)"
        self.edges = f"MATCH (:{chunk})-[m:{mentions}]->() RETURN count(*)"
        self.changed = f"MATCH (c:{chunk}) WHERE c.changed >= $since RETURN {passage}"

        self.named = f"MATCH (c:{chunk})-[:{mentions}]->(e) WHERE c.id IN $ids RETURN DISTINCT e.id"
        self.cut = f"MATCH ()-[r:{related}]->() WHERE r.chunk IN $ids DELETE r"
        self.drop = f"MATCH (c:{chunk}) WHERE c.id IN $ids DETACH DELETE c"
        self.collect = (
            f"MATCH (e:{entity}) WHERE e.id IN $ids AND NOT EXISTS {{ (e)<-[:{mentions}]-() }} "
            "DETACH DELETE e"
        )
        self.put_entities = (
            f"UNWIND $rows AS row MERGE (e:{entity} {{id: row.id}}) "
            "ON CREATE SET e.key = row.key, e.name = row.name"
        )
        self.put_chunks = (
            f"UNWIND $rows AS row CREATE (c:{chunk}) SET c = row.own, c.changed = $change "
            f"WITH c, row UNWIND row.edges AS edge MATCH (e:{entity} {{id: edge[0]}}) "
            f"CREATE (c)-[:{mentions} {{count: edge[1], in_title: edge[2]}}]->(e)"
        )
        self.put_relations = (
            f"UNWIND $rows AS row MATCH (a:{entity} {{id: row[0]}}), (b:{entity} {{id: row[1]}}) "
            f"CREATE (a)-[:{related} {{chunk: row[2], predicate: row[3], sentence: row[4]}}]->(b)"
        )
        # Rare entities first: they lead to what the walk would reach, hubs to everything.
        self.neighbourhood = (
            "CALL { "
            f"UNWIND $entities AS id MATCH (:{entity} {{id: id}})<-[:{mentions}]-(c:{chunk}) "
            f"WHERE {_SEEN} RETURN DISTINCT c ORDER BY c.id LIMIT $most "
            f"UNION MATCH (c:{chunk}) WHERE c.id IN $seeds AND {_SEEN} RETURN c "
            "} WITH collect(c) AS near CALL { WITH near "
            f"UNWIND near AS n MATCH (n)-[:{mentions}]->(e) "
            f"WITH DISTINCT e, COUNT {{ (e)<-[:{mentions}]-() }} AS degree WHERE degree > 1 "
            "WITH e, degree ORDER BY degree, e.id LIMIT $most "
            f"MATCH (e)<-[:{mentions}]-(c:{chunk}) WHERE {_SEEN} "
            "WITH c, min(degree) AS rarest ORDER BY rarest, c.id LIMIT $most "
            "RETURN collect(c) AS far "
            f"}} UNWIND near + far AS c WITH DISTINCT c RETURN {passage}"
        )


def _unique(prefix: str, name: str, label: str) -> str:
    return (
        f"CREATE CONSTRAINT `{prefix}_{name}_id` IF NOT EXISTS "
        f"FOR (n:{label}) REQUIRE n.id IS UNIQUE"
    )
