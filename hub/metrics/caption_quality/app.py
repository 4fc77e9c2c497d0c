"""The metric's page: type a sentence and the true one, read the scores."""

from pathlib import Path

import evaluate
import gradio as gr

HERE = Path(__file__).parent
GUESS = "A sill-type deformation pattern of low intensity is visible on the top-left side."
TRUTH = "A sill-type deformation pattern of high intensity is visible on the top side."

metric = evaluate.load(str(HERE / "caption_quality.py"))


def compute(guess: str, truth: str) -> dict[str, float | None]:
    """Scores of texts against as many true ones, a line each."""
    said, true = ([line for line in text.splitlines() if line.strip()] for text in (guess, truth))
    if not said or len(said) != len(true):
        raise gr.Error("Type as many lines on the left as on the right, at least one.")
    scores = metric.compute(predictions=said, references=true)
    return {name: None if value != value else value for name, value in scores.items()}


with gr.Blocks(title="Caption quality") as page:
    gr.Markdown((HERE / "README.md").read_text().split("---\n", 2)[2])
    with gr.Row():
        prediction = gr.Textbox(GUESS, lines=4, label="Captions to judge, a line each")
        reference = gr.Textbox(TRUTH, lines=4, label="True captions, a line each")
    gr.Button("Compute", variant="primary").click(
        compute, [prediction, reference], gr.JSON(label="Scores")
    )

if __name__ == "__main__":
    page.launch()
