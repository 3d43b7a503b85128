"""`heapdelta label`, `compact`: what is done to a dataset."""

from __future__ import annotations

from typing import Annotated

import typer

import heapdelta as hd
from heapdelta._words import count_text
from heapdelta.cli.dataset._show import Destination  # noqa: TC001 - typer looks at the annotations


def label(
    destination: Destination,
    fingerprint: Annotated[str, typer.Argument(metavar="ID", help="Fingerprint of a stack, or its first digits.")],
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT", help="What is known, such as 'KB5001234, fixed in 4.2'; nothing takes the label away."
        ),
    ] = "",
) -> None:
    """Say what is known of a stack; it is shown wherever that stack appears."""
    hd.open(destination).label(fingerprint, text or None)


def compact(destination: Destination) -> None:
    """Merge the small files of a dataset, and drop what does not count any more.

    In an object store, nobody else may write meanwhile.
    """
    merged = hd.open(destination).compact()
    typer.echo(f"{count_text(merged)} batches merged" if merged else "nothing to merge")
