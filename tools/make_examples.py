#!/usr/bin/env python3
"""Build and check the example knowledge base in ``examples/``.

The Markdown, text, HTML, CSV and JSONL documents are edited by hand and live in
``examples/knowledge`` already. The binary documents (PDF, DOCX, PPTX, XLSX) are written from small
text files in ``tools/examples_src`` (`example_documents`), so that a reader can see how they came
about and a second run gives the same bytes.

    python tools/make_examples.py           # write the binary documents (needs fpdf2)
    python tools/make_examples.py --check   # verify examples/questions.json against the documents
"""

from __future__ import annotations

import argparse

from example_documents import build
from example_questions import check


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Build or check the example knowledge base.")
    parser.add_argument("--check", action="store_true", help="check the questions, write nothing")
    if parser.parse_args().check:
        return 1 if check() else 0
    build()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
