"""What an entry point may hand over, and what is said of one that does not."""

import pytest
from sklearn.linear_model import LogisticRegression

from mlops_core.errors import InputError
from mlops_core.training.plan import Candidate, choose_candidates, load_plan, make_code_id

LINE = "Candidate(name='line', features=('income',), estimator=LogisticRegression())"
HEAD = "from sklearn.linear_model import LogisticRegression\nfrom mlops_core.training.plan import Candidate, Plan\n"
FAULTS = {
    "def candidates(): return []": "names 0 candidates; accepted are 1 to 50",
    f"def candidates(): return [{LINE}, {LINE}]": "Two candidates are called 'line'",
    "def candidates(): return [LogisticRegression()]": "names a LogisticRegression as a candidate",
    "def candidates(): return [Candidate(name='x', features=(), estimator=LogisticRegression())]": "reads no feature",
    "def candidates(): return [Candidate(name='x', features=('a',), estimator=LogisticRegression)]": "the class Logist",
    "def candidates(): return 5": "has returned int; accepted are a Plan and a list",
    "def candidates(): pass": "has returned NoneType; accepted are a Plan and a list",
    "def candidates(): return [Candidate(name='x', features=('a',), estimator='Line')]": "has a str as its estimator",
    "def candidates(): return 1 / 0": "has raised ZeroDivisionError: division by zero",
    "candidates = 5": "is int; accepted is a function",
    "import nowhere_to_be_found": "cannot be imported: ModuleNotFoundError",
    "def others(): pass": "cannot be imported: AttributeError",
    "def candidates(:": "cannot be imported: SyntaxError",
}


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Write a module that can be imported, and give the entry point in it."""
    monkeypatch.syspath_prepend(tmp_path)
    names = iter(f"entry_{tmp_path.name}_{i}" for i in range(9))

    def write(text):
        name = next(names)
        (tmp_path / f"{name}.py").write_text(HEAD + text + "\n", encoding="utf-8")
        return f"{name}:candidates"

    return write


@pytest.mark.parametrize("text", FAULTS)
def test_entry_point_is_refused_when_it_hands_over_something_else(write_module, text):
    with pytest.raises(InputError, match=FAULTS[text].replace("(", r"\(")):
        load_plan(write_module(text))


def test_candidates_are_given_by_name_in_the_order_asked_for():
    plan = load_plan("tests.small_training:candidates")
    assert [one.name for one in choose_candidates(plan, [])] == ["boosted trees", "logistic regression"]
    chosen = choose_candidates(plan, ["logistic regression"])
    assert [type(one.estimator) for one in chosen] == [LogisticRegression]
    with pytest.raises(InputError, match="no candidate 'line'; the candidates are: boosted trees, logistic regression"):
        choose_candidates(plan, ["line"])


def test_code_id_changes_with_the_code_of_the_entry_point_and_of_the_modules_it_names(write_module):
    entry_point = write_module(f"def candidates(): return Plan(candidates=[{LINE}], modules=('tests.small_home',))")
    plan = load_plan(entry_point)
    known = make_code_id(entry_point, plan)
    assert known == make_code_id(entry_point, load_plan(entry_point))
    other = write_module(f"def candidates(): return Plan(candidates=[{LINE}])")
    assert len({known, make_code_id(other, load_plan(other))}) == 2
    assert isinstance(plan.candidates[0], Candidate)
