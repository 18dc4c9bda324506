"""Write layer fusion as a `custom_generate` folder for users of transformers alone.

The folder is made of this package's own source, so there is one engine: `hub_generate.py` becomes
`custom_generate/generate.py`, and the files it imports go beside it with relative imports.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

_IMPORT = re.compile(r"^(\s*)from hetarag\.(?:decoding\.)?(\w+) import", re.MULTILINE)
_IN_PACKAGE = {"errors": "hetarag"}  # every other file is of hetarag.decoding

_README = """\
---
library_name: transformers
tags: [custom_generate]
---
# Layer Fused Decoding

Decodes with the layer that leans least on internal knowledge fused into the output
(arXiv 2508.19614), from [hetarag](https://pypi.org/project/hetarag/). Apache-2.0.

```python
model.generate(**inputs, custom_generate="<this repository>", trust_remote_code=True)
```

Further arguments: score ("paper" or "jsd"), candidates ("paper" or layer numbers), fuse_normed,
relative_top, weight, gate; trace takes a list for the steps.
Model types: {families}.
"""


def export_custom_generate(folder: str | Path) -> Path:
    """Write the folder, making it where needed, and return its path.

    Then `model.generate(..., custom_generate=str(folder), trust_remote_code=True)` decodes with
    layer fusion, without hetarag; pushed to the Hub, the repository's name does the same. Files of
    an earlier export are overwritten.
    """
    from hetarag.decoding.families import FAMILIES  # needs torch, and nothing else here does

    root = Path(folder)
    target = root / "custom_generate"
    target.mkdir(parents=True, exist_ok=True)
    for name, source in _sources("hub_generate").items():
        file = "generate" if name == "hub_generate" else name
        (target / f"{file}.py").write_text(source, encoding="utf-8")
    (root / "README.md").write_text(_README.format(families=", ".join(sorted(FAMILIES))), "utf-8")
    return root


def _sources(first: str) -> dict[str, str]:
    """The file `first` and all that it imports from hetarag, with relative imports."""
    done: dict[str, str] = {}
    names = [first]
    while names:
        name = names.pop()
        if name in done:
            continue
        package = _IN_PACKAGE.get(name, "hetarag.decoding")
        source = resources.files(package).joinpath(f"{name}.py").read_text(encoding="utf-8")
        names += [found[1] for found in _IMPORT.findall(source)]
        done[name] = _IMPORT.sub(r"\1from .\2 import", source)
    return done
