r"""Names of logs become texts of charts: what acts, or is not seen, is written out, and no tag is left.

``a<ESC>[31mb.dll`` is shown as ``a\x1b[31mb.dll``: the library that draws ends the whole process at a control
character.
``m</script>`` gets a word joiner, which nobody sees, behind its ``<``: whatever page the chart is put into, as Altair's
own, finds no tag there. What we write ourselves has it removed, and escapes instead.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heapdelta._safe_text import visible, visible_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

_JOINER = "\u2060"
# What ends a script in HTML, or makes its end uncertain.
_TAG = re.compile(r"<(?=[/!]|script)", re.IGNORECASE)
# Names that need a second look: few have other characters than these.
_ODD = r"[^ -~]|<[/!]|(?i:<script)"


def chart_text(text: str) -> str:
    """Make one line of a name for a chart."""
    return _TAG.sub(f"<{_JOINER}", visible(text))


def chart_texts(names: pl.Series) -> pl.Series:
    """Do so with a column; few names change."""
    odd = names.filter(names.str.contains(_ODD).fill_null(False)).unique()
    return names.replace(odd, odd.map_elements(chart_text, return_dtype=names.dtype)) if odd.len() else names


def file_name(path: str | None) -> str:
    """Give the last part of a path as a text of a chart; ``bytes`` where there is none."""
    return chart_text(Path(path).name) if path else "bytes"


def for_any_page(text: str) -> str:
    """Make any text of a chart harmless wherever it is put; one that `chart_text` made stays as it is."""
    return _TAG.sub(f"<{_JOINER}", for_drawing(text))


def for_drawing(text: str) -> str:
    """Make a text one that can be drawn, without the joiners; line ends and tabs stay."""
    return visible_lines(text.replace(f"<{_JOINER}", "<"))


def mapped(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON, of any kind
    """Change every text of a specification, names of fields too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key) if isinstance(key, str) else key: mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mapped(item, change) for item in value]
    return value
