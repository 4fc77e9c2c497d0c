"""A run's folder: written while it trains, read to resume and to use the model.

    RUN/config.yaml               the resolved configuration
    RUN/data.json                 what tells the data that it learns from
    RUN/model.json                ModelFacts
    RUN/best/model.safetensors    weights of the best epoch
    RUN/checkpoints/step-*/       everything a resumed run needs
    RUN/metrics.jsonl             one line for each epoch
    RUN/wandb_id.txt              the run's id in wandb, kept when it is resumed
    RUN/results/DATASET-SPLIT/    of evaluate.py: results.json, predictions.parquet and figures

Everything is written under a temporary name and renamed, so that a file that is there is whole.
Weights are safetensors; the rest is read with `weights_only`, which runs no code from a file.
"""

import training.torchvision_schemas  # noqa: F401 (before timm, smp and transformers import torchvision)
