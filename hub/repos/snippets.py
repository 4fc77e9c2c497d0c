"""The lines of code on a model's card: load it, and bring one's own planes to it."""

from __future__ import annotations

from training.facts import ModelFacts

_COSINES = "cosines = found.text_embeds @ found.image_embeds.T"


def loading_code(facts: ModelFacts, name: str) -> str:
    """Three lines that load the model with its library alone.

    Args:
        facts: The model's facts.
        name: Repository, or `folder_name`.
    """
    size = facts.image_size
    planes = facts.planes_per_step * facts.timeseries_length
    shape = f"1, {planes}, {size}, {size}"
    if facts.library == "timm":
        where = "local-dir" if name.startswith(("/", ".")) else "hf-hub"
        return (
            "import timm, torch\n\n"
            f'model = timm.create_model("{where}:{name}", pretrained=True).eval()\n'
            f"logits = model(torch.zeros({shape}))"
        )
    if facts.library == "smp":
        return (
            "import segmentation_models_pytorch as smp, torch\n\n"
            f'model = smp.from_pretrained("{name}").eval()\n'
            f"logits = model(torch.zeros({shape}))"
        )
    if facts.objective == "caption":
        return (
            "import torch\nfrom transformers import AutoTokenizer, VisionEncoderDecoderModel\n\n"
            f'model = VisionEncoderDecoderModel.from_pretrained("{name}").eval()\n'
            f'tokenizer = AutoTokenizer.from_pretrained("{name}")\n'
            f"tokens = model.generate(torch.zeros({shape}))\n"
            "caption = tokenizer.batch_decode(tokens, skip_special_tokens=True)[0]"
        )
    if facts.objective == "retrieval":
        return (
            "import torch\nfrom transformers import AutoTokenizer, VisionTextDualEncoderModel\n\n"
            f'model = VisionTextDualEncoderModel.from_pretrained("{name}").eval()\n'
            f'tokenizer = AutoTokenizer.from_pretrained("{name}")\n'
            'words = tokenizer(["a sill of high intensity"], return_tensors="pt")\n'
            f"found = model(**words, pixel_values=torch.zeros({shape}))\n{_COSINES}"
        )
    if facts.library == "transformers":
        task = "ImageClassification"
        if facts.objective == "segmentation":
            task = "SemanticSegmentation"
        return (
            f"import torch; from transformers import AutoModelFor{task}\n\n"
            f'model = AutoModelFor{task}.from_pretrained("{name}").eval()\n'
            f"logits = model(torch.zeros({shape})).logits"
        )
    kind = "TemporalSegmenter" if facts.objective == "segmentation" else "TemporalClassifier"
    shape = f"1, {facts.timeseries_length}, {facts.planes_per_step}, {size}, {size}"
    return (
        f"import torch; from training.models.temporal import {kind}\n\n"
        f'model = {kind}.from_pretrained("{name}").eval()\n'
        f"logits = model(torch.zeros({shape}))"
    )


def preparing_code(facts: ModelFacts, name: str) -> str:
    """Lines, after `loading_code`, that normalise planes of which some pixels are missing.

    No library's processor replaces what is missing, and one NaN makes every logit NaN.

    Args:
        facts: The model's facts.
        name: Repository, or `folder_name`.
    """
    size = facts.image_size
    count = facts.planes_per_step * facts.timeseries_length
    planes = (
        "# yours, in the channels' units, NaN where missing\n"
        f'planes = np.full(({count}, {size}, {size}), np.nan, "float32")\n'
    )
    if facts.library == "timm":
        return (
            "import numpy as np\n\n"
            f"{planes}"
            "cfg = model.pretrained_cfg\n"
            'mean, std = np.reshape(cfg["mean"], (-1, 1, 1)), np.reshape(cfg["std"], (-1, 1, 1))\n'
            "planes = np.where(np.isfinite(planes), planes, mean)\n"
            "logits = model(torch.tensor((planes - mean) / std).float()[None])"
        )
    call = {"smp": "model(inputs)", "transformers": "model(inputs).logits"}.get(
        facts.library, f"model(inputs.unflatten(1, ({facts.timeseries_length}, -1)))"
    )
    answer = f"logits = {call}"
    if facts.objective == "caption":
        decoded = "tokenizer.batch_decode(model.generate(inputs), skip_special_tokens=True)"
        answer = f"caption = {decoded}[0]"
    if facts.objective == "retrieval":
        answer = f"found = model(**words, pixel_values=inputs)\n{_COSINES}"
    return (
        "import numpy as np\nfrom transformers import AutoImageProcessor\n\n"
        f"{planes}"
        f'processor = AutoImageProcessor.from_pretrained("{name}")\n'
        "mean = np.reshape(processor.image_mean, (-1, 1, 1))\n"
        "planes = np.where(np.isfinite(planes), planes, mean)\n"
        'inputs = processor(planes, return_tensors="pt")["pixel_values"].float()\n'
        f"{answer}"
    )
