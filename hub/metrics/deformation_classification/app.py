"""The metric's page: type probabilities and labels, read the scores."""

from pathlib import Path

import evaluate
import gradio as gr

HERE = Path(__file__).parent
EXAMPLE = [[0.9, 1], [0.2, 0], [0.7, 0], [0.6, 1]]

metric = evaluate.load(str(HERE / "deformation_classification.py"))


def compute(table: list[list[object]], threshold: float) -> dict[str, float | None]:
    """Scores of a table with a row for each sample."""
    rows = [(float(str(p)), int(float(str(t)))) for p, t in table if f"{p}" and f"{t}"]
    if not rows:
        raise gr.Error("Type a probability and a label for at least one sample.")
    probabilities, labels = zip(*rows, strict=True)
    try:
        scores = metric.compute(
            predictions=probabilities, references=labels, threshold=threshold, resamples=200
        )
    except ValueError as error:
        raise gr.Error(str(error)) from error
    return {name: None if value != value else value for name, value in scores.items()}


with gr.Blocks(title="Deformation classification") as page:
    gr.Markdown((HERE / "README.md").read_text().split("---\n", 2)[2])
    samples = gr.Dataframe(
        EXAMPLE,
        headers=["probability of deformation", "label (1 deformation)"],
        datatype=["number", "number"],
        type="array",
        label="One row a sample",
    )
    cut = gr.Slider(0, 1, 0.5, label="Threshold")
    gr.Button("Compute", variant="primary").click(compute, [samples, cut], gr.JSON(label="Scores"))

if __name__ == "__main__":
    page.launch()
