"""The commands that compare versions."""


def test_compare_gives_the_document_and_a_table(run):
    ended = run("compare", "car-loan", "v2", "v1", "--json")
    assert (ended.exit_code, ended.document["n"]) == (0, 14 * 600)
    told = run("compare", "car-loan", "v2", "v1").output
    assert told.startswith(
        "v1 − v2 on the same 8,400 rows, 2024-03-01 00:00 to 2024-03-15 00:00 UTC; positive is better\n"
    )
    assert "F1 by region, the worst first" in told


def test_compare_takes_a_window(run):
    ended = run("compare", "car-loan", "v2", "v3", "--window", "2024-03-08..2024-03-10", "--json")
    assert ended.document["n"] == 2 * 600


def test_compare_refuses_a_version_twice(run):
    ended = run("compare", "car-loan", "v2", "v2")
    assert (ended.exit_code, ended.output) == (2, "")
    assert "v2 cannot be compared with itself" in ended.errors


def test_rehearse_says_what_a_change_would_do(run):
    ended = run("rehearse", "car-loan", "--to", "v1")
    assert ended.exit_code == 0
    assert ended.output.startswith("v1 would be worse.\nRehearsed on the 8,400 labelled loans")
    assert "\nok      Artifact loads in" in ended.output
    assert run("rehearse", "car-loan", "--to", "v1", "--json").document["verdict"] == "worse"


def test_rehearse_ends_with_1_when_the_version_could_not_serve(run, home):
    for artifact in home.artifacts.iterdir():
        artifact.write_bytes(b"damaged")
    ended = run("rehearse", "car-loan", "--to", "v1")
    assert ended.exit_code == 1
    assert "failed  The artifact is damaged" in ended.output
