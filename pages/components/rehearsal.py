"""The evidence in a dialog: what the target would have done on the champion's own traffic."""

import html

import streamlit as st

from mlops_core.charts.differences import describe_differences, draw_metric_differences, draw_segment_differences
from mlops_core.entities import ModelSpec
from mlops_core.services.comparison import VersionComparison
from mlops_core.services.rehearsal import tell_rehearsal
from pages.components.headline import write_title
from pages.components.session import get_palette


def show_rehearsal(spec: ModelSpec, comparison: VersionComparison) -> None:
    """Draw the answer in a sentence, the differences by metric, and those by segment."""
    judgement = comparison.paired.metrics[spec.primary_metric].judgement
    sentence, detail = tell_rehearsal(comparison, spec)
    with st.container(key=f"banner-{judgement.value.upper()}"):
        st.html(
            f'<h2 class="dd-sentence">{html.escape(sentence)}</h2><div class="dd-detail">{html.escape(detail)}</div>'
        )
    left, right = st.columns(2, gap="medium")
    with left:
        _show_metrics(spec, comparison)
    if comparison.segments:
        with right:
            _show_segments(comparison)


def _show_metrics(spec: ModelSpec, comparison: VersionComparison) -> None:
    pair = f"{comparison.candidate} − {comparison.champion} on the same {spec.words.rows}"
    st.html(write_title(pair, "right is better · 95 % interval"))
    differences = list(comparison.paired.metrics.values())
    words = describe_differences([(found.metric.label, found) for found in differences])
    figure = draw_metric_differences(differences, get_palette())
    st.plotly_chart(figure, theme=None, key="rehearsal-metrics", alt=words)


def _show_segments(comparison: VersionComparison) -> None:
    st.html(write_title(f"F1 by {comparison.segment_column}", "right is better"))
    words = describe_differences([(found.segment, found.difference) for found in comparison.segments])
    figure = draw_segment_differences(comparison.segments, get_palette())
    st.plotly_chart(figure, theme=None, key="rehearsal-segments", alt=words)
