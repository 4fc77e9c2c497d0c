"""A sweep's table, as text and as CSV."""

from training.sweeps.table import Row, to_csv, to_markdown


def test_table_in_the_papers_form():
    values = {"precision": [0.8, 0.9], "recall": [0.5, 0.7], "f1": [0.6, 0.8], "auroc": [0.9, 0.9]}
    rows = [
        Row("A", "c", "corrected", 3, [0], {"f1": [0.7]}),
        Row("A", "one", "no", 1, [0, 1], values),
        Row("A", "three", "no", 3, [0], {"f1": [0.5]}),
    ]
    assert to_markdown(rows, {}).splitlines() == [
        "| model | atmosphere | single image | time series (T=3) |",
        "| --- | --- | --- | --- |",
        "| A | no | 85.00 / 60.00 / 70.00±14.14 / 90.00 | 50.00 |",
        "| A | corrected | - | 70.00 |",
    ]
    line = to_csv(rows, {}).splitlines()[2].split(",")
    assert line[:5] == ["A", "one", "no", "1", "0 1"]
    assert line[5:9] == ["0.8500", "0.0707", "0.6000", "0.1414"]


def test_rows_that_differ_in_the_input_alone_are_all_shown():
    """Inputs with as much atmosphere and as many steps, such as raw and circular phases."""
    rows = [
        Row("A", "raw", "no", 3, [0], {"f1": [0.5]}),
        Row("A", "circular", "no", 3, [0], {"f1": [0.625]}),
        Row("A", "circular single", "no", 1, [0], {"f1": [0.25]}),
        Row("B", "raw", "no", 3, [0], {"f1": [0.75]}),
    ]
    published = {"precision": "1", "recall": "1", "f1": "1", "f1_sd": "0", "auroc": "1"}
    text = to_markdown(rows, {("B", "no", 3): published})
    assert text.splitlines() == [
        "| model | atmosphere | input | single image | time series (T=3) |",
        "| --- | --- | --- | --- | --- |",
        "| A | no | raw | - | 50.00 |",
        "| A | no | circular | - | 62.50 |",
        "| A | no | circular single | 25.00 | - |",
        "| B | no |  | - | 75.00<br>*100.00 / 100.00 / 100.00±0.00 / 100.00* |",
    ]
    names = [line.split(",")[1] for line in to_csv(rows, {}).splitlines()]
    assert names == ["inputs", "raw", "circular", "circular single", "raw"]
