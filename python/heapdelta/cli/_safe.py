"""Rich's text and console, for names that come from files: what a terminal would obey, or hide, is written out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich.console
import rich.text
from rich.segment import Segment

from heapdelta._safe_text import visible, visible_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.style import Style


class Text(rich.text.Text):
    r"""One line of text: a line end in a name is written out as well, ``\x0a``.

    It is done before the text is laid out, so that columns are as wide as what is in them.
    """

    def __init__(self, text: str = "", style: str | Style = "") -> None:
        super().__init__(visible(text), style)


class Console(rich.console.Console):
    """Writes out what has not been by then. Line ends are ours: a table has them."""

    def render(
        self, renderable: rich.console.RenderableType, options: rich.console.ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Take the text apart from what moves the cursor of a progress bar."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible_lines(segment.text), segment.style)

    def render_str(self, text: str, **options: Any) -> rich.text.Text:  # noqa: ANN401 - rich's own
        """Write out a plain string that is printed, or a cell of a table."""
        return super().render_str(visible_lines(text), **options)
