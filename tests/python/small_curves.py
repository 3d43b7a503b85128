"""The frames of a series made by hand: bytes over time in, the tables that `Series` has out."""

from datetime import datetime, timedelta

import polars as pl

START = datetime(2024, 3, 11, 9)


class SmallCurves:
    """Curves of bytes by module, and where the program was restarted or logs are missing.

    `curves` are the bytes of each key, a number for each log; `restarts` and `gaps` numbers of logs; `verdicts` those
    of a key, one for each run, `noise` by default.
    """

    def __init__(
        self, curves, *, restarts=(), gaps=(), verdicts=None, keys=None, source="log", step=timedelta(hours=4)
    ):
        self.curves = curves
        self.count = len(next(iter(curves.values())))
        self.runs = [sum(restart <= point for restart in restarts) for point in range(self.count)]
        self.verdicts = verdicts or {}
        self.keys = keys or {name: {"module": name, "status": "ok"} for name in curves}
        times = [START]
        for point in range(1, self.count):
            times.append(times[-1] + step * (6 if point in gaps else 1))
        self.points = pl.DataFrame(
            {
                "point": range(self.count),
                "run": self.runs,
                "taken_at": times,
                "time_source": [source] * self.count,
                "path": [f"logs/server_{point:03}.txt" for point in range(self.count)],
                "requested_bytes": [sum(curve[point] for curve in curves.values()) for point in range(self.count)],
                "restart": [point in restarts for point in range(self.count)],
                "gap": [point in gaps for point in range(self.count)],
            },
            schema_overrides={"point": pl.UInt32, "run": pl.UInt32, "requested_bytes": pl.UInt64},
        )

    @property
    def table(self):
        rows = [
            {"run": run, "point": point, **self.keys[name], "requested_bytes": size}
            for name, curve in self.curves.items()
            for point, (run, size) in enumerate(zip(self.runs, curve, strict=True))
        ]
        return self._frame(rows)

    @property
    def growth(self):
        rows = []
        for name, curve in self.curves.items():
            for run in sorted(set(self.runs)):
                own = [size for size, its_run in zip(curve, self.runs, strict=True) if its_run == run]
                verdict = self.verdicts.get(name, ["noise"] * (run + 1))[run]
                hours = 4 * max(1, len(own) - 1)
                slope = (own[-1] - own[0]) / hours
                rows.append(
                    {
                        "run": run,
                        **self.keys[name],
                        "first_bytes": own[0],
                        "last_bytes": own[-1],
                        "min_bytes": min(own),
                        "max_bytes": max(own),
                        "slope": slope,
                        "slope_low": slope - 10.0,
                        "slope_high": slope + 20.0,
                        "verdict": verdict,
                        "reason": f"{verdict} by hand",
                    }
                )
        return self._frame(rows)

    def _frame(self, rows):
        unsigned = ["requested_bytes", "first_bytes", "last_bytes", "min_bytes", "max_bytes", "fingerprint"]
        types = {"run": pl.UInt32, "point": pl.UInt32, **dict.fromkeys(unsigned, pl.UInt64)}
        return pl.DataFrame(rows, schema_overrides={name: types[name] for name in rows[0] if name in types})
