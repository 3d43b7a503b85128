"""Sizes as people type them: ``4MB``, ``4MiB``, ``512k``, ``1.5 GiB``, ``65536``.

``k M G T`` count in thousands, as the SI says, and ``Ki Mi Gi Ti`` in 1024s, as IEC 80000-13 says; the ``B`` may be
left out, and case does not matter. Windows itself writes MB for 1024 times 1024: who means that types ``MiB``. Taken
at its word, ``MB`` is the smaller of the two, so a limit that was meant the other way is too strict, never too loose.
"""

from __future__ import annotations

import re
from fractions import Fraction

from heapdelta.exceptions import OptionError

_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?))?(?:b|bytes?)?", re.IGNORECASE | re.ASCII)
_POWERS = "kmgt"


def parse_size(text: str, option: str) -> int:
    """Read a size, in whole bytes; a fraction of a byte is dropped.

    Raises
    ------
    OptionError
        If it is none.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None or (found[2] is None and "." in found[1]):
        raise OptionError(
            f"expected {option} with a size such as 4MB, 512KiB or 65536, found {text!r}",
            hint="k, M, G, T are thousands; Ki, Mi, Gi, Ti are 1024s; bytes without a letter",
            kind="option",
        )
    power = _POWERS.index(found[2].lower()) + 1 if found[2] else 0
    base = 1024 if found[3] else 1000
    return int(Fraction(found[1]) * base**power)
