"""`heapdelta completion`: what lets a shell complete commands, options, choices and names of files."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from typer._click.shell_completion import add_completion_class
from typer._completion_classes import PowerShellComplete, completion_init
from typer._completion_shared import get_completion_script

if TYPE_CHECKING:
    from typer._click.shell_completion import CompletionItem

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
                (not tried in a PowerShell yet)
    """  # noqa: D301 - the sign is for typer: these lines stay as they are
    script = get_completion_script(prog_name=_PROGRAM, complete_var=_VARIABLE, shell=shell.value)
    # Where there is nothing to complete typer writes an empty line, of which PowerShell can make no answer.
    script = script.replace(f"{_PROGRAM} | ForEach-Object", f"{_PROGRAM} | Where-Object {{ $_ }} | ForEach-Object")
    typer.echo("\n".join(line for line in script.splitlines() if not line.startswith(_NOT_OURS)))


def prepare() -> None:
    """Let typer answer a shell that asks for words."""
    if _VARIABLE in os.environ:
        completion_init()
        add_completion_class(_PowerShell, Shell.POWERSHELL.value)
        _join_values()


class _PowerShell(PowerShellComplete):
    """PowerShell puts an answer in the place of the whole word: of `--by=mo`, not of `mo`."""

    def format_completion(self, item: CompletionItem) -> str:
        """Write an answer with the option that stands before it in one word."""
        option, sign, _ = os.environ.get("_TYPER_COMPLETE_WORD_TO_COMPLETE", "").partition("=")
        before = f"{option}=" if sign and option.startswith("-") else ""
        return before + super().format_completion(item)


def _join_values() -> None:
    """Take out the ``=`` of bash, which makes three words of `--by=module`."""
    words, place = os.environ.get("COMP_WORDS", "").split("\n"), os.environ.get("COMP_CWORD", "")
    if place.isdecimal() and "=" in words[: int(place)]:
        kept = [word for word in words[: int(place)] if word != "="]
        os.environ["COMP_WORDS"] = "\n".join([*kept, *words[int(place) :]])
        os.environ["COMP_CWORD"] = str(len(kept))
