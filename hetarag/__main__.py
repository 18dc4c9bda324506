"""`python -m hetarag` is `hetarag`."""

from hetarag.cli.app import main

main()
