"""What `pylstm eval` says of a listener on running audio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pylstm.arguments import number_of
from pylstm.cli.console.label_report import rounded
from pylstm.cli.console.named_recordings import duration
from pylstm.cli.console.output import fact, one_line
from pylstm.cli.console.text_table import percent, print_table, table

if TYPE_CHECKING:
    from pylstm.evaluation.trade_off import TradeOff
    from pylstm.evaluation.word_evaluation import WordEvaluation

__all__ = ["alarm_rate", "print_words", "word_facts"]

# False alarms an hour at which misses are shown.
_RATES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
_MOST_SOURCES = 15
_MOST_OTHERS = 3


def word_facts(evaluation: WordEvaluation, curve: TradeOff, gap: float) -> dict[str, Any]:
    """All results, as JSON has them."""
    return {
        "gap": gap,
        "said": evaluation.said,
        "heard": evaluation.heard,
        "another": evaluation.another,
        "nothing": evaluation.nothing,
        "labels": {
            label: {
                "threshold": rounded(evaluation.thresholds[label]),
                "said": word.said,
                "heard": word.heard,
                "missed": word.missed,
                "another": word.another,
                "nothing": word.nothing,
                "taken_for": dict(word.taken_for),
                "extra": word.extra,
                "reported_for_others": word.wrong,
                "false_alarms": word.false_alarms,
                "background_alarms": word.background_alarms,
                "false_alarms_an_hour": rounded(
                    alarm_rate(word.false_alarms, evaluation.wordless_hours)
                ),
            }
            for label, word in evaluation.words.items()
        },
        "background": {
            label: {
                "said": words.said,
                "reported": words.reported,
                "events": words.events,
                "seconds": round(words.seconds, 3),
            }
            for label, words in evaluation.background.items()
        },
        "without_words": {
            source: {"seconds": round(audio.seconds, 3), "events": audio.events}
            for source, audio in evaluation.wordless.items()
        },
        "false_alarms_an_hour": rounded(
            alarm_rate(_wordless_events(evaluation), evaluation.wordless_hours)
        ),
        "trade_off": {
            "hours": rounded(curve.hours),
            "thresholds": curve.thresholds.tolist(),
            **_curve_facts(curve, None),
            "labels": {label: _curve_facts(curve, label) for label in curve.labels},
        },
    }


def _curve_facts(curve: TradeOff, label: str | None) -> dict[str, Any]:
    return {
        "misses": [rounded(rate) for rate in curve.misses(label)],
        "false_alarms_an_hour": [rounded(rate) for rate in curve.false_alarms_an_hour(label)],
    }


def alarm_rate(events: int, hours: float) -> float:
    """Events an hour; NaN without any time."""
    return events / hours if hours else math.nan


def print_words(evaluation: WordEvaluation, curve: TradeOff) -> None:
    """The results for people."""
    said = evaluation.said
    if said:
        heard, another, nothing = (
            percent(n / said) for n in (evaluation.heard, evaluation.another, evaluation.nothing)
        )
        fact(
            "listener",
            f"{heard} % of {number_of(said, 'word')} heard, another reported for {another} %,"
            f" nothing for {nothing} %",
        )
    for label, words in evaluation.background.items():
        share = percent(words.reported / words.said)
        of = number_of(words.said, "recording")
        fact("other words", f"something reported in {share} % of {of} of {one_line(label)}")
    _print_false_alarms(evaluation)
    print()
    _print_by_label(evaluation)
    if len(evaluation.wordless) > 1:
        print()
        _print_sources(evaluation)
    print()
    _print_curve(curve)


def _print_false_alarms(evaluation: WordEvaluation) -> None:
    events, hours = _wordless_events(evaluation), evaluation.wordless_hours
    if not hours:
        fact("false alarms", "not measured: --negatives FOLDER names audio without words")
        return
    fact(
        "false alarms",
        f"{_rate(events, hours)} an hour ({events / hours / 60:.2f} a minute):"
        f" {number_of(events, 'event')} in {duration(3600 * hours)} without any word",
    )


def _print_by_label(evaluation: WordEvaluation) -> None:
    found = table()
    found.add_column("label")
    headings = ("said", "heard %", "another %", "nothing %", "extra", "false alarms/h", "threshold")
    for heading in headings:
        found.add_column(heading, justify="right")
    found.add_column("taken for")
    for label, word in evaluation.words.items():
        shares = [
            percent(n / word.said if word.said else None)
            for n in (word.heard, word.another, word.nothing)
        ]
        others = list(word.taken_for.items())
        taken = ", ".join(f"{one_line(other)} {n}" for other, n in others[:_MOST_OTHERS])
        more = f" and {len(others) - _MOST_OTHERS} more" if len(others) > _MOST_OTHERS else ""
        found.add_row(
            one_line(label), f"{word.said:,}", *shares, str(word.extra),
            _rate(word.false_alarms, evaluation.wordless_hours),
            f"{evaluation.thresholds[label]:g}", taken + more,
        )  # fmt: skip
    print_table(found)


def _print_sources(evaluation: WordEvaluation) -> None:
    """Where the false alarms are, the folder with the highest rate first."""
    found = table()
    found.add_column("without any word")
    for heading in ("minutes", "events", "an hour"):
        found.add_column(heading, justify="right")
    sources = sorted(
        evaluation.wordless.items(),
        key=lambda item: (-item[1].events / item[1].seconds, item[0]),
    )
    for source, audio in sources[:_MOST_SOURCES]:
        rate = _rate(audio.events, audio.seconds / 3600)
        found.add_row(one_line(source), f"{audio.seconds / 60:.1f}", str(audio.events), rate)
    print_table(found)
    if len(sources) > _MOST_SOURCES:
        print(f"and {number_of(len(sources) - _MOST_SOURCES, 'more folder')}; --json has all")


def _print_curve(curve: TradeOff) -> None:
    """What other thresholds would do."""
    if not curve.hours or not curve.labels:
        missing = "is no audio without words" if curve.labels else "are no words to be reported"
        print(f"no trade-off of misses and false alarms: there {missing}")
        return
    found = table()
    for heading in ("false alarms/h at most", "misses %", "false alarms/h", "threshold"):
        found.add_column(heading, justify="right")
    misses, rates = curve.misses(), curve.false_alarms_an_hour()
    shown: set[int] = set()
    for limit in (0.0, *_RATES):
        place = curve.best(limit)
        if place is None or place in shown or 0 < limit < curve.least:
            continue
        shown.add(place)
        found.add_row(
            f"{limit:g}", percent(misses[place]), f"{rates[place]:.3g}",
            f"{curve.thresholds[place]:g}",
        )  # fmt: skip
    length = duration(3600 * curve.hours)
    print(f"one threshold for all labels; false alarms in {length} of audio without words and of")
    print(f"other words, where one event is {curve.least:.3g} an hour and fewer cannot be seen")
    print_table(found)


def _wordless_events(evaluation: WordEvaluation) -> int:
    return sum(audio.events for audio in evaluation.wordless.values())


def _rate(events: int, hours: float) -> str:
    return f"{events / hours:.3g}" if hours else "-"
