r"""Text of logs, dumps and file names for people's eyes: what a terminal would obey, or hide, is written out.

``C:\W\a<ESC>]0;owned<BEL>b.dll`` is shown as ``C:\W\a\x1b]0;owned\x07b.dll``. Control characters move the cursor,
rename the window and forge lines; bidirectional ones show ``exe.gpj`` for ``jpg.exe``; those without width make two
names look like one. The text itself stays as it is in every table, and in what is written for machines.
"""

from __future__ import annotations

import re

# What Unicode calls control, format, surrogate, and separator of lines or paragraphs, with room for later ones.
_UNSAFE = (
    r"\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    # Fillers, joiners and selectors that are letters and marks to Unicode, and of which nothing is to be seen; no
    # characters.
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\ufffe\uffff"
)
_ANY = re.compile(f"[{_UNSAFE}]")
_IN_A_TEXT = re.compile(rf"(?!\r?\n|\t)[{_UNSAFE}]")


def visible(text: str) -> str:
    r"""Write out, in one line, what cannot be seen or does something: ``\x1b``, ``\u202e``, ``\x0a``."""
    return _ANY.sub(_written_out, text)


def visible_lines(text: str) -> str:
    r"""Do so in a text of many lines: line ends (``\n``, ``\r\n``) and tabs stay."""
    return _IN_A_TEXT.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
