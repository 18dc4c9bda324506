"""Full-text stores: Tantivy and Elasticsearch."""
