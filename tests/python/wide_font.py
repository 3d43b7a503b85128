"""Where the texts of an SVG are in a wide font, with the widths of DejaVu Sans: the widest of the usual ones."""

import re
import xml.etree.ElementTree as ET
from unicodedata import east_asian_width

# Hundredths of the font's size, from the blank on.
REGULAR = (
    "32 40 46 84 64 95 78 27 39 39 50 84 32 36 32 34 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 53 100 "
    "68 69 70 77 63 58 77 75 29 29 66 56 86 75 79 60 79 69 63 61 73 68 99 69 61 69 39 34 39 84 50 50 61 "
    "63 55 63 62 35 63 63 28 28 58 28 97 63 61 63 63 41 52 39 63 59 82 59 59 52 64 34 64 84"
)
BOLD = (
    "35 46 52 84 70 100 87 31 46 46 52 84 38 42 38 37 70 70 70 70 70 70 70 70 70 70 40 40 84 84 84 58 100 "
    "77 76 73 83 68 68 82 84 37 37 77 64 100 84 85 73 85 77 72 68 81 77 110 77 72 73 46 37 46 84 50 50 67 "
    "72 59 72 68 44 72 71 34 34 67 34 104 71 69 72 72 49 60 48 71 65 92 65 65 58 71 37 71 84"
)

_SHIFT = re.compile(r"translate\(([-\d.e]+),([-\d.e]+)\)")


def width(text, size, *, bold):
    widths = [int(part) for part in (BOLD if bold else REGULAR).split()]
    hundredths = 0
    for character in text:
        wide = east_asian_width(character) in "WF"
        hundredths += widths[ord(character) - 32] if " " <= character <= "~" else 100 if wide else 84
    return size * hundredths / 100


def beyond(svg):
    """Texts that are cut at the left or the right, each with the pixels that are missing there."""
    root = ET.fromstring(svg)
    left, _, whole, _ = map(float, root.get("viewBox").split())
    found = []
    for text, begin, end in _texts(root, 0.0):
        missing = max(left - begin, end - left - whole)
        if missing > 0:
            found.append((text, round(missing, 1)))
    return found


def _texts(element, x):
    transform = element.get("transform", "")
    if "rotate" in transform:
        return
    shift = _SHIFT.match(transform)
    x += float(shift[1]) if shift else 0.0
    if element.tag.endswith("}text"):
        size, bold = float(element.get("font-size").removesuffix("px")), element.get("font-weight") == "bold"
        for line in [element, *element]:
            wide = width(line.text or "", size, bold=bold)
            begin = x - wide * {"start": 0, "middle": 0.5, "end": 1}[element.get("text-anchor", "start")]
            yield line.text, begin, begin + wide
    else:
        for child in element:
            yield from _texts(child, x)
