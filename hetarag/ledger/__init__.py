"""The system of record: documents, versions, chunks, tables, mentions, what each store is owed.

Everything that the stores hold can be made again from here without parsing or embedding; every hit
of a search is checked against it before it is shown.
"""
