"""`parlay cache`: compiled rules for machines that cannot or must not compile them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

ORDER = 110


class Task(StrEnum):
    """Tasks with kept code."""

    BUILD = "build"


def cache(
    task: Annotated[Task, typer.Argument(metavar="build", help="`build`: compile everything.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to keep the compiled rules in.")],
) -> None:
    """Compile all rules into a folder that everybody may read, for images and machines that cannot write.

    Programs that are started with PARLAY_CACHE_DIR=DIR then compile nothing. Code is for one kind of processor, one
    version of Python, Numba and NumPy; NUMBA_CPU_NAME=generic, for building and for running, makes it fit any.

    For example: parlay cache build /opt/parlay/cache
    """
    import time

    from parlay_marl.cli.compile_all import compile_all

    began = time.perf_counter()
    files = compile_all(folder)
    size = sum(file.stat().st_size for file in files) / 2**20
    typer.echo(f"{len(files)} functions, {size:.1f} MB in {time.perf_counter() - began:.0f} s: {files[0].parent}")
    typer.echo(f"Use them with PARLAY_CACHE_DIR={folder}")
