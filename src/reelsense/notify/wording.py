"""What the messages say: one for each run, with what a person wants to know of it. Slack's own mark-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reelsense.notify.slack import escaped
from reelsense.settings import Settings
from reelsense.store.changes import FilmChanges, MoodShift
from reelsense.store.runs import RunRow
from reelsense.types import DRIFT_STATISTICS, SET_NAMES, DriftAlarm, DriftMeasure

_MOST_FILMS = 15
_OUTCOMES = {
    "promoted": ("승격", "promoted"),
    "candidate": ("후보로 등록", "kept as candidate"),
    "refused": ("관문에서 거절", "refused by the gate"),
    "withdrawn": ("승격 후 되돌림", "promoted and rolled back"),
    "skipped": ("건너뜀", "skipped"),
    "failed": ("실패", "failed"),
    "running": ("끝나지 않음", "not finished"),
}
_SIGNS = {"promoted": "🚀", "candidate": "🗂", "refused": "🛑", "withdrawn": "↩️", "skipped": "💤", "failed": "❌"}
_MOST_ALARMS = 5
_MEASURES: dict[DriftMeasure, tuple[str, str]] = {
    "score": ("점수", "scores"),
    "rating": ("평점", "ratings"),
    "length": ("길이", "lengths"),
    "vocabulary": ("어휘", "words"),
}
# Digits of a mean: a probability, a rating, characters.
MEAN_DIGITS: dict[DriftMeasure, int] = {"score": 2, "rating": 1, "length": 0, "vocabulary": 0}


def crawl_text(
    settings: Settings, source: str, runs: Sequence[RunRow], films: Sequence[FilmChanges], link: str = ""
) -> str:
    """A crawl of one source: new, changed, repeated and rejected reviews by film."""
    say = _say(settings)
    problems = list(dict.fromkeys(run.message for run in runs if run.status != "succeeded" and run.message))
    sign = "✅" if runs and all(run.status == "succeeded" for run in runs) else "⚠️"
    repeated = sum(int(run.counts.get("duplicates", 0)) for run in runs)
    rejected = sum(film.rejected for film in films)
    new, changed = sum(film.new for film in films), sum(film.changed for film in films)
    lines = [
        f"{sign} *{escaped(source)} {say('수집', 'crawl')}*  {say('신규', 'new')} {new:,} · "
        f"{say('변경', 'changed')} {changed:,} · {say('중복', 'duplicate')} {repeated:,} · "
        f"{say('보류', 'rejected')} {rejected:,}  ({_seconds(settings, runs)})"
    ]
    for film in films[:_MOST_FILMS]:
        told = f"{say('신규', 'new')} {film.new:,} · {say('변경', 'changed')} {film.changed:,}"
        aside = f" · {say('보류', 'rejected')} {film.rejected:,}" if film.rejected else ""
        lines.append(f"• {escaped(film.title)}: {told}{aside}")
    lines += _left_out(settings, len(films))
    lines += [f"> {escaped(problem)}" for problem in problems[:5]]
    return "\n".join([*lines, *_links(settings, link)])


def score_text(settings: Settings, run: RunRow, shifts: Sequence[MoodShift], link: str = "") -> str:
    """A scoring: how many, by which model, and how the mood of the new reviews differs."""
    say = _say(settings)
    version = escaped(str(run.parameters.get("model_version", "?")))
    scored = int(run.counts.get("scored", 0))
    lines = [
        f"✅ *{say('감성 분석', 'scoring')}*  {say('모델', 'model')} v{version} · {scored:,}{say('건', ' reviews')}  "
        f"({_seconds(settings, [run])})"
    ]
    for shift in shifts[:_MOST_FILMS]:
        before = ""
        if shift.before:
            points = 100 * (shift.new_positive - shift.before_positive)
            before = f" ({say('이전', 'before')} {shift.before_positive:.1%}, {points:+.1f}{say('%p', ' points')})"
        new = f"{say('신규', 'new')} {shift.new:,}{say('건 긍정', ', positive')} {shift.new_positive:.1%}"
        lines.append(f"• {escaped(shift.title)}: {new}{before}")
    lines += _left_out(settings, len(shifts))
    return "\n".join([*lines, *_links(settings, link)])


def training_text(settings: Settings, run: RunRow, link: str = "") -> str:
    """A training: the new model against the champion, the gate's reason, what was learned from, how long it took."""
    say = _say(settings)
    counts, told = run.counts, run.parameters
    outcome = str(counts.get("outcome") or ("skipped" if run.status == "skipped" else run.status))
    name = say("미세 조정", "fine-tuning") if run.pipeline == "finetune" else say("재학습", "retraining")
    version = f" v{counts['version']}" if counts.get("version") else ""
    lines = [
        f"{_SIGNS.get(outcome, '⚠️')} *{name}: {say(*_OUTCOMES.get(outcome, (outcome, outcome)))}{version}*  "
        f"{escaped(str(told.get('recipe', '')))} · {say('데이터', 'data')} {told.get('data') or '–'}  "
        f"({_seconds(settings, [run])})"
    ]
    alarms = list(told.get("alarms") or ())
    if told.get("drift") is not None and not alarms:  # of a training before there were other measures
        lines.append(f"🌊 {say('드리프트 경보', 'drift alarm')}: PSI {told['drift']:.2f}")
    for alarm in alarms[:_MOST_ALARMS]:
        lines.append(f"🌊 {say('드리프트 경보', 'drift alarm')}: {escaped(_distance(say, **alarm))}")
    if len(alarms) > _MOST_ALARMS:
        lines.append(f"🌊 … {len(alarms) - _MOST_ALARMS:,}{say('건 더', ' more')}")
    metrics: dict[str, Any] = dict(counts.get("metrics") or {})
    for key in ("test", "newest"):
        if f"{key}/accuracy" in metrics:
            lines.append(
                f"• {say(*SET_NAMES[key])} {metrics[f'{key}/n']:,.0f}{say('건', '')}: {_against(say, metrics, key)}"
            )
    if counts.get("train"):
        seconds = f" · {say('학습', 'fit')} {metrics.get('training_seconds', 0):,.0f}{say('초', ' s')}"
        labels = f"{say('저장된 라벨', 'stored labels')} {counts.get('stored_labels', 0):,}"
        lines.append(f"• {labels} · {say('학습 표본', 'trained on')} {counts['train']:,}{seconds}")
    if run.message:
        lines.append(f"> {escaped(run.message)}")
    run_link = []
    if settings.links.mlflow and counts.get("mlflow_run"):
        run_link = [f"{settings.links.mlflow.rstrip('/')}/#/runs/{counts['mlflow_run']}"]
    return "\n".join([*lines, *_links(settings, link, *run_link)])


def check_text(settings: Settings, name: str, passed: bool, found: str, link: str = "") -> str:
    """One step of the model check."""
    say = _say(settings)
    sign = "✅" if passed else "❌"
    return "\n".join(
        [f"{sign} *{say('모델 점검', 'model check')}: {escaped(name)}*  {escaped(found)}", *_links(settings, link)]
    )


def drift_text(settings: Settings, alarms: Sequence[DriftAlarm], page: str, link: str = "") -> str:
    """What has drifted since the last look, and where the page lies."""
    say = _say(settings)
    week = alarms[0].week
    lines = [f"🌊 *{say('드리프트', 'drift')}*  {week.begins} – {week.ends}"]
    for alarm in alarms[:_MOST_FILMS]:
        found = alarm.week
        told = escaped(alarm_text(settings, alarm))
        if found.mean is not None and found.mean_before is not None:
            told += f" · {say('평균', 'mean')} {found.mean_before:.{MEAN_DIGITS[alarm.measure]}f} → "
            told += f"{found.mean:.{MEAN_DIGITS[alarm.measure]}f}"
        words = f" · {say('늘어난 말', 'rising words')}: {escaped(', '.join(alarm.words))}" if alarm.words else ""
        lines.append(f"• {told}{words} ({found.reviews:,}{say('건', ' reviews')})")
    if len(alarms) > _MOST_FILMS:
        lines.append(f"• … {len(alarms) - _MOST_FILMS:,}{say('건 더', ' more')}")
    return "\n".join([*lines, f"> {say('페이지', 'page')}: {escaped(page)}", *_links(settings, link)])


def alarm_text(settings: Settings, alarm: DriftAlarm) -> str:
    """One alarm in one line: film, value, measure and threshold. Plain, without Slack's mark-up."""
    found = alarm.week
    return _distance(_say(settings), alarm.measure, found.value or 0, found.threshold or 0, alarm.title)


def upkeep_text(settings: Settings, removed: dict[str, int], link: str = "") -> str:
    """What maintenance cleared away, by the chores' names."""
    say = _say(settings)
    told = " · ".join(f"{name} {number:,}" for name, number in removed.items() if number) or say("없음", "nothing")
    return "\n".join([f"🧹 *{say('정리', 'maintenance')}*  {told}", *_links(settings, link)])


def failure_text(settings: Settings, dag: str, task: str, attempt: int, error: str, link: str = "") -> str:
    """A task that failed for good."""
    say = _say(settings)
    first = next(
        (line.strip() for line in error.splitlines() if line.strip()), say("이유를 알 수 없음", "no reason given")
    )
    head = f"❌ *{escaped(dag)}* {say('실패', 'failed')}: `{escaped(task)}` ({say('시도', 'attempt')} {attempt})"
    return "\n".join([head, f"> {escaped(first)}", *_links(settings, link)])


def late_text(settings: Settings, dag: str, run: str, minutes: float, link: str = "") -> str:
    """A run that takes longer than it may."""
    say = _say(settings)
    late = say(f"{minutes:g}분 안에 끝나지 않음", f"not finished within {minutes:g} minutes")
    head = f"⏰ *{escaped(dag)}* {late}"
    return "\n".join([f"{head}: `{escaped(run)}`", *_links(settings, link)])


def _distance(say: Any, measure: DriftMeasure, value: float, threshold: float, title: str = "", **_: Any) -> str:
    film = f"{title} · " if title else ""
    name, limit = say(*_MEASURES[measure]), say("기준", "threshold")
    return f"{film}{DRIFT_STATISTICS[measure]} {value:.2f} ({name}, {limit} {threshold:.2f})"


def _say(settings: Settings) -> Any:
    return lambda korean, english: korean if settings.language == "ko" else english


def _against(say: Any, metrics: dict[str, Any], name: str) -> str:
    told = []
    for metric, label in (("accuracy", say("정확도", "accuracy")), ("macro_f1", "macro-F1"), ("ece", "ECE")):
        if f"{name}/{metric}" in metrics:
            old = metrics.get(f"champion/{name}/{metric}")
            against = f" ({say('챔피언', 'champion')} {old:.4f})" if old is not None else ""
            told.append(f"{label} {metrics[f'{name}/{metric}']:.4f}{against}")
    return ", ".join(told)


def _seconds(settings: Settings, runs: Sequence[RunRow]) -> str:
    ends = [run.finished_at for run in runs if run.finished_at is not None]
    if not runs or not ends:
        return "–"
    seconds = (max(ends) - min(run.started_at for run in runs)).total_seconds()
    return f"{seconds:,.0f}{'초' if settings.language == 'ko' else ' s'}"


def _left_out(settings: Settings, films: int) -> list[str]:
    more = films - _MOST_FILMS
    return [f"• … {more:,}{'편 더' if settings.language == 'ko' else ' more films'}"] if more > 0 else []


def _links(settings: Settings, link: str, mlflow: str = "") -> list[str]:
    say = _say(settings)
    shown = (
        (say("화면", "pages"), settings.links.ui),
        ("MLflow", mlflow or settings.links.mlflow),
        (say("로그", "logs"), link or settings.links.airflow),
    )
    told = " · ".join(f"<{address}|{name}>" for name, address in shown if address)
    return [told] if told else []
