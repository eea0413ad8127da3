"""The panels of the Compare page on the same rows, each of which also gives its parts of the report."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from mlops_core.charts.differences import (
    describe_differences,
    draw_pair_differences,
    draw_segment_differences,
    list_pair_rows,
)
from mlops_core.entities import ModelSpec
from mlops_core.services.activity import write_csv
from mlops_core.services.flips import list_examples, name_columns
from mlops_core.services.report import Section, Table
from mlops_core.services.side_by_side import Pair, SideBySide
from mlops_core.services.side_words import (
    CONFUSION_COLUMNS,
    CONFUSION_EXPORT,
    METRIC_EXPORT,
    SEGMENT_COLUMNS,
    SEGMENT_EXPORT,
    explain_outcomes,
    export_confusion,
    export_metrics,
    export_segments,
    list_confusion,
    list_metrics,
    list_segments,
    name_interval,
    name_metric_columns,
    tell_flips,
)
from mlops_core.words import write_span
from pages.components.downloads import offer_csv
from pages.components.filters import View
from pages.components.headline import write_title
from pages.components.session import get_palette
from pages.components.states import show_note
from pages.components.tables import write_table


def show_differences(view: View, found: SideBySide) -> list[Section]:
    """Draw the differences with their intervals beside the decisions, and every metric below them."""
    left, right = st.columns([1.15, 1], gap="small")
    with left, st.container(border=True, height="stretch", key="panel-compare-differences"):
        forest = _list_differences(view.spec, found)
        _show(forest, "compare-differences")
        st.html(f'<div class="dd-muted dd-small">{html.escape(_explain_margin(found))}</div>')
    with right, st.container(border=True, height="stretch", key="panel-compare-decisions"):
        decisions = _list_decisions(view.spec, found)
        _show(decisions, "compare-decisions")
        name = _name_file(view.spec, found, "decisions")
        offer_csv(write_csv(CONFUSION_EXPORT, export_confusion(found)), name, key="compare-decisions-csv")
    with st.container(border=True, key="panel-compare-metrics"):
        metrics = _list_metrics(view.spec, found)
        _show(metrics, "compare-metrics")
        name = _name_file(view.spec, found, "metrics")
        offer_csv(write_csv(METRIC_EXPORT, export_metrics(found)), name, key="compare-metrics-csv")
    # A report says of a table what is to be known of it above it.
    forest = replace(forest, note=f"{forest.note}. {_explain_margin(found)}")
    return [forest, *(replace(one, note=f"{one.note}. {one.words}") for one in (metrics, decisions))]


def _list_differences(spec: ModelSpec, found: SideBySide) -> Section:
    differences = {pair.comparison.candidate: list(pair.comparison.paired.metrics.values()) for pair in found.pairs}
    others, margin = ", ".join(differences), found.pairs[0].comparison.paired.margin
    return Section(
        title=f"{others} − {found.base}, the same {spec.words.rows}",
        note=f"right is better · {name_interval(found)}",
        draw=lambda palette: draw_pair_differences(differences, palette, margin),
        words=describe_differences(list_pair_rows(differences)),
    )


def _explain_margin(found: SideBySide) -> str:
    margin = found.pairs[0].comparison.paired.margin
    return f"Dotted: a loss of {margin:g}, up to which a version counts as not worse." if margin else ""


def _list_decisions(spec: ModelSpec, found: SideBySide) -> Section:
    return Section(
        title="Decisions",
        note=f"{found.n_positive:,} {spec.words.positives} among {found.n:,} {spec.words.rows}",
        table=Table(columns=CONFUSION_COLUMNS, rows=list_confusion(found)),
        words=explain_outcomes(spec),
    )


def _list_metrics(spec: ModelSpec, found: SideBySide) -> Section:
    first = found.pairs[0].comparison
    span = write_span(first.start, first.end, spec.timezone)
    widened = " They are widened so that those of all candidates hold together." if len(found.pairs) > 1 else ""
    return Section(
        title="Every metric",
        note=f"{found.n:,} labelled {spec.words.rows} of {span}",
        table=Table(columns=name_metric_columns(found), rows=list_metrics(found)),
        words=f"Intervals of a version resample {spec.chunk.value}s where there are at least five. Those of a "
        f"difference are narrower, since both versions scored the same {spec.words.rows}: DeLong's for ROC AUC, "
        f"for the others of {spec.words.rows} resampled within {spec.chunk.value}s.{widened}",
    )


def show_flips(view: View, found: SideBySide, shown: Pair) -> list[Section]:
    """Draw the decisions that flip with examples, of one pair; give those of all pairs."""
    with st.container(border=True, key="panel-compare-flips"):
        comparison = shown.comparison
        st.html(write_title("Decisions that flip", f"{comparison.candidate} beside {comparison.champion}"))
        st.html(f'<div class="dd-detail">{html.escape(tell_flips(comparison, view.spec))}</div>')
        columns = name_columns(comparison.champion, comparison.candidate, found.features)
        rows = list_examples(shown.examples)
        if rows:
            st.dataframe(
                pd.DataFrame(rows, columns=columns),
                hide_index=True,
                key="compare-flips",
                height=min(36 * (len(rows) + 1), 400),
                column_config={
                    columns[0]: st.column_config.TextColumn(width=230),
                    columns[1]: st.column_config.TextColumn(width=140),
                },
                alt=f"{len(rows)} {view.spec.words.rows} that the two versions decide differently",
            )
            st.html(f'<div class="dd-muted dd-small">{html.escape(_explain_examples(view.spec, shown))}</div>')
            name = _name_file(view.spec, found, f"flips-{comparison.candidate}")
            offer_csv(write_csv(columns, rows), name, key="compare-flips-csv")
    return [_list_flips(view.spec, found, pair) for pair in found.pairs]


def _explain_examples(spec: ModelSpec, pair: Pair) -> str:
    return (
        f"The {len(pair.examples)} {spec.words.rows} whose scores differ most, of those that become right and of those "
        "that become wrong, with the features that the versions read; empty where there is no value."
    )


def _list_flips(spec: ModelSpec, found: SideBySide, pair: Pair) -> Section:
    comparison = pair.comparison
    columns = name_columns(comparison.champion, comparison.candidate, found.features)
    return Section(
        title=f"Decisions that flip, {comparison.candidate} beside {comparison.champion}",
        note=f"{tell_flips(comparison, spec)} {_explain_examples(spec, pair)}",
        table=Table(columns=columns, rows=list_examples(pair.examples)) if pair.examples else None,
    )


def show_segments(view: View, found: SideBySide, shown: Pair) -> list[Section]:
    """Draw F1 by segment of one pair, the worst first; give those of all pairs."""
    column = shown.comparison.segment_column
    with st.container(border=True, key="panel-compare-segments"):
        st.html(write_title(f"Worst segments first{f', by {column}' if column else ''}", "F1 · right is better"))
        segments = shown.comparison.segments
        if not segments:
            show_note("There are no segments to compare.", "The model file names no segment columns.")
            return []
        section = _list_segments(shown)
        chart, table = st.columns([1, 1.5], gap="medium")
        with chart:
            if section.draw:
                st.plotly_chart(section.draw(get_palette()), theme=None, key="compare-segments", alt=section.words)
        with table:
            st.html(write_table(SEGMENT_COLUMNS, list_segments(segments), section.title))
            st.html(f'<div class="dd-muted dd-small">{html.escape(section.note)}</div>')
            name = _name_file(view.spec, found, f"segments-{shown.comparison.candidate}")
            offer_csv(write_csv(SEGMENT_EXPORT, export_segments(segments)), name, key="compare-segments-csv")
    return [_list_segments(pair) for pair in found.pairs]


def _list_segments(pair: Pair) -> Section:
    comparison = pair.comparison
    segments = comparison.segments
    return Section(
        title=f"F1 by {comparison.segment_column}, {comparison.candidate} − {comparison.champion}",
        note="The intervals are widened for the number of segments: of those that are said to be better or worse, 5 % "
        "are expected to be none.",
        draw=lambda palette: draw_segment_differences(segments, palette, comparison.paired.margin),
        words=describe_differences([(one.segment, one.difference) for one in segments]),
        table=Table(columns=SEGMENT_COLUMNS, rows=list_segments(segments)),
    )


def _show(section: Section, key: str) -> None:
    """Draw the title, the chart or the table, and what is to be known of it."""
    st.html(write_title(section.title, section.note))
    if section.draw:
        st.plotly_chart(section.draw(get_palette()), theme=None, key=key, alt=section.words)
    elif section.table:
        st.html(write_table(section.table.columns, section.table.rows, section.title))
        st.html(f'<div class="dd-muted dd-small">{html.escape(section.words)}</div>')


def _name_file(spec: ModelSpec, found: SideBySide, what: str) -> str:
    return f"{spec.name}-{'-'.join(found.overlap.compared)}-{what}"


def show_sections(sections: Mapping[str, Section]) -> None:
    """Draw charts in a grid, each in a panel of its own."""
    palette = get_palette()
    with st.grid(2, min_column_width=330, gap=14):
        for key, section in sections.items():
            with st.container(border=True, key=f"panel-compare-{key}"):
                st.html(write_title(section.title, section.note))
                if section.draw:
                    st.plotly_chart(section.draw(palette), theme=None, key=f"compare-{key}", alt=section.words)


def find_pair(pairs: Sequence[Pair], candidate: str) -> Pair:
    """Give the pair of a candidate, the first one where there is none."""
    return next((pair for pair in pairs if pair.comparison.candidate == candidate), pairs[0])
