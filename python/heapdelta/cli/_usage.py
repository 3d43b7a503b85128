"""A command line that is not understood: what was expected, what was found, and what may have been meant."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING, Any

from heapdelta import _native
from heapdelta._long_path import for_system
from heapdelta._shell import pasted
from heapdelta._words import listed
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import typer
    from typer._click.core import Command, Context, Parameter

# Nobody mistypes a name into a longer text; to compare one takes long.
_LONGEST = 60
_WHOLE, _ANY = "a whole number", "a number"
_NUMBERS = {"int": _WHOLE, "int range": _WHOLE, "float": _ANY, "float range": _ANY}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Give what may have been meant: the one name that begins so, else the one that looks most like it."""
    names = {_bare(name): name for name in known}
    wanted = _bare(word)
    if not wanted or len(wanted) > _LONGEST:
        return None
    begun = [key for key in names if key.startswith(wanted)]
    close = begun if len(begun) == 1 else difflib.get_close_matches(wanted, names, n=1)
    return names[close[0]] if close else None


def _bare(name: str) -> str:
    return name.lstrip("-").lower()


def wrong_command(path: str, words: Sequence[str], known: Iterable[str]) -> OptionError:
    """Say that the first word is no command; what stands there may be a file, and the command left out.

    Parameters
    ----------
    path : str
        What the user calls the program.
    words : sequence of str
        The words of the command line, from the one that should be a command on.
    known : iterable of str
        The commands there are.
    """
    word = words[0]
    if _is_there(word):
        files = [word, *([words[1]] if len(words) > 1 and _is_there(words[1]) else [])]
        command = "series" if os.path.isdir(for_system(word)) else "diff" if len(files) > 1 else "summary"  # noqa: PTH112
        meant = pasted([path, command, *(files if command == "diff" else files[:1])])
        kind = "folder" if command == "series" else "file"
        return _refusal(f"expected a command, found {word}, which is a {kind}", meant)
    return _refusal(f"expected a command, found {_said(word)}", _hint(nearest(word, known), path))


def no_command(path: str) -> OptionError:
    """Say that there is no command."""
    return _refusal("expected a command, found none", _hint(None, path))


def explained(error: typer.TyperException, command: Command, context: Context, given: Sequence[str]) -> OptionError:
    """Say what typer found wrong, in the words of all other errors.

    Parameters
    ----------
    error : typer.TyperException
        What typer says. Its classes are private, so it is known by what it has.
    command : Command
        The command.
    context : Context
        The context of the command.
    given : sequence of str
        Its part of the command line.
    """
    path = context.command_path
    parameter, name = getattr(error, "param", None), getattr(error, "option_name", None)
    if hasattr(error, "possibilities") and name is not None:
        options = [option for known in command.get_params(context) for option in _options(known)]
        message = f"expected an option of {path}, found {_said(_as_typed(name, given))}"
        return _refusal(message, _hint(nearest(_as_typed(name, given), options), path))
    if name is not None:
        return _refusal(_about_value(name, command, context), _hint(None, path))
    if hasattr(error, "param_type") and parameter is not None:
        return _refusal(f"expected {_label(parameter)} for {path}, found nothing", _hint(None, path))
    values, further = _read(command, context, given)
    if parameter is not None:
        return _wrong_value(parameter, values.get(parameter.name or ""), path, error)
    if further:
        takes = any(known.param_type_name == "argument" for known in command.params)
        expected = f"expected no {'further ' if takes else ''}argument for {path}"
        files = [str(values.get("before")), str(values.get("after")), *further]
        if command.name == "diff" and all(map(_is_there, files)):
            many = pasted([*path.split()[:-1], "series", *files])
            return _refusal(f"{expected}, found {_said(' '.join(further))}", f"of more than two logs: {many}")
        return _refusal(f"{expected}, found {_said(' '.join(further))}", _hint(None, path))
    message = error.format_message().rstrip(".")
    return _refusal(f"{path}: {message[:1].lower()}{message[1:]}", _hint(None, path))


def _wrong_value(parameter: Parameter, value: object, path: str, error: typer.TyperException) -> OptionError:
    label, found = _label(parameter), _said(str(value))
    choices = choices_of(parameter)
    if choices:
        near = nearest(str(value), choices)
        meant = None if near is None else f"{label} {near}" if label.startswith("-") else near
        return _refusal(f"expected {label} {listed(choices)}, found {found}", _hint(meant, path))
    number = _NUMBERS.get(parameter.type.name)
    if number is None:
        return _refusal(f"expected another {label}, found {found}: {error}", _hint(None, path))
    least, most = (getattr(parameter.type, end, None) for end in ("min", "max"))
    span = "" if least is None else f" from {least:g} " + ("on" if most is None else f"to {most:g}")
    return _refusal(f"expected {label} with {number}{span}, found {found}", _hint(None, path))


def choices_of(parameter: Parameter) -> list[str]:
    """Give the words that an option or argument may be; none where it may be any."""
    return [str(getattr(choice, "value", choice)) for choice in getattr(parameter.type, "choices", ())]


def _about_value(name: str, command: Command, context: Context) -> str:
    option: Any = next((known for known in command.get_params(context) if name in _options(known)), None)
    if option is None or option.is_flag:
        return f"expected {name} without a value, found one"
    return f"expected {name} {option.make_metavar(ctx=context)}, found {name} alone"


def _read(command: Command, context: Context, given: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Take the command line apart again: the text of each value, and what is left over."""
    values, further, _ = command.make_parser(context).parse_args(args=list(given))
    return values, further


def _options(parameter: Parameter) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts] if parameter.param_type_name == "option" else []


def _label(parameter: Parameter) -> str:
    """Give the long name of an option, or what the help calls an argument."""
    if parameter.param_type_name == "option":
        return max(parameter.opts, key=len)
    return parameter.human_readable_name.rstrip(".…")


def _as_typed(name: str, given: Sequence[str]) -> str:
    """Give the whole word that an option is in: of `-top`, `-t` is what is looked for."""
    if name.startswith("--"):
        return name
    short = (word for word in given if word[:1] == "-" and word[:2] != "--" and name[1:] in word)
    return next(short, name)


def _is_there(name: str) -> bool:
    """Tell whether there is such a file, or the archive that it is in."""
    try:
        return os.path.exists(for_system(_native.archive_of(name) or name))  # noqa: PTH110 - a name may be no path
    except ValueError:
        return False


def _said(text: str) -> str:
    return text or "an empty text"


def _hint(meant: str | None, path: str) -> str:
    helping = f"{path} --help"
    return helping if meant is None else f"did you mean {meant}? {helping} shows all"


def _refusal(message: str, hint: str) -> OptionError:
    return OptionError(message, hint=hint, kind="option")
