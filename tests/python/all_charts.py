"""Every kind of chart, drawn from the logs and dumps of synthetic stories."""

import heapdelta as hd
from heapdelta import chart


def every_chart(folder):
    """Charts by name: of five logs, of four days with a restart, of seven dumps, of two with their heaps."""
    for name in ("logs", "days", "dumps", "heaps"):
        (folder / name).mkdir()
    story = hd.testing.write_investigation(folder / "logs", steps=5, stack_count=120)
    logs = hd.read_many(story.paths, blocks=True)
    snapshots = logs.snapshots
    delta = hd.diff(snapshots[0], snapshots[-1])
    drawn = {f"waterfall by {by}": chart.waterfall(delta, by=by) for by in ("module", "function", "stack", "trace")}
    drawn |= {f"growth by {by}": chart.growth(*snapshots, by=by) for by in ("module", "function", "heap")}
    for direction in ("outward", "inward"):
        drawn[f"flame {direction}"] = chart.flame(delta, direction=direction, by="function")
    drawn["flame of a log"] = chart.flame(snapshots[-1])
    for by in ("module", "stack"):
        drawn[f"live by {by}"] = chart.live(snapshots[-1], by=by)
        series = hd.series(logs, by=by)
        drawn[f"series by {by}"] = chart.growth(series)
        drawn[f"areas by {by}"] = chart.growth(series, style="stacked")
        drawn[f"slope by {by}"] = chart.slope(series)
        drawn[f"survival by {by}"] = chart.survival(series, by=by)
    drawn["sizes"] = chart.sizes(delta)
    drawn["sizes of a stack"] = chart.sizes(delta, stack=delta.by("stack")["fingerprint"][0])
    days = hd.testing.write_series(folder / "days", days=4, stack_count=120, restart_after=56)
    week = hd.series(hd.read_many(days.paths), runs="all")
    drawn["week"] = chart.growth(week)
    drawn["slopes of a week"] = chart.slope(week, top=8)
    drawn["by name"] = chart.growth(hd.series(week.snapshots[:10], order="name"))
    dumps = hd.testing.write_dump_investigation(folder / "dumps", steps=7, stack_count=120)
    drawn["regions"] = chart.regions(*map(hd.read, dumps.paths[:3]))
    counters = hd.series(hd.read_many(dumps.paths), by="counter")
    drawn["counters"] = chart.growth(counters, warm_up_hours=0)
    heaps = hd.testing.write_heap_dumps(folder / "heaps", steps=6, stack_count=60, gflags=())
    full = hd.read_dump(heaps.after)
    drawn["heap map"] = chart.heap_map(full)
    drawn["fragmentation"] = chart.fragmentation(full)
    of_heaps = hd.series(hd.read_many([answer.path for answer in heaps.dumps]).dumps, by="heap")
    drawn["growth of heaps"] = chart.growth(of_heaps, warm_up_hours=0)
    return drawn
