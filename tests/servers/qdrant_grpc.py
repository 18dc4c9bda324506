"""Qdrant's gRPC interface in this process, over the engine in Qdrant's client: a stand-in.

It speaks with the client's own service stubs and conversions. What it shows is the adapter's and the
client's way over gRPC, not how a server behaves; `qdrant_http` says why there is none.
"""

# ruff: noqa: N802  the methods' names are the service's
from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from qdrant_client import QdrantClient, models
from qdrant_client import grpc as q
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc
from qdrant_client.grpc import collections_service_pb2_grpc as collections_service
from qdrant_client.grpc import points_service_pb2_grpc as points_service


class Collections(collections_service.CollectionsServicer):
    """Collections as the engine has them; indexes are noted and not used."""

    def __init__(self, client: QdrantClient, lock: threading.Lock) -> None:
        self.client, self.lock = client, lock
        self.indexes: dict[str, set[str]] = {}

    def CollectionExists(self, request: Any, _: Any) -> Any:
        with self.lock:
            there = self.client.collection_exists(request.collection_name)
        return q.CollectionExistsResponse(result=q.CollectionExists(exists=there))

    def Create(self, request: Any, _: Any) -> Any:
        with self.lock:
            vectors = GrpcToRest.convert_vectors_config(request.vectors_config)
            self.client.create_collection(request.collection_name, vectors)
        return q.CollectionOperationResponse(result=True)

    def Get(self, request: Any, context: grpc.ServicerContext) -> Any:
        name = request.collection_name
        with self.lock:
            if not self.client.collection_exists(name):
                context.abort(grpc.StatusCode.NOT_FOUND, f"Collection `{name}` doesn't exist!")
            found = RestToGrpc.convert_collection_info(self.client.get_collection(name))
        for field in self.indexes.get(name, ()):
            found.payload_schema[field].data_type = q.PayloadSchemaType.Keyword
        return q.GetCollectionInfoResponse(result=found)


class Points(points_service.PointsServicer):
    """The calls on points that the adapter makes."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections
        self.client, self.lock = collections.client, collections.lock
        self.calls: list[str] = []

    def CreateFieldIndex(self, request: Any, _: Any) -> Any:
        self._collections.indexes.setdefault(request.collection_name, set()).add(request.field_name)
        return self._done("index")

    def Upsert(self, request: Any, _: Any) -> Any:
        with self.lock:
            points = [GrpcToRest.convert_point_struct(x) for x in request.points]
            self.client.upsert(request.collection_name, points)
        return self._done("upsert")

    def Delete(self, request: Any, _: Any) -> Any:
        with self.lock:
            chosen = GrpcToRest.convert_points_selector(request.points)
            self.client.delete(request.collection_name, chosen)
        return self._done("delete")

    def Get(self, request: Any, _: Any) -> Any:
        with self.lock:
            found = self.client.retrieve(
                request.collection_name,
                [GrpcToRest.convert_point_id(x) for x in request.ids],
                with_payload=GrpcToRest.convert_with_payload_selector(request.with_payload),
                with_vectors=GrpcToRest.convert_with_vectors_selector(request.with_vectors),
            )
        return q.GetResponse(result=[_record(x) for x in found])

    def Scroll(self, request: Any, _: Any) -> Any:
        offset = request.offset if request.HasField("offset") else None
        with self.lock:
            found, after = self.client.scroll(
                request.collection_name,
                limit=request.limit,
                offset=GrpcToRest.convert_point_id(offset) if offset else None,
                with_payload=GrpcToRest.convert_with_payload_selector(request.with_payload),
            )
        return q.ScrollResponse(
            result=[_record(x) for x in found],
            next_page_offset=None if after is None else RestToGrpc.convert_extended_point_id(after),
        )

    def Query(self, request: Any, _: Any) -> Any:
        wanted = request.filter if request.HasField("filter") else None
        with self.lock:
            found = self.client.query_points(
                request.collection_name,
                query=GrpcToRest.convert_query(request.query),
                query_filter=GrpcToRest.convert_filter(wanted) if wanted else None,
                limit=request.limit,
                with_payload=GrpcToRest.convert_with_payload_selector(request.with_payload),
            )
        self.calls.append("query")
        return q.QueryResponse(result=[RestToGrpc.convert_scored_point(x) for x in found.points])

    def Count(self, request: Any, _: Any) -> Any:
        with self.lock:
            count = self.client.count(request.collection_name).count
        return q.CountResponse(result=q.CountResult(count=count))

    def _done(self, call: str) -> Any:
        self.calls.append(call)
        done = q.UpdateResult(operation_id=0, status=q.UpdateStatus.Completed)
        return q.PointsOperationResponse(result=done)


def _record(found: models.Record) -> Any:
    return RestToGrpc.convert_record(found.model_copy(update={"payload": found.payload or {}}))


@contextmanager
def grpc_stand_in(folder: Path) -> Iterator[tuple[int, Points]]:
    """Serve a folder's engine; yield the port, and what notes the calls."""
    client = QdrantClient(path=str(folder), force_disable_check_same_thread=True)
    server = grpc.server(ThreadPoolExecutor(4))
    collections = Collections(client, threading.Lock())
    points = Points(collections)
    collections_service.add_CollectionsServicer_to_server(collections, server)
    points_service.add_PointsServicer_to_server(points, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port, points
    finally:
        server.stop(None).wait()
        client.close()
