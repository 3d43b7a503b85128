"""Commands as typer makes them, but with help for people, and errors in our words."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from heapdelta.cli import _usage

if TYPE_CHECKING:
    from typer._click.core import Command as AnyCommand
    from typer._click.core import Context, Parameter
    from typer._click.formatting import HelpFormatter

# What stands for a value, by what typer calls its type.
_VALUES = {"int": "N", "int range": "N", "float": "NUMBER", "float range": "NUMBER", "path": "FILE", "str": "TEXT"}
# Choices of more letters are told in the text beside the option.
_ROOM_FOR_CHOICES = 24


class Command(TyperCommand):
    """One sub-command."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - typer's own
        super().__init__(*args, **options)
        _name_values(self.params)

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the command line, and say what is wrong with it in our words."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            raise _usage.explained(error, self, ctx, given) from error

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """Write arguments without the braces of typer."""
        return [piece.removeprefix("{").removesuffix("}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """List arguments and options."""
        _list_parameters(self, ctx, formatter)


class Group(TyperGroup):
    """The program itself."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the command line, and say what is wrong with it in our words; without any, typer shows the help."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if not given:
                raise
            raise _usage.explained(error, self, ctx, given) from error

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, AnyCommand | None, list[str]]:
        """Find the command, or say which may have been meant."""
        if ctx.resilient_parsing or self.get_command(ctx, args[0]) is not None:
            return super().resolve_command(ctx, args)
        raise _usage.wrong_command(ctx.command_path, args, self.commands)

    def invoke(self, ctx: Context) -> Any:  # noqa: ANN401 - whatever the command gives
        """Run the command; there may be none, as in `heapdelta --`."""
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            raise _usage.no_command(ctx.command_path) from error

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """List options and commands."""
        _list_parameters(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def _name_values(parameters: list[Parameter]) -> None:
    """Say FILE and N, where typer has the types of Python."""
    for parameter in parameters:
        if parameter.metavar is not None:
            continue
        if parameter.param_type_name == "argument":
            parameter.metavar = (parameter.name or "").upper() + ("..." if parameter.nargs == -1 else "")
        elif choices := _usage.choices_of(parameter):
            short = "|".join(choices)
            parameter.metavar = short if len(short) <= _ROOM_FOR_CHOICES else "KIND"
        else:
            parameter.metavar = _VALUES.get(parameter.type.name)


def _list_parameters(command: AnyCommand, ctx: Context, formatter: HelpFormatter) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            sections[f"{parameter.param_type_name.title()}s"].append((record[0], _about(parameter)))
    for title, rows in sections.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _about(parameter: Any) -> str:  # noqa: ANN401 - an option or an argument of typer
    """Write what an option is for; then its choices, if not told yet, and what is taken without it."""
    text = parameter.help or ""
    choices = _usage.choices_of(parameter)
    if choices and parameter.metavar != "|".join(choices) and not all(choice in text for choice in choices):
        text += f" One of {', '.join(choices)}."
    facts = []
    if parameter.envvar:
        facts.append(f"or in the environment: {parameter.envvar}")
    default = parameter.show_default if isinstance(parameter.show_default, str) else _default(parameter)
    if default:
        facts.append(f"default: {default}")
    return f"{text}  [{'; '.join(facts)}]" if facts else text


def _default(parameter: Any) -> str | None:  # noqa: ANN401 - as above
    value = parameter.default
    if not parameter.show_default or callable(value) or isinstance(value, (bool, list, tuple)) or value is None:
        return None
    return f"{value:g}" if isinstance(value, float) else str(value.value if isinstance(value, Enum) else value)
