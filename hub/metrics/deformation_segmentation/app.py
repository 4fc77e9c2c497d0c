"""The metric's page: give a mask and a reference, as pictures, read the scores."""

from pathlib import Path

import evaluate
import gradio as gr
import numpy as np

HERE = Path(__file__).parent
ROWS, COLUMNS = np.mgrid[:64, :64]
TRUTH = np.where(np.hypot(ROWS - 30, COLUMNS - 30) < 14, 255, 0).astype("uint8")
GUESS = np.where(np.hypot(ROWS - 34, COLUMNS - 32) < 13, 220, 20).astype("uint8")

metric = evaluate.load(str(HERE / "deformation_segmentation.py"))


def compute(
    guess: np.ndarray | None, truth: np.ndarray | None, threshold: float
) -> dict[str, float | None]:
    """Scores of one picture of probabilities against one of labels, white being deformation."""
    if guess is None or truth is None:
        raise gr.Error("Give both pictures.")
    if guess.shape != truth.shape:
        raise gr.Error(f"The pictures differ in size: {guess.shape} and {truth.shape}.")
    scores = metric.compute(
        predictions=[guess / 255], references=[(truth > 127).astype("uint8")], threshold=threshold
    )
    return {name: None if value != value else value for name, value in scores.items()}


with gr.Blocks(title="Deformation segmentation") as page:
    gr.Markdown((HERE / "README.md").read_text().split("---\n", 2)[2])
    with gr.Row():
        probability = gr.Image(GUESS, image_mode="L", label="Probability (white is 1)")
        reference = gr.Image(TRUTH, image_mode="L", label="Reference (white is deformation)")
    cut = gr.Slider(0, 1, 0.5, label="Threshold")
    gr.Button("Compute", variant="primary").click(
        compute, [probability, reference, cut], gr.JSON(label="Scores")
    )

if __name__ == "__main__":
    page.launch()
