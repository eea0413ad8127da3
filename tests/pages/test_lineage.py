"""The lineage on Versions: every version is told of, the newest are drawn, and runs are linked."""

from dataclasses import replace

import pytest

from mlops_core.charts.lineage import Trail, describe_lineage, draw_lineage
from mlops_core.charts.theme import LIGHT, assign_colours
from mlops_core.config import Home
from mlops_core.services.lineage import MOST_DRAWN, choose_trails
from mlops_core.services.runtime import Runtime
from mlops_core.store.models import add_version, get_version
from tests.small_home import MODEL, PRESENT, copy_small_home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The small home with twenty versions more, which runs have trained on two snapshots."""
    made = copy_small_home(tmp_path_factory.mktemp("lineage") / "home")
    runtime = Runtime.open(made)
    known = [get_version(runtime.database, MODEL, name) for name in ("v1", "v2")]
    with runtime.database.transaction() as transaction:
        for i in range(20):
            add_version(transaction, replace(known[i % 2], name=f"v{i + 4}", run=i + 1, created_at=PRESENT))
    runtime.close()
    return made


def read(test) -> str:
    return " ".join(one.body for one in test.get("html"))


def test_page_tells_the_path_of_the_champion_and_lists_all_versions(run_page, home: Home):
    test = run_page(home, "versions")
    words = read(test)
    assert not test.exception
    assert "v2: trained elsewhere on the snapshot " in words
    assert "in production 08 Mar 2024 – now." in words
    assert all(f'<th scope="row">v{i}</th>' in words for i in range(1, 24))
    assert f"{MOST_DRAWN + 1} of 23 versions are drawn" in words


def test_chosen_version_is_told_and_its_run_is_linked(run_page, home: Home):
    words = read(run_page(home, "versions", lineage_version="v9"))
    link = '<a href="retraining?model-select=car-loan&amp;run=6" target="_self">run 6</a>'
    assert f"v9: trained by {link} on the snapshot " in words
    assert f"Trained by {link}." in words


def test_link_to_an_unknown_version_is_told(run_page, home: Home):
    test = run_page(home, "versions", lineage_version="v99")
    assert "The link asks for the version 'v99'" in test.warning[0].value


def make_trail(i: int, **changes: object) -> Trail:
    fields = {"standing": "", "snapshot": f"{i % 3}" * 64, "snapshot_note": "500 rows", "run": i, "run_note": "by ann"}
    return Trail(**({"version": f"v{i}", "spans": ()} | fields | changes))


def test_newest_are_drawn_and_the_chosen_one_in_any_case():
    trails = [make_trail(i) for i in range(200, 0, -1)]
    drawn = choose_trails(trails, "v7")
    assert [trail.version for trail in drawn] == [*(f"v{i}" for i in range(200, 200 - MOST_DRAWN, -1)), "v7"]
    assert choose_trails(trails, "v200") == trails[:MOST_DRAWN]


def test_chosen_path_alone_has_its_colour_and_a_shared_snapshot_is_drawn_once():
    trails = [make_trail(1, spans=("1 Mar – now",)), make_trail(4, run=None), make_trail(2, version="<b>")]
    colours = assign_colours([trail.version for trail in trails], LIGHT)
    figure = draw_lineage(trails, "v1", colours, LIGHT)
    boxes = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    # Two snapshots, two runs, three versions, one time in production.
    assert len(boxes) == 2 + 2 + 3 + 1
    assert sum(box.line.color == colours["v1"] for box in boxes) == 4
    assert any("&lt;b>" in note.text for note in figure.layout.annotations)
    told = describe_lineage(trails)
    assert f"v1: trained by run 1 on the snapshot {'1' * 10}… (500 rows), in production 1 Mar – now." in told
    assert "v4: trained elsewhere" in told
