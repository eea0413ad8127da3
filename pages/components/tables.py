"""Small tables as HTML, so that screen readers and narrow windows can read them."""

import html
from collections.abc import Callable, Mapping, Sequence


def write_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    links: Mapping[str, Callable[[str], str]] | None = None,
) -> str:
    """Give a table; the first column does not wrap, every cell is made harmless.

    Parameters
    ----------
    links : mapping, optional
        By column, what makes a link as HTML of the text of a cell.
    """
    made = [(links or {}).get(name, html.escape) for name in columns]
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td{' class=when' if i == 0 else ''}>{made[i](cell)}</td>" for i, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="dd-scroll"><table class="dd-table" aria-label="{html.escape(caption)}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def write_pairs(pairs: Sequence[tuple[str, str]], caption: str) -> str:
    """Give names and values as a table of two columns."""
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>' for name, value in pairs
    )
    return (
        f'<div class="dd-scroll"><table class="dd-table" aria-label="{html.escape(caption)}">'
        f"<tbody>{body}</tbody></table></div>"
    )
