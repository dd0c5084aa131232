"""`reelsense models` without arguments: the versions in a table, and what to do with them by number."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from reelsense.errors import InputError, ReelsenseError
from reelsense.printable import cell
from reelsense.registry.export import export_registry, export_target
from reelsense.registry.versions import (
    CANDIDATE,
    CHAMPION,
    PREVIOUS,
    ModelVersion,
    archive,
    list_versions,
    make_candidate,
    promote,
    roll_back,
)
from reelsense.settings import Settings
from reelsense.types import KST

_ALIAS_KO = {CHAMPION: "챔피언", CANDIDATE: "후보", PREVIOUS: "이전"}
_TITLES_KO = ("버전", "별칭", "F1", "정확도", "만든 때", "레시피")
_TITLES_EN = ("version", "alias", "F1", "accuracy", "created", "recipe")
_ACTIONS = (
    ("챔피언으로 승격", "promote to champion"),
    ("후보로 강등", "demote to candidate"),
    ("보관", "archive"),
    ("되돌리기", "roll back"),
    ("내보내기", "export"),
    ("끝내기", "quit"),
)
_QUIT = len(_ACTIONS)


def models_dialog(settings: Settings, console: Console | None = None) -> None:
    """Show the table, ask, do, until the person quits. The end of piped input and Ctrl-C leave cleanly.

    Raises RegistryError when MLflow can't be reached at the start; later errors are shown and the dialog goes on.
    """
    _Dialog(settings, console or Console()).run()


def versions_table(versions: list[ModelVersion], language: str) -> Table:
    """The versions as a rich table, in the order given."""
    ko = language == "ko"
    table = Table(title="모델 버전" if ko else "Model versions")
    for place, title in enumerate(_TITLES_KO if ko else _TITLES_EN):
        table.add_column(title, justify="right" if place in (0, 2, 3) else "left")
    for found in versions:
        names = [_ALIAS_KO[alias] if ko else alias for alias in found.aliases if alias in _ALIAS_KO]
        if found.archived:
            names.append("보관됨" if ko else "archived")
        table.add_row(
            str(found.version),
            ", ".join(names) or "-",
            _number(found.macro_f1),
            _number(found.accuracy),
            found.created.astimezone(KST).strftime("%Y-%m-%d %H:%M"),
            cell(found.recipe or "-"),
        )
    return table


class _Dialog:
    """The state of one conversation: where to write, and in which language."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._ko = settings.language == "ko"
        self._doings: tuple[Callable[[], None], ...] = (
            self._promote,
            self._demote,
            self._archive,
            self._roll_back,
            self._export,
        )

    def run(self) -> None:
        versions = list_versions(self._settings)
        try:
            while True:
                self._show(versions)
                choice = self._choose(self._say("번호", "Number"), range(1, _QUIT + 1))
                if choice == _QUIT:
                    break
                try:
                    self._doings[choice - 1]()
                except ReelsenseError as error:
                    self._write(str(error), "red")
                versions = list_versions(self._settings)
        except (EOFError, KeyboardInterrupt):
            self._console.print()
        self._write(self._say("끝냅니다.", "Goodbye."))

    def _show(self, versions: list[ModelVersion]) -> None:
        if versions:
            self._console.print(versions_table(versions, self._settings.language))
        else:
            self._write(
                self._say(
                    "등록된 모델이 없습니다. `reelsense train`으로 학습하세요.",
                    "No model is registered yet. Train one with `reelsense train`.",
                )
            )
        for number, words in enumerate(_ACTIONS, start=1):
            self._write(f"  {number}. {self._say(*words)}")

    def _promote(self) -> None:
        version = self._ask_version()
        if self._agreed(f"버전 {version}을(를) 챔피언으로 승격할까요?", f"Promote version {version} to champion?"):
            promote(self._settings, version)
            self._done(f"버전 {version}이(가) 챔피언입니다.", f"Version {version} is the champion.")

    def _demote(self) -> None:
        version = self._ask_version()
        if self._agreed(f"버전 {version}을(를) 후보로 강등할까요?", f"Demote version {version} to candidate?"):
            make_candidate(self._settings, version)
            self._done(f"버전 {version}이(가) 후보입니다.", f"Version {version} is the candidate.")

    def _archive(self) -> None:
        version = self._ask_version()
        if self._agreed(f"버전 {version}을(를) 보관할까요?", f"Archive version {version}?"):
            archive(self._settings, version)
            self._done(f"버전 {version}을(를) 보관했습니다.", f"Version {version} is archived.")

    def _roll_back(self) -> None:
        if self._agreed("이전 챔피언으로 되돌릴까요?", "Roll back to the previous champion?"):
            found = roll_back(self._settings)
            self._done(f"버전 {found.version}이(가) 다시 챔피언입니다.", f"Version {found.version} is champion again.")

    def _export(self) -> None:
        default = "model_registry.json"
        said = self._ask(self._say(f"파일 (그냥 Enter: {default})", f"File (just Enter: {default})"))
        try:
            path = export_target(Path(said or default).expanduser())
        except RuntimeError as error:  # of ~NAME
            raise InputError(f"'{said}' can't be written: {error}") from error
        # Not `Path.exists`, which raises for what can't be looked at.
        there = os.path.exists(path)  # noqa: PTH110
        if there and not self._agreed(f"{path}을(를) 덮어쓸까요?", f"Overwrite {path}?"):
            return
        written = export_registry(self._settings, path)
        self._done(f"{written}에 썼습니다.", f"Written to {written}.")

    def _ask_version(self) -> int:
        numbers = [found.version for found in list_versions(self._settings)]
        return self._choose(self._say("버전", "Version"), numbers)

    def _choose(self, question: str, allowed: range | list[int]) -> int:
        if not allowed:
            raise ReelsenseError(self._say("고를 버전이 없습니다.", "There is no version to choose."))
        while True:
            said = self._ask(question)
            if said.isdecimal() and int(said) in allowed:
                return int(said)
            listed = ", ".join(str(number) for number in allowed)
            self._write(self._say(f"다음 중에서 고르세요: {listed}", f"Choose one of: {listed}"), "yellow")

    def _agreed(self, ko: str, en: str) -> bool:
        while True:
            said = self._ask(f"{self._say(ko, en)} (y/n)").lower()
            if said in ("y", "yes", "예", "네"):
                return True
            if said in ("n", "no", "아니요", "아니오", ""):
                self._write(self._say("그만두었습니다.", "Left as it was."))
                return False

    def _ask(self, question: str) -> str:
        return self._console.input(f"{question}: ", markup=False).strip()

    def _done(self, ko: str, en: str) -> None:
        self._write(self._say(ko, en), "green")

    def _say(self, ko: str, en: str) -> str:
        return ko if self._ko else en

    def _write(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style, markup=False, highlight=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
