"""`heapdelta completion`: what lets a shell complete commands, options, choices and names of files."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script

_PROGRAM = "heapdelta"
# A shell that asks for words to complete runs the program with this variable.
_VARIABLE = "_HEAPDELTA_COMPLETE"
# Typer would change what the Tab key does everywhere.
_NOT_OURS = ("Import-Module PSReadLine", "Set-PSReadLineKeyHandler")


class Shell(StrEnum):
    """Whose script it is."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


def completion(shell: Annotated[Shell, typer.Argument(help="bash, zsh, fish or powershell.")]) -> None:
    """Print what lets a shell complete commands, options, choices and files.

    Put the line of your shell into the file that it reads when it starts:

    \b
    bash        ~/.bashrc
                eval "$(heapdelta completion bash)"
    zsh         ~/.zshrc, below compinit
                eval "$(heapdelta completion zsh)"
    fish        ~/.config/fish/config.fish
                heapdelta completion fish | source
    powershell  $PROFILE
                heapdelta completion powershell | Out-String | Invoke-Expression
    """  # noqa: D301 - the sign is for typer: these lines stay as they are
    script = get_completion_script(prog_name=_PROGRAM, complete_var=_VARIABLE, shell=shell.value)
    typer.echo("\n".join(line for line in script.splitlines() if not line.startswith(_NOT_OURS)))


def prepare() -> None:
    """Let typer answer a shell that asks for words."""
    if _VARIABLE in os.environ:
        completion_init()
        _join_values()


def _join_values() -> None:
    """Take out the ``=`` of bash, which makes three words of `--by=module`."""
    words, place = os.environ.get("COMP_WORDS", "").split("\n"), os.environ.get("COMP_CWORD", "")
    if place.isdecimal() and "=" in words[: int(place)]:
        kept = [word for word in words[: int(place)] if word != "="]
        os.environ["COMP_WORDS"] = "\n".join([*kept, *words[int(place) :]])
        os.environ["COMP_CWORD"] = str(len(kept))
