"""Texts in charts: decides that what comes from data is shown letter by letter, though plotly reads HTML."""


def show_plain(text: str) -> str:
    """Give a text as plotly must get it to draw it as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
