"""What a frame, and a group of stacks, is called in a ranking."""

from __future__ import annotations

from typing import cast

import polars as pl

from heapdelta import _native

STATUSES = _native.statuses()
"""Values of the ``status`` column of every view, by number: why a key is null, told apart from any module's name."""

OK, NOT_RECORDED, NOT_IN_FILE, NO_MODULE, SEVERAL_STACKS, NO_HEAP = range(len(STATUSES))


def function_label(frames: pl.DataFrame) -> pl.Series:
    """Name each frame: its function, else ``app+0x1C3F``, and without a module the text that is in the file."""
    return (
        pl.DataFrame(_native.function_labels(frames.select("module", "function", "offset", "text")))
        .to_series()
        .alias("function")
    )


def hexadecimal(values: pl.Series) -> pl.Series:
    """Write u64 as upper-case hexadecimal without leading zeros: polars has no such cast."""
    return pl.DataFrame(_native.hexadecimal(values.to_frame())).to_series().alias(values.name)


def module_groups(frames: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Give every module a number: that of each frame, then module and status of each."""
    # Few names are at many frames: each is looked at once.
    spelling = frames["module"].cast(pl.Categorical).to_physical()
    nameless = cast("int | None", spelling.max())
    nameless = 0 if nameless is None else nameless + 1
    spelling = spelling.fill_null(nameless)
    first = spelling.arg_unique().sort()
    distinct = frames.select(pl.col("module").gather(first), key=pl.col("module").gather(first).str.to_lowercase())
    codes, labels = _groups(distinct, ["key"])
    of_spelling = pl.repeat(0, nameless + 1, dtype=pl.UInt32, eager=True).scatter(spelling.gather(first), codes)
    return of_spelling.gather(spelling), labels.select("module", _status())


def function_groups(frames: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Give every function of a module a number; else as `module_groups`."""
    keyed = frames.select(
        "module",
        function_label(frames),
        key=pl.col("module").str.to_lowercase(),
        # Names of functions are told apart by case; one that is made of the module's name goes with the module.
        place=pl.when(pl.col("function").is_null() & pl.col("module").is_not_null()).then("offset"),
        name=pl.when(pl.col("module").is_null()).then("text").otherwise("function"),
    )
    codes, labels = _groups(keyed, ["key", "place", "name"])
    return codes, labels.select("module", "function", _status())


def _groups(keyed: pl.DataFrame, keys: list[str]) -> tuple[pl.Series, pl.DataFrame]:
    shown = [pl.col(name).first() for name in keyed.columns if name not in keys]
    labels = keyed.group_by(keys, maintain_order=True).agg(shown).with_row_index("code")
    coded = keyed.select(keys).join(
        labels.select(*keys, "code"), on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    return coded["code"], labels


def _status() -> pl.Expr:
    return (
        pl.when(pl.col("module").is_null())
        .then(pl.lit(STATUSES[NO_MODULE]))
        .otherwise(pl.lit(STATUSES[OK]))
        .alias("status")
    )


def stack_status(*, recorded: pl.Expr, frame: pl.Expr, module: pl.Expr) -> pl.Expr:
    """Give the number of the status of a stack, by the frame that it counts for and the module of that."""
    return (
        pl.when(~recorded)
        .then(NOT_RECORDED)
        .when(frame.is_null())
        .then(NOT_IN_FILE)
        .when(module.is_null())
        .then(NO_MODULE)
        .otherwise(OK)
    )


def heap_status(base: pl.Expr) -> pl.Expr:
    """Give the words of the status of a heap."""
    return pl.when(base.is_null()).then(pl.lit(STATUSES[NO_HEAP])).otherwise(pl.lit(STATUSES[OK])).alias("status")


def doubtful_names(frames: pl.DataFrame) -> pl.Series:
    """Tell which frames have a name that is probably that of another function."""
    return pl.DataFrame(_native.doubtful_names(frames.select("function", "offset"))).to_series()


def status_text(code: pl.Expr) -> pl.Expr:
    """Give the words for numbers of statuses."""
    return pl.lit(pl.Series("status", STATUSES)).gather(code.cast(pl.UInt32))
