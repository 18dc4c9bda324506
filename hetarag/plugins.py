"""Doors for other people's parts: tables of names that installed packages add to by entry points.

    [project.entry-points."hetarag.stores"]
    "geo.embedded" = "my_package.geo:GeoStore"

The groups are hetarag.stores, .loaders, .embedders, .readers, .rerankers, .fusions and .decoders; the table of
each stands in the room of its parts and says what a name stands for there. hetarag's own parts come through
the same tables and are loaded by the same rules. Nothing is looked up among the installed packages until a
name is asked for that hetarag itself does not have.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from hetarag.errors import ConfigError, MissingExtraError

GROUPS = ("stores", "loaders", "embedders", "readers", "rerankers", "fusions", "decoders")


class PartTable:
    """The parts of one group by name.

    `own` are hetarag's: a name and "package.module:attribute", with the extra that brings its driver in
    brackets behind it, as in entry points. `purpose` says in errors what a part is for.
    """

    def __init__(self, group: str, own: Mapping[str, str], purpose: str) -> None:
        if group not in GROUPS:
            raise ValueError(f"{group!r} is no group of parts")
        self.group = f"hetarag.{group}"
        self._purpose = purpose
        self._own = {name: EntryPoint(name, value, self.group) for name, value in own.items()}

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._declared()

    def names(self) -> tuple[str, ...]:
        """Return all names, hetarag's own first and in their order."""
        return (*self._own, *sorted(self._declared()))

    def declared(self) -> tuple[str, ...]:
        """Return the names that installed packages have declared."""
        return tuple(sorted(self._declared()))

    def load(self, name: str) -> Any:
        """Return the part of this name, importing its module.

        Raises:
            ConfigError: there is no such part, or the package that declares it cannot be loaded.
            MissingExtraError: it is hetarag's own, and a package that it needs is not installed.
        """
        point = self._own.get(name) or self._declared().get(name)
        if point is None:
            raise ConfigError(
                f"no {self._purpose} is called {name!r}; known: {', '.join(self.names())}"
            )
        try:
            return point.load()
        except ModuleNotFoundError as error:
            package = (error.name or point.module).partition(".")[0]
            if name in self._own and package == "hetarag":
                raise  # a defect of hetarag's, not of the installation
            if name not in self._own:
                raise self._broken(point, error) from error
            extra = point.extras[0] if point.extras else ""
            raise MissingExtraError(package, extra, f"The {self._purpose} {name!r}") from error
        except Exception as error:
            if name in self._own:
                raise
            raise self._broken(point, error) from error

    def named_in(self, setting: str) -> tuple[str, str] | None:
        """Return (name, place) where a setting is "NAME" or "NAME:PLACE" of this table, else None."""
        name, _, place = setting.partition(":")
        if place.startswith("//") or name not in self:  # a URL
            return None
        return name, place

    def _broken(self, point: EntryPoint, error: Exception) -> ConfigError:
        return ConfigError(
            f"the {self._purpose} {point.name!r} of the package {_package(point)!r} cannot be loaded: "
            f"{type(error).__name__}: {error}; update that package or uninstall it"
        )

    def _declared(self) -> Mapping[str, EntryPoint]:
        found = _declared_in(self.group)
        return {name: point for name, point in found.items() if name not in self._own}


@cache
def _declared_in(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name; of two packages with one name the first in the alphabet counts."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, _package(point))):
        if point.name in found:
            warnings.warn(
                f"the packages {_package(found[point.name])!r} and {_package(point)!r} both declare "
                f"{point.name!r} in {group}: the first one is used; uninstall one of them",
                stacklevel=2,
            )
            continue
        found[point.name] = point
    return found


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module.partition(".")[0]
