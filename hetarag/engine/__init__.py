"""The knowledge base: `HetaRAG`, and the parts that it is put together from."""
