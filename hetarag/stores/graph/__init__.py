"""Graph stores: Ladybug and Neo4j, and the walk over their snapshot."""
