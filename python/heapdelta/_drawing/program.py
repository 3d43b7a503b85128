"""The process that draws: it starts what draws, and then answers each chart with a picture until its input ends.

It is run as a file, with ``-I -S``: nothing of the folder that somebody works in is imported. Its arguments are
`sys.path` of who started it. A chart is a line of JSON: the name of a function of vl-convert, its options, the
chart. The answer is a line with the number of bytes, and the bytes. It is silent about errors: who started it draws
the chart then, and meets them.
"""

import json
import sys

EMPTY = {"$schema": "https://vega.github.io/schema/vega/v6.json", "width": 1, "height": 1, "marks": []}


def main() -> None:
    """Draw what standard input asks for."""
    sys.path[:] = sys.argv[1:]
    import vl_convert

    vl_convert.vega_to_svg(EMPTY)
    for line in sys.stdin.buffer:
        name, options, chart = json.loads(line)
        picture = getattr(vl_convert, name)(chart, **options)
        drawn = picture.encode() if isinstance(picture, str) else picture
        sys.stdout.buffer.write(b"%d\n" % len(drawn) + drawn)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
