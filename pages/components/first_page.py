"""The first page before anybody asks: decides what is imported and read while a browser loads its own part."""

import importlib

from mlops_core.services.runtime import Runtime

NEEDED = (
    "pages.components.change",
    "pages.components.drift_excerpt",
    "pages.components.models",
    "pages.components.tables",
    "mlops_core.services.cards",
    "mlops_core.charts.timeline",
    # What Streamlit imports late: for the logo, and for the names of icons.
    "PIL.GifImagePlugin",
    "PIL.ImageFile",
    "streamlit.material_icon_names",
)


def prepare_first_page(runtime: Runtime) -> None:
    """Import what the overview needs and read it once; the page finds these results until something is committed."""
    for name in NEEDED:
        importlib.import_module(name)
    from mlops_core.services.overview import read_overview
    from mlops_core.services.performance import list_segment_choices
    from mlops_core.services.registry import list_specs

    for spec in list_specs(runtime)[:1]:
        list_segment_choices(runtime, spec)
        read_overview(runtime, spec, runtime.now(spec.name))
