"""models: which readers and embedders there are, here or not; install one."""

from __future__ import annotations

from typing import Annotated

import typer

from hetarag.cli.common import Config, Json, echo, echo_json
from hetarag.config import load_settings
from hetarag.models.hub.fetch import InstallStep
from hetarag.models.hub.install import install as install_model
from hetarag.models.hub.install import status

app = typer.Typer(
    help="Readers and embedders: list them, install one.", invoke_without_command=True
)


@app.callback()
def models(context: typer.Context, config: Config = None, json: Json = False) -> None:
    """List the models: here or not, sizes, licences."""
    if context.invoked_subcommand is not None:
        return
    known = status(load_settings(config).models.cache)
    if json:
        echo_json({"models": known})
        return
    for model in known:
        here = "installed" if model.folder else f"{model.download / 1e6:,.0f} MB to download"
        echo(f"{model.name:<20} {model.kind:<9} {here:<24} {model.licence}: {model.summary}")
        if model.decoder:
            echo(f"{'':<20} decodes with {model.decoder} by default: {model.decoder_why}")


@app.command("install")
def install(
    names: Annotated[list[str], typer.Argument(help="Names that `hetarag models` lists.")],
    config: Config = None,
) -> None:
    """Download models, check their digests and keep them in the cache."""
    cache = load_settings(config).models.cache
    for name in names:
        folder = install_model(name, cache, progress=_show)
        echo(f"{name}: {folder}")


def _show(step: InstallStep) -> None:
    echo(f"  {step.message}")
